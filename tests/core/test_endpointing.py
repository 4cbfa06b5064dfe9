"""Pictures of speech in, endpoints out: one letter is a frame of 32 ms."""

import random

import pytest

from wyoming_voice.core.endpointing import (
    Endpoint,
    Endpointer,
    EndpointSettings,
    SpeechEnded,
    SpeechStarted,
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
