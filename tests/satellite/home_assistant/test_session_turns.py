"""What Home Assistant's events mean: turns, errors, and audio that nobody asked for."""

import pytest

from satellite import events as e
from tests.satellite.home_assistant.session_stage import TOLD, TURN, Desk, follow


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        ("woken1 feed1 end1", ">detection >run >audio-chunk >audio-stop"),
        (
            f"{TURN} audio-chunk audio-chunk audio-stop played",
            f"{TOLD} ReplyAudio1 ReplyAudio1 ReplyEnded1 >played",
        ),
        (
            "begin1 feed1 transcribe voice-started voice-stopped end1",
            ">run >audio-chunk Progressed1 Progressed1 SpeechEndedRemotely1 >audio-stop",
        ),
        (
            "begin1 voice-stopped voice-stopped transcript=hi",
            ">run SpeechEndedRemotely1 Progressed1 Transcribed1=hi",
        ),
        ("begin1 feed1 transcript=hi", ">run >audio-chunk SpeechEndedRemotely1 Transcribed1=hi"),
        ("begin1 end1 voice-stopped", ">run >audio-stop Progressed1"),
        (
            "begin1 end1 transcript=hi audio-start audio-chunk synthesize=Yes. audio-stop",
            ">run >audio-stop Transcribed1=hi Progressed1 ReplyAudio1 ReplyText1=Yes. ReplyEnded1",
        ),
        (
            "begin1 end1 transcript=hi audio-start audio-stop synthesize=Yes.",
            ">run >audio-stop Transcribed1=hi Progressed1 ReplyEnded1 ReplyText1=Yes.",
        ),
        ("begin1 end1 transcript=hi synthesize=", ">run >audio-stop Transcribed1=hi Progressed1"),
        ("begin1 end1 end1 feed1", ">run >audio-stop"),
        ("begin2 feed1 end1 cancel1", ">run"),
    ],
)
def test_a_turn(picture: str, outcomes: str) -> None:
    assert follow(f"up {picture}") == f"ready {outcomes}"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("stt-no-text-recognized", "silent1"),
        ("duplicate_wake_up_detected", "silent1"),
        ("intent-failed", "failed1"),
        ("validation-error", "failed1"),
        ("", "failed1"),
    ],
)
def test_error_codes(code: str, told: str) -> None:
    assert follow(f"up begin1 error={code} transcript=late error={code}") == f"ready >run {told}"


def test_an_error_after_the_answer_and_one_without_a_turn_are_nobodys() -> None:
    assert follow(f"up {TURN} audio-stop error=x") == f"ready {TOLD} ReplyEnded1"
    assert follow("up error=x") == "ready"


def test_what_an_error_says_is_for_the_log() -> None:
    desk = Desk()
    desk.do("up")
    desk.do("begin1")
    failed = desk.do("error=intent-failed")[0]
    assert isinstance(failed, e.TurnFailed)
    assert failed.text == "Home Assistant says: because (intent-failed)"


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        ("", "AnnouncementAudio AnnouncementEnded"),
        (f"{TURN} audio-stop", f"{TOLD} ReplyEnded1 AnnouncementAudio AnnouncementEnded"),
        (
            "begin1 feed1 transcribe",
            ">run >audio-chunk Progressed1 silent1 AnnouncementAudio AnnouncementEnded",
        ),
        (
            "audio-start audio-chunk",
            "AnnouncementAudio AnnouncementEnded AnnouncementAudio AnnouncementEnded",
        ),
    ],
)
def test_audio_out_of_the_blue_is_an_announcement(picture: str, outcomes: str) -> None:
    assert follow(f"up {picture} audio-start audio-chunk audio-stop") == f"ready {outcomes}"


def test_a_turn_that_an_announcement_displaced_is_over() -> None:
    picture = "up begin1 audio-start audio-stop feed1 end1 transcript=x"
    assert follow(picture) == "ready >run silent1 AnnouncementEnded"


def test_audio_without_a_start_is_nobodys() -> None:
    assert follow("up audio-chunk audio-stop") == "ready"


def test_a_wake_word_is_told_once_in_a_while() -> None:
    """Home Assistant would take it for another satellite's, and end the run."""
    assert follow("up woken1 error=x +2499 woken2").count(">detection") == 1
    assert follow("up woken1 error=x +2500 woken2").count(">detection") == 2


def test_home_assistant_tells_which_language_it_hears() -> None:
    told = follow("up begin1 feed1 end1 transcribe=de transcript=hallo")
    assert told.split()[-1] == "Transcribed1=hallo:de"
