"""What is remembered and where speech starts and ends: pictures in, one letter is a frame of 32 ms."""

import random

import pytest

from satellite.hearing.ears import Ears, EarSettings
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.endpointing import (
    Endpoint,
    EndpointSettings,
    SpeechEnded,
    SpeechStarted,
    endpoint_settings,
)
from wyoming_voice.core.opinions import Witness

SETTINGS = EarSettings(
    EndpointSettings(min_silence_ms=3 * 32, max_speech_ms=20 * 32), memory_ms=10 * 32 + 5
)
"""Remembers ten frames."""


def listen(ears: Ears, picture: str) -> list[Endpoint]:
    """Frame number n carries the byte n, so that what is remembered can be told."""
    endpoints: list[Endpoint] = []
    for letter in picture:
        number = ears.now_ms // 32
        endpoints += ears.push(bytes([number]), 0.9 if letter == "S" else 0.0)
    return endpoints


def after(picture: str) -> Ears:
    ears = Ears(SETTINGS)
    listen(ears, picture)
    return ears


def test_endpoints_are_on_the_line_of_all_audio() -> None:
    ears = Ears(SETTINGS)
    assert listen(ears, "....SSS....") == [SpeechStarted(4 * 32), SpeechEnded(7 * 32)]
    assert listen(ears, "..SS...") == [SpeechStarted(13 * 32), SpeechEnded(15 * 32)]
    assert ears.now_ms == 18 * 32


def test_speech_cut_off_by_the_end_of_the_audio_has_ended() -> None:
    ears = after("..SSS")
    assert ears.speaking
    assert ears.finish() == [SpeechEnded(5 * 32)]
    assert not ears.speaking
    assert ears.finish() == []


@pytest.mark.parametrize(
    ("from_ms", "frames"),
    [
        (3 * 32, [3, 4, 5]),
        (3 * 32 + 31, [3, 4, 5]),  # the frame that holds it
        (4 * 32 - 1, [3, 4, 5]),
        (5 * 32, [5]),
        (6 * 32, []),
        (99 * 32, []),
        (-500, [0, 1, 2, 3, 4, 5]),  # half a second before speech, just after the start
    ],
)
def test_what_was_heard_since(from_ms: int, frames: list[int]) -> None:
    assert after("......").since(from_ms) == bytes(frames)


def test_the_memory_is_bounded_and_begins_where_it_begins() -> None:
    ears = after("." * 25)
    assert ears.since(0) == bytes(range(15, 25))
    assert ears.since(20 * 32) == bytes(range(20, 25))


def test_nothing_is_remembered_before_the_first_frame() -> None:
    assert Ears(SETTINGS).since(0) == b""
    assert Ears(SETTINGS).restart(0) == []


def test_restart_forgets_what_was_being_said() -> None:
    ears = after("..SSS")
    assert ears.restart(5 * 32) == []
    assert not ears.speaking
    assert listen(ears, "......") == []


def test_restart_hears_again_what_came_after() -> None:
    ears = after("SSSS.SSS")
    assert ears.restart(4 * 32) == [SpeechStarted(5 * 32)]
    assert listen(ears, "...") == [SpeechEnded(8 * 32)]


def test_restart_gives_a_whole_utterance_that_came_after() -> None:
    assert after("SS....SS...").restart(3 * 32) == [SpeechStarted(6 * 32), SpeechEnded(8 * 32)]


def test_a_frame_in_which_the_wake_word_still_sounds_does_not_count() -> None:
    assert after("SSSS").restart(2 * 32) == [SpeechStarted(2 * 32)]
    assert after("SSSS").restart(2 * 32 + 1) == []  # one whole frame is left of two needed


def test_restart_to_come_is_deaf_until_then() -> None:
    ears = after("...")
    assert ears.restart(6 * 32) == []
    assert listen(ears, "SSS") == []
    assert listen(ears, "SS...") == [SpeechStarted(6 * 32), SpeechEnded(8 * 32)]


def test_restart_before_the_memory_begins_with_it() -> None:
    assert after("." * 20 + "SS").restart(0) == [SpeechStarted(20 * 32)]


def test_restart_keeps_what_was_heard_before() -> None:
    ears = after("......")
    ears.restart(5 * 32)
    assert ears.since(2 * 32) == bytes([2, 3, 4, 5])


def test_a_restart_at_any_time_ends_as_listening_from_there_does() -> None:
    dice = random.Random(11)
    settings = EarSettings(EndpointSettings(min_silence_ms=3 * 32), memory_ms=100 * 32)
    for _ in range(200):
        picture = "".join(dice.choice("..SS") for _ in range(60))
        at, now = sorted((dice.randrange(60), dice.randrange(60)))
        restarted = Ears(settings)
        listen(restarted, picture[:now])
        endpoints = restarted.restart(at * 32) + listen(restarted, picture[now:])
        fresh = Ears(settings)
        deaf = "." * at  # as long, and nothing heard
        assert endpoints == listen(fresh, deaf + picture[at:])


def test_the_memory_holds_the_longest_utterance() -> None:
    settings = EarSettings(endpoint_settings("aggressive", 0.5, 25, dynamic=True))
    assert settings.memory_ms > settings.endpointing.max_speech_ms


DYNAMIC = EarSettings(
    EndpointSettings(min_silence_ms=10 * 32, complete_silence_ms=5 * 32, open_silence_ms=15 * 32)
)
COMPLETE, OPEN, UNKNOWN = Completeness.COMPLETE, Completeness.OPEN, Completeness.UNKNOWN


def ended_after(*opinions: Completeness, after: str = "SS...", pauses_ms: int = 0) -> int | None:
    """After how many frames of silence speech ends."""
    ears = Ears(DYNAMIC)
    ears.pauses.note(pauses_ms)
    listen(ears, after)
    for witness, opinion in zip(Witness, opinions, strict=False):
        ears.expect(witness, opinion)
    silent = len(after) - len(after.rstrip("."))
    for frames in range(silent + 1, silent + 30):
        if listen(ears, "."):
            return frames
    return None


@pytest.mark.parametrize(
    ("opinions", "frames"),
    [
        ((), 10),
        ((COMPLETE,), 5),
        ((OPEN,), 15),
        ((UNKNOWN,), 10),
        ((UNKNOWN, COMPLETE), 5),
        ((COMPLETE, UNKNOWN), 5),
        ((COMPLETE, OPEN), 15),
        ((OPEN, COMPLETE), 15),
    ],
)
def test_whoever_thinks_that_more_is_to_come_has_it(
    opinions: tuple[Completeness, ...], frames: int
) -> None:
    assert ended_after(*opinions) == frames


def test_an_opinion_of_an_earlier_pause_counts_for_nothing() -> None:
    assert ended_after(COMPLETE, after="SS") == 10
    assert ended_after(COMPLETE, after="SS....S..") == 10, "it comes too soon to be of this one"
    ears = Ears(DYNAMIC)
    listen(ears, "SS...")
    ears.expect(Witness.WORDS, OPEN)
    listen(ears, "S...")
    ears.expect(Witness.SOUND, COMPLETE)
    assert listen(ears, "..") == [SpeechEnded(6 * 32)]


@pytest.mark.parametrize(("at_ms", "frames"), [(6 * 32, 10), (6 * 32 + 1, 5), (9 * 32, 5)])
def test_an_opinion_of_what_was_heard_before_the_pause_counts_for_nothing(
    at_ms: int, frames: int
) -> None:
    ears = Ears(DYNAMIC)
    listen(ears, "SS...S...")
    ears.expect(Witness.WORDS, COMPLETE, at_ms)
    assert listen(ears, "." * (frames - 3)) == [SpeechEnded(6 * 32)]


def test_a_witness_may_think_better_of_it() -> None:
    ears = Ears(DYNAMIC)
    listen(ears, "SS...")
    ears.expect(Witness.WORDS, OPEN)
    ears.expect(Witness.WORDS, COMPLETE)
    assert listen(ears, "..") == [SpeechEnded(2 * 32)]


def test_an_opinion_after_the_end_counts_for_nothing() -> None:
    ears = Ears(DYNAMIC)
    listen(ears, "SS" + "." * 10)
    ears.expect(Witness.WORDS, COMPLETE)
    assert listen(ears, "SS" + "." * 9) == [SpeechStarted(12 * 32)]


def test_an_opinion_does_not_outlive_a_restart() -> None:
    ears = Ears(DYNAMIC)
    listen(ears, "SS...")
    ears.expect(Witness.WORDS, OPEN)
    ears.restart(0)
    ears.expect(Witness.SOUND, COMPLETE)
    assert listen(ears, "..") == [SpeechEnded(2 * 32)]


def test_whoever_hesitates_is_given_time() -> None:
    assert ended_after(COMPLETE, pauses_ms=5 * 32) == 9


def test_a_pause_within_a_turn_is_noted() -> None:
    ears = Ears(DYNAMIC)
    listen(ears, "SS......S")
    ears.note_pause()
    assert ears.pauses.mean_ms == 6 * 32
    listen(ears, ".")
    ears.note_pause()
    assert ears.pauses.mean_ms == 6 * 32
