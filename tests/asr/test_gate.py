"""What the gate lets through, and the reason that it gives when it doesn't."""

import pytest

from wyoming_voice.asr.engine import Evidence, Segment
from wyoming_voice.asr.gate import Reason, judged, speech_frames

SURE = Evidence(no_speech=0.01, log_prob=-0.2, compression=0.9)


def segment(text: str, evidence: Evidence = SURE, duration_s: float = 2.0) -> Segment:
    return Segment(f" {text}", 0.0, duration_s, "en", evidence=evidence)


def frames(picture: str) -> list[float]:
    """`.` silence, `s` speech, `?` between the two."""
    return [{".": 0.01, "?": 0.2, "s": 0.9}[letter] for letter in picture]


@pytest.mark.parametrize(
    ("picture", "found"),
    [
        ("", None),
        (".......", None),
        ("..ss...ss..", None),
        ("..sss...", (2, 5)),
        ("sss", (0, 3)),
        ("..sss..ss..ssss.", (2, 15)),
        ("..sss..ss.", (2, 5)),
        ("??????", None),
    ],
)
def test_speech_is_a_run_of_frames(picture: str, found: tuple[int, int] | None) -> None:
    assert speech_frames(frames(picture), 0.3) == found


def test_the_threshold_is_part_of_speech() -> None:
    assert speech_frames([0.3] * 3, 0.3) == (0, 3)


def test_ordinary_speech_passes() -> None:
    verdict = judged(segment("Turn on the light."), vad_heard=True)
    assert (verdict.text, verdict.reason) == (" Turn on the light.", Reason.PASSED)


def test_no_speech_needs_two_witnesses() -> None:
    unsure = Evidence(no_speech=0.9, log_prob=-1.4, compression=0.9)
    sure = Evidence(no_speech=0.9, log_prob=-0.3, compression=0.9)
    assert judged(segment("Thank you.", unsure), vad_heard=True).reason is Reason.NO_SPEECH
    assert judged(segment("Thank you.", sure), vad_heard=True).reason is Reason.PASSED


def test_log_probability_alone_refuses_nothing_that_was_heard() -> None:
    mumbled = Evidence(no_speech=0.1, log_prob=-1.8, compression=0.9)
    assert judged(segment("Turn on", mumbled), vad_heard=True).text == " Turn on"
    assert judged(segment("Turn on", mumbled), vad_heard=False).reason is Reason.LOG_PROB


def test_text_that_compresses_too_well_is_refused() -> None:
    evidence = Evidence(no_speech=0.1, log_prob=-0.2, compression=3.0)
    verdict = judged(segment("la di la di da", evidence), vad_heard=True)
    assert (verdict.text, verdict.reason) == ("", Reason.COMPRESSION)


def test_a_loop_is_cut_off_after_its_first_round() -> None:
    evidence = Evidence(no_speech=0.1, log_prob=-0.2, compression=4.0, cut=True)
    looped = segment("Turn on the light" + ", the light" * 20, evidence, duration_s=20)
    verdict = judged(looped, vad_heard=True)
    assert (verdict.text, verdict.reason) == (" Turn on the light,", Reason.REPEAT)


def test_nothing_is_left_of_a_loop_from_the_start() -> None:
    evidence = Evidence(compression=4.0, cut=True)
    verdict = judged(segment("you " * 40, evidence), vad_heard=True)
    assert (verdict.text, verdict.reason) == ("", Reason.REPEAT)


def test_ten_words_a_second_are_a_loop_though_the_decoder_ended() -> None:
    assert judged(segment("no " * 30, duration_s=2), vad_heard=True).reason is Reason.REPEAT


def test_people_repeat_themselves() -> None:
    spoken = segment("No, no, no, no, no!", duration_s=2)
    assert judged(spoken, vad_heard=True).reason is Reason.PASSED


def test_an_engine_that_knows_nothing_about_itself_passes() -> None:
    assert judged(segment("hello", Evidence()), vad_heard=False).reason is Reason.PASSED
