"""A turn that is given up: what is told of it, what of it is dropped, and a walk at random."""

import random

import pytest

from satellite import events as e
from satellite.home_assistant.messages import HangUp, Send
from tests.satellite.home_assistant.session_stage import TOLD, TURN, Desk, follow

MADE = "begin1 end1 transcript=a synthesize=b"
MADE_TOLD = ">run >audio-stop Transcribed1=a ReplyText1=b"


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        # Home Assistant works: it is told, and answers with a validation-error.
        (
            "begin1 cancel1 error=validation-error +50 begin2 error=intent-failed",
            ">run >cancel >run failed2",
        ),
        ("begin1 begin2 feed2 error=validation-error +49", ">run >cancel"),
        ("begin1 begin2 feed2 error=validation-error +50", ">run >cancel >run >audio-chunk"),
        ("begin1 begin2 feed2 end2 +499", ">run >cancel"),
        ("begin1 begin2 feed2 end2 +500", ">run >cancel >run >audio-chunk >audio-stop"),
        (
            "begin1 begin2 +500 error=validation-error error=validation-error",
            ">run >cancel >run failed2",
        ),
        ("begin1 cancel1 +500 begin2", ">run >cancel >run"),
        ("begin1 cancel1 begin2 played", ">run >cancel >played"),
        # An old run says its last words meanwhile.
        ("begin1 begin2 transcript=old synthesize=old error=x +500", ">run >cancel >run"),
        ("begin1 cancel1 transcript=old synthesize=old", ">run >cancel"),
        # A turn that Home Assistant never heard of needs no cancel.
        ("begin1 begin2 feed2 cancel2 +500 begin3", ">run >cancel >run"),
        ("begin1 begin2 begin3 +500", ">run >cancel >run"),
        # An announcement takes its place in the end.
        (
            "begin1 begin2 feed2 audio-start audio-stop +500",
            ">run >cancel silent2 AnnouncementEnded",
        ),
    ],
)
def test_a_run_at_work_is_cancelled_before_the_next(picture: str, outcomes: str) -> None:
    assert follow(f"up {picture}") == f"ready {outcomes}"


@pytest.mark.parametrize(
    ("picture", "outcomes"),
    [
        # In the middle of the answer: dropped up to its end.
        (
            f"{TURN} audio-chunk begin2 audio-chunk +9000 audio-chunk audio-stop",
            f"{TOLD} ReplyAudio1 >run",
        ),
        (
            f"{TURN} cancel1 audio-chunk audio-stop audio-start audio-chunk",
            f"{TOLD} AnnouncementAudio",
        ),
        (
            f"{TURN} begin2 audio-chunk audio-start audio-chunk",
            f"{TOLD} >run silent2 AnnouncementAudio",
        ),
        # Its speech is being made: dropped whenever it comes, once.
        (f"{MADE} begin2 +9000 audio-start audio-chunk audio-stop", f"{MADE_TOLD} >run"),
        (
            f"{MADE} begin2 end2 transcript=c audio-start audio-chunk audio-stop synthesize=d audio-start",
            f"{MADE_TOLD} >run >audio-stop Transcribed2=c ReplyText2=d Progressed2",
        ),
        (f"{MADE} cancel1 +30000 audio-start audio-chunk", f"{MADE_TOLD} AnnouncementAudio"),
        (
            f"{MADE} cancel1 audio-start audio-chunk audio-stop audio-start audio-chunk",
            f"{MADE_TOLD} AnnouncementAudio",
        ),
        # It was being thought of: dropped if it comes soon.
        (
            "begin1 end1 transcript=a cancel1 +1499 audio-start audio-chunk audio-stop",
            ">run >audio-stop Transcribed1=a >cancel",
        ),
        (
            "begin1 end1 transcript=a cancel1 +1500 audio-start audio-chunk",
            ">run >audio-stop Transcribed1=a >cancel AnnouncementAudio",
        ),
        (
            "begin1 end1 transcript=a begin2 end2 +500 transcript=b audio-start audio-chunk",
            ">run >audio-stop Transcribed1=a >cancel >run >audio-stop Transcribed2=b Progressed2 ReplyAudio2",
        ),
    ],
)
def test_a_stale_answer_never_comes_back(picture: str, outcomes: str) -> None:
    assert follow(f"up {picture}") == f"ready {outcomes}"


VOCABULARY = """
    up down begin woken feed end cancel played ping pause-satellite
    transcribe voice-started voice-stopped transcript=x transcript= synthesize=y
    audio-start audio-chunk audio-stop error=x error=validation-error
    error=stt-no-text-recognized timer-finished +40 +600 +2000 +11000
"""


@pytest.mark.parametrize("seed", range(60))
def test_a_random_walk(seed: int) -> None:
    """Nothing of an old turn comes out, and nothing is sent without a link."""
    chance, desk, epoch, link = random.Random(seed), Desk(), 0, False
    over: set[int] = set()
    for _ in range(400):
        word = chance.choice(VOCABULARY.split())
        if word in ("begin", "woken"):
            over, epoch = over | {epoch}, epoch + 1
        if word in ("begin", "woken", "feed", "end", "cancel"):
            word = f"{word}{epoch}"
        if word.startswith("cancel"):
            over.add(epoch)
        if word in ("up", "down"):
            link = word == "up"
        for outcome in desk.do(word):
            assert link or not isinstance(outcome, Send)
            assert getattr(outcome, "epoch", None) not in over
            if isinstance(outcome, e.TurnFailed):
                over.add(epoch)
            if isinstance(outcome, HangUp):
                link = False
                desk.do("down")
    desk.do("down")
    assert desk.session.deadline_ms is None
