"""When pauses are judged by their sound, and what is heard then: one letter is a frame of 32 ms."""

import numpy as np
import pytest

from satellite.hearing.finality import Finality
from satellite.parts import Audio
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.errors import EngineError
from wyoming_voice.vad import FRAME_SAMPLES

LETTERS = {"S": 0.9, "w": 0.4, ".": 0.0}


class FakeJudge:
    """Keeps the numbers of the frames that it was given."""

    def __init__(self) -> None:
        self.heard: list[list[int]] = []
        self.failure: EngineError | None = None

    def completeness(self, audio: Audio) -> Completeness:
        assert audio.dtype == np.float32
        self.heard.append([round(float(first)) for first in audio[::FRAME_SAMPLES]])
        if self.failure is not None:
            raise self.failure
        return Completeness.OPEN


class Room:
    """Somebody speaks; each frame holds its number."""

    def __init__(self) -> None:
        self.judge = FakeJudge()
        self.finality = Finality(self.judge)
        self._frames = 0

    def hear(self, picture: str) -> list[int]:
        """In which frames something was judged, counted from the first ever."""
        judged = []
        for letter in picture:
            frame = np.full(FRAME_SAMPLES, self._frames, np.float32)
            if self.finality.push(frame, LETTERS[letter]) is Completeness.OPEN:
                judged.append(self._frames)
            self._frames += 1
        return judged


def attentive() -> Room:
    room = Room()
    room.finality.attentive = True
    return room


def test_a_pause_is_judged_once() -> None:
    room = attentive()
    assert room.hear("..SSS..............") == [10]
    assert room.judge.heard == [list(range(11))]


def test_a_judge_that_fails_is_not_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    room = attentive()
    room.judge.failure = EngineError("smart-turn has failed: out of memory")
    assert room.hear("SS.......SS.......") == []
    assert len(room.judge.heard) == 1
    assert "out of memory; pauses are not judged" in caplog.text


def test_each_pause_is_judged() -> None:
    assert attentive().hear("SS.......SS..wS.......") == [7, 20]


def test_silence_before_speech_is_no_pause() -> None:
    assert attentive().hear("................ww.......") == []


def test_nothing_is_judged_while_nobody_listens() -> None:
    room = Room()
    assert room.hear("SSS............") == []
    room.finality.attentive = True
    assert room.hear("SS......") == [22]


def test_a_turn_begins_with_a_little_of_what_was_heard_before() -> None:
    room = Room()
    room.hear("S" * 40)
    room.finality.attentive = True
    assert room.hear("......") == [45]
    assert room.judge.heard == [list(range(24, 46))]


def test_the_last_eight_seconds_are_heard() -> None:
    room = attentive()
    room.hear("S" * 300 + "......")
    (heard,) = room.judge.heard
    assert heard == list(range(56, 306))


def test_what_was_heard_is_forgotten() -> None:
    room = attentive()
    room.hear("SSS..")
    room.finality.reset()
    assert room.hear("........") == []
    assert room.hear("SS......") == [20]
    assert room.judge.heard == [list(range(5, 21))]
