"""Pictures of speech in, endpoints out: one letter is a frame of 32 ms."""

import random

import pytest

from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.endpointing import (
    SILENCES,
    Endpoint,
    Endpointer,
    EndpointSettings,
    SpeechEnded,
    SpeechStarted,
    endpoint_settings,
)

SETTINGS = EndpointSettings(min_silence_ms=4 * 32, max_speech_ms=20 * 32)
LETTERS = {".": 0.01, "w": 0.4, "S": 0.9}  # w: too weak to start speech, strong enough to go on


def heard(picture: str, settings: EndpointSettings = SETTINGS) -> list[Endpoint]:
    endpointer = Endpointer(settings)
    endpoints = [e for letter in picture for e in endpointer.push(LETTERS[letter])]
    return endpoints + endpointer.finish()


@pytest.mark.parametrize(
    ("picture", "start_frame", "end_frame"),
    [
        ("..SSSS....", 2, 6),
        ("S.S.......", 0, 3),  # two of three frames are enough
        ("..SSSwww....", 2, 8),  # a weak syllable goes on with what a clear one began
        ("..SSS...SS....", 2, 10),  # a pause shorter than the silence waited for
        ("..SSSS", 2, 6),  # the audio ends first
        ("." * 10 + "SS....", 10, 12),
    ],
)
def test_speech_starts_and_ends(picture: str, start_frame: int, end_frame: int) -> None:
    assert heard(picture) == [SpeechStarted(start_frame * 32), SpeechEnded(end_frame * 32)]


@pytest.mark.parametrize("picture", ["", "......", "..S....", "..S...S...", "wwwwwwww"])
def test_a_click_or_a_murmur_is_no_speech(picture: str) -> None:
    assert heard(picture) == []


def test_two_utterances() -> None:
    assert heard("SS....SS....") == [
        SpeechStarted(0),
        SpeechEnded(64),
        SpeechStarted(6 * 32),
        SpeechEnded(8 * 32),
    ]


def test_endless_speech_is_cut() -> None:
    endpoints = heard("S" * 30)
    assert endpoints[:2] == [SpeechStarted(0), SpeechEnded(20 * 32)]


def test_endpoints_alternate_whatever_is_heard() -> None:
    dice = random.Random(7)
    for _ in range(200):
        endpoints = heard("".join(dice.choice("..wSS") for _ in range(80)))
        kinds = [type(endpoint) for endpoint in endpoints]
        assert kinds == [SpeechStarted, SpeechEnded] * (len(kinds) // 2)
        times = [endpoint.at_ms for endpoint in endpoints]
        assert times == sorted(times)


def test_the_first_frame_may_begin_anywhere_on_the_line() -> None:
    endpointer = Endpointer(SETTINGS, start_ms=3200)
    endpoints = [e for letter in "..SSSS...." for e in endpointer.push(LETTERS[letter])]
    assert endpoints == [SpeechStarted(3200 + 2 * 32), SpeechEnded(3200 + 6 * 32)]


DYNAMIC = EndpointSettings(
    min_silence_ms=4 * 32, max_speech_ms=20 * 32, complete_silence_ms=2 * 32, open_silence_ms=6 * 32
)
COMPLETE, OPEN, UNKNOWN = Completeness.COMPLETE, Completeness.OPEN, Completeness.UNKNOWN


def ended_after(
    picture: str, settings: EndpointSettings = DYNAMIC, at_least_ms: int = 0
) -> int | None:
    """In which frame speech ends; C, O, U: what it looks like at this place, which is no frame."""
    endpointer = Endpointer(settings)
    looks = {"C": COMPLETE, "O": OPEN, "U": UNKNOWN}
    frames = 0
    for letter in picture:
        if letter in looks:
            endpointer.expect(looks[letter], at_least_ms)
            continue
        frames += 1
        if any(isinstance(one, SpeechEnded) for one in endpointer.push(LETTERS[letter])):
            return frames
    return None


@pytest.mark.parametrize(
    ("picture", "frames"),
    [
        ("SS..........", 6),
        ("SS.C........", 4),
        ("SS.O........", 8),
        ("SS.U........", 6),
        ("SS...C......", 6),  # silent for long enough already: with the next frame
        ("SS.OC.......", 4),  # what is expected last counts
        ("SS.C" + "S.........", 8),  # forgotten when speech goes on
        ("SS.O" + "w.........", 8),  # … however softly
        ("C" + "SS..........", 6),  # of nothing that was said
        ("SS.O..", None),
    ],
)
def test_what_was_said_makes_the_silence_shorter_or_longer(
    picture: str, frames: int | None
) -> None:
    assert ended_after(picture) == frames


def test_what_was_said_counts_for_nothing_where_the_silence_is_fixed() -> None:
    assert ended_after("SS.C........", SETTINGS) == 6
    assert ended_after("SS.O........", SETTINGS) == 6


@pytest.mark.parametrize(("at_least", "frames"), [(1, 4), (3, 5), (9, 6)])
def test_a_speaker_who_hesitates_gets_more_time_but_no_more_than_usual(
    at_least: int, frames: int
) -> None:
    assert ended_after("SS.C........", at_least_ms=at_least * 32) == frames
    assert ended_after("SS.O........", at_least_ms=at_least * 32) == 8


def test_how_long_it_is_silent_and_was() -> None:
    endpointer = Endpointer(DYNAMIC)
    silences, pauses = [], []
    for letter in ".SS..S.SS....":
        endpointer.push(LETTERS[letter])
        silences.append(endpointer.silence_ms // 32)
        pauses.append(endpointer.ended_pause_ms // 32)
    assert silences == [0, 0, 0, 1, 2, 0, 1, 0, 0, 1, 2, 3, 0]
    assert pauses == [0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0]


def test_settings_of_a_sensitivity() -> None:
    settings = endpoint_settings("relaxed", 0.6, 12.5, dynamic=True)
    assert settings.start_probability == 0.6
    assert settings.end_probability == pytest.approx(0.45)
    assert settings.min_silence_ms == 1250
    assert settings.max_speech_ms == 12_500
    assert settings.frame_ms == 32


def test_a_low_threshold_can_still_end_speech() -> None:
    assert endpoint_settings("default", 0.1, 20, dynamic=True).end_probability > 0


@pytest.mark.parametrize("sensitivity", SILENCES)
def test_a_fixed_silence_is_one_for_all(sensitivity: str) -> None:
    fixed = endpoint_settings(sensitivity, 0.5, 20, dynamic=False)
    assert {fixed.silence_ms(looks) for looks in Completeness} == {fixed.min_silence_ms}
    dynamic = endpoint_settings(sensitivity, 0.5, 20, dynamic=True)
    assert dynamic.silence_ms(UNKNOWN) == fixed.min_silence_ms
    assert dynamic.silence_ms(COMPLETE) < fixed.min_silence_ms < dynamic.silence_ms(OPEN)
