"""Each sign of failure that sends a text from a short context back to the encoder."""

from dataclasses import replace

import pytest

from wyoming_voice.asr.engine import Evidence, Segment, facts
from wyoming_voice.asr.whisper.doubts import Doubt, doubt

GOOD = Segment(
    " Turn on the kitchen light.",
    0.0,
    2.0,
    "en",
    evidence=Evidence(no_speech=0.01, log_prob=-0.2, compression=0.9),
)
SPOKEN = (0.2, 1.8)


def judge(
    *segments: Segment, tokens: int = 6, speech_s: tuple[float, float] | None = SPOKEN
) -> Doubt | None:
    return doubt(segments, tokens, speech_s, 10)


def with_evidence(**changes: float | bool) -> Segment:
    return replace(GOOD, evidence=replace(GOOD.evidence, **changes))  # type: ignore[arg-type]


def test_a_usual_text_is_believed() -> None:
    assert judge(GOOD) is None
    assert judge(GOOD, speech_s=None) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cut": True}, Doubt.CUT),
        ({"log_prob": -1.01}, Doubt.LOG_PROB),
        ({"compression": 2.41}, Doubt.COMPRESSION),
    ],
)
def test_what_the_model_says_of_its_text(changes: dict[str, float | bool], why: Doubt) -> None:
    assert judge(with_evidence(**changes)) is why
    assert judge(GOOD, with_evidence(**changes)) is why


def test_what_the_model_cannot_tell_is_no_doubt() -> None:
    assert judge(replace(GOOD, evidence=Evidence())) is None


def test_a_phrase_again_and_again() -> None:
    assert judge(replace(GOOD, text=" the light" * 3), speech_s=(0, 9)) is None
    assert judge(replace(GOOD, text=" the light" * 4), speech_s=(0, 9)) is Doubt.REPEAT


def test_a_phrase_that_goes_on_in_the_next_segment() -> None:
    twice = replace(GOOD, text=" the light" * 2)
    assert judge(twice, twice, speech_s=(0, 9)) is Doubt.REPEAT


def test_more_words_than_anybody_says_in_that_time() -> None:
    text = " ".join(f"word{number}" for number in range(19))
    assert judge(replace(GOOD, text=text), speech_s=(0, 2)) is None
    assert judge(replace(GOOD, text=text), speech_s=(0, 1)) is Doubt.PACE


def test_more_tokens_than_anybody_says_in_that_time() -> None:
    assert judge(GOOD, tokens=26) is None
    assert judge(GOOD, tokens=27) is Doubt.PACE


def test_the_pace_is_that_of_the_segments_where_no_detector_listened() -> None:
    assert judge(GOOD, tokens=30, speech_s=None) is None
    assert judge(GOOD, tokens=31, speech_s=None) is Doubt.PACE


def test_nothing_is_doubted_where_somebody_spoke() -> None:
    assert judge(tokens=0) is Doubt.EMPTY
    assert judge(tokens=0, speech_s=None) is None


def test_the_log_has_the_context_and_the_doubt() -> None:
    short, again = Evidence(context_s=6), Evidence(context_s=30, again="cut")
    assert facts([]) == facts([Evidence()]) == {}
    assert facts([short, Evidence(context_s=8, names=3)]) == {"names": 3, "context": 8}
    assert facts([short, again, short]) == {"context": 30, "context_again": "cut"}
