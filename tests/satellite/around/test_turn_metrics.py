"""How long people wait for answers, and how turns end: each counted once, by who answers."""

import numpy as np
import pytest

from satellite.around.turn_metrics import Follower, TurnMetrics
from satellite.dialog.state import Listening, Processing, State, Turn
from satellite.effects import Moment, Tell
from satellite.events import Event, MicrophoneReady, ReplyAudio, Transcribed, Via
from satellite.parts import HeardFrame
from satellite.turn import TurnSettings
from tests.metrics_client import values_in
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.metrics import Sheet

LISTENING = State(Listening(0, Turn(1, Via.DIRECT, 0), 0), epoch=1)
PROCESSING = State(Processing(0, Turn(1, Via.DIRECT, 0)), epoch=1)
IDLE = State.initial(TurnSettings(), 0)
SILENCE = Sound(bytes(3200), SPEECH)
LATE = Sound(bytes(3200) + np.full(160, 9_000, np.int16).tobytes(), SPEECH)
"""A tenth of a second of silence, and then something."""

GAP = "t_response_gap_seconds"


class Stage:
    """A Follower, its clock, and what it has counted."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.sheet = Sheet("t")
        self.follower = Follower(TurnMetrics(self.sheet), 0.5, lambda: self.now_s)

    def speak(self, until_s: float) -> None:
        self.now_s = until_s
        self.follower.frame(HeardFrame(b"", 0, 0.9, -30.0))

    def at(self, now_s: float, event: Event, state: State) -> None:
        self.now_s = now_s
        self.follower.frame(HeardFrame(b"", 0, 0.1, -60.0))
        self.follower.watch(event, state)

    def told(self, name: str) -> float:
        return values_in(self.sheet.text())[name]


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.at(100.0, MicrophoneReady(), LISTENING)
    stage.speak(102.0)
    stage.at(102.5, Transcribed(1, "light"), PROCESSING)
    return stage


def test_a_gap_is_from_the_last_speech_to_the_first_sound(stage: Stage) -> None:
    stage.at(102.8, ReplyAudio(1, SILENCE), PROCESSING)
    stage.at(103.0, ReplyAudio(1, LATE), PROCESSING)
    stage.at(104.0, ReplyAudio(1, LATE), PROCESSING)
    assert stage.told(f"{GAP}_count:direct") == 1
    assert stage.told(f"{GAP}_sum:direct") == pytest.approx(1.1)
    assert stage.told(f"{GAP}_count:home-assistant") == 0


def test_what_is_of_another_turn_or_comes_after_it_is_no_answer(stage: Stage) -> None:
    stage.at(102.8, ReplyAudio(7, LATE), PROCESSING)
    stage.at(103.0, MicrophoneReady(), LISTENING)
    stage.at(103.1, ReplyAudio(1, LATE), LISTENING)
    stage.at(103.2, ReplyAudio(1, LATE), IDLE)
    assert stage.told(f"{GAP}_count:direct") == 0


def test_turns_are_counted_by_how_they_end(stage: Stage) -> None:
    for moment in (Moment.LISTENING, Moment.TRANSCRIPT, Moment.ERROR, Moment.IDLE):
        stage.follower.tell(Tell(moment, "what people say"))
    assert stage.told("t_turns_total:direct:failed") == 1
    assert stage.told("t_turns_total:answered:direct") == 0
