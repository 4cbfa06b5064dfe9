"""The loop carries out what the machine decides: audio to who answers, effects to the mouth, in order."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from satellite.effects import BeginTurn, Moment, Tell, Tone
from satellite.events import (
    AnnouncementAudio,
    Event,
    MicrophoneLost,
    MicrophoneReady,
    MuteChanged,
    MuteSource,
    Say,
    Stopped,
    Triggered,
    Trouble,
    TurnFailed,
    Via,
    ViaChanged,
)
from satellite.hearing.ears import Ears, ear_settings
from satellite.loop import Loop
from satellite.parts import HeardFrame
from satellite.turn import TurnSettings
from tests.satellite.waiting import until
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.vad import FRAME_MS, FRAME_SAMPLES


class FakeBackend:
    """Keeps what it was given, one line for each call."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.turns: list[BeginTurn] = []
        self.heard: dict[int, bytes] = {}

    def prepare(self) -> None:
        self.calls.append("prepare")

    def begin(self, turn: BeginTurn) -> None:
        self.turns.append(turn)
        self.calls.append(f"begin {turn.epoch}")

    def feed(self, epoch: int, pcm: bytes) -> None:
        self.heard[epoch] = self.heard.get(epoch, b"") + pcm

    def end_audio(self, epoch: int) -> None:
        self.calls.append(f"end {epoch}")

    def cancel(self, epoch: int) -> None:
        self.calls.append(f"cancel {epoch}")

    def played(self) -> None:
        self.calls.append("played")

    def say(self, text: str) -> None:
        self.calls.append(f"say {text}")

    def unsay(self) -> None:
        self.calls.append("unsay")

    async def run(self) -> None:
        """Lives on its own."""


class FakeMouth:
    """Keeps what was asked of it; `abort` says that 700 ms were heard, or fails."""

    volume = 1.0

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.broken = False

    def begin(self, playback: int) -> None:
        self.calls.append(f"begin {playback}")

    def play(self, playback: int, sound: Sound) -> None:
        self.calls.append(f"play {playback}")

    def end(self, playback: int) -> None:
        self.calls.append(f"end {playback}")

    def abort(self, playback: int) -> int:
        if self.broken:
            raise ZeroDivisionError("a bug in the mouth")
        self.calls.append(f"abort {playback}")
        return 700

    def sentence(self, playback: int, trouble: Trouble) -> None:
        self.calls.append(f"sentence {trouble}")

    def tone(self, tone: Tone) -> None:
        self.calls.append(f"tone {tone}")

    def think(self, on: bool) -> None:
        self.calls.append(f"think {on}")

    def ring(self, on: bool) -> None:
        self.calls.append(f"ring {on}")

    async def room(self) -> None:
        """There is always room."""

    async def run(self) -> None:
        """Lives on its own."""


class Stage:
    """A loop between fakes, with a direct backend that is ready."""

    def __init__(self, settings: TurnSettings) -> None:
        self.mouth, self.backend = FakeMouth(), FakeBackend()
        self.told: list[Tell] = []
        self.dismissed: list[str] = []
        self.loop = Loop(
            settings,
            Ears(ear_settings("aggressive", 0.5, 20)),
            self.mouth,
            dict.fromkeys(Via, self.backend),
            self.dismissed.append,
        )
        self.loop.listeners.append(self.told.append)
        self._frames = 0

    def hear(self, picture: str) -> None:
        """One frame for each letter: S speech, . silence; each of samples of its own."""
        for letter in picture:
            self._frames += 1
            pcm = self._frames.to_bytes(2, "little") * FRAME_SAMPLES
            probability = 0.9 if letter == "S" else 0.0
            self.loop.hear(HeardFrame(pcm, self._frames * FRAME_MS, probability, -30.0))

    async def post(self, *events: Event) -> None:
        for event in events:
            self.loop.post(event)
        await settled()

    def frames_heard(self, epoch: int) -> list[int]:
        """The numbers of the frames that the backend got in a turn."""
        pcm, size = self.backend.heard[epoch], FRAME_SAMPLES * SPEECH.frame_bytes
        return [int.from_bytes(pcm[at : at + 2], "little") for at in range(0, len(pcm), size)]


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage(TurnSettings(gate="vad", mode="standalone", follow_up="off"))
    await stage.post(MicrophoneReady(), ViaChanged(Via.DIRECT, ready=True))
    yield stage


async def settled() -> None:
    """All that was posted is handled in one callback, which stands before whoever waits."""
    await asyncio.sleep(0)


async def test_every_frame_of_an_utterance_is_sent_once_and_in_order(stage: Stage) -> None:
    stage.hear("." * 30 + "SSSS")
    await settled()
    stage.hear("S" * 20)
    await settled()
    stage.hear("." * 40)
    await settled()
    (turn,) = stage.backend.turns
    heard = stage.frames_heard(turn.epoch)
    assert heard == list(range(heard[0], heard[-1] + 1))
    assert heard[0] == (30 * FRAME_MS - 500) // FRAME_MS + 1  # half a second before speech
    assert stage.backend.calls == ["begin 1", "end 1"]


async def test_nothing_is_sent_after_the_end_of_the_audio(stage: Stage) -> None:
    stage.hear("." * 30 + "S" * 20 + "." * 40)
    await settled()
    sent = len(stage.backend.heard[1])
    stage.hear("." * 10)
    await settled()
    assert len(stage.backend.heard[1]) == sent


async def test_a_frame_that_ends_a_turn_by_mute_is_not_sent(stage: Stage) -> None:
    stage.hear("." * 30 + "S" * 10)
    await settled()
    sent = len(stage.backend.heard[1])
    await stage.post(MuteChanged(MuteSource.SOFTWARE, True))
    stage.hear("SSS")
    await settled()
    assert len(stage.backend.heard[1]) == sent


async def test_what_was_heard_of_an_interrupted_answer_goes_into_the_next_turn(
    stage: Stage,
) -> None:
    sound = Sound(bytes(3200), SPEECH)
    await stage.post(AnnouncementAudio(sound), Triggered(stage.loop.ear_ms))
    (turn,) = stage.backend.turns
    assert turn.heard_ms == 700
    assert stage.mouth.calls[:3] == ["begin 1", "play 1", "abort 1"]
    await stage.post(Stopped(), Triggered(stage.loop.ear_ms))
    assert stage.backend.turns[1].heard_ms is None


async def test_what_was_stopped_is_not_taken_for_what_was_interrupted(stage: Stage) -> None:
    await stage.post(AnnouncementAudio(Sound(bytes(3200), SPEECH)), Stopped())
    await stage.post(Triggered(stage.loop.ear_ms))
    assert stage.backend.turns[0].heard_ms is None


async def test_a_bug_in_one_effect_leaves_the_others(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.mouth.broken = True
    sound = Sound(bytes(3200), SPEECH)
    with caplog.at_level(logging.ERROR):
        await stage.post(AnnouncementAudio(sound), Triggered(stage.loop.ear_ms))
    assert "AbortPlayback could not be carried out" in caplog.text
    assert [turn.epoch for turn in stage.backend.turns] == [stage.loop.state.epoch]


async def test_a_bug_in_the_machine_costs_one_event(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    broken: Event = AnnouncementAudio(None)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        await stage.post(broken, Triggered(stage.loop.ear_ms))
    assert "AnnouncementAudio could not be carried out" in caplog.text
    assert len(stage.backend.turns) == 1


async def test_what_is_posted_meanwhile_waits_its_turn(stage: Stage) -> None:
    def interrupt(told: Tell) -> None:
        if told.moment is Moment.LISTENING:
            stage.loop.post(Stopped())

    stage.loop.listeners.append(interrupt)
    await stage.post(Triggered(stage.loop.ear_ms))
    calls = [call for call in stage.backend.calls if call != "prepare"]
    assert calls == ["begin 1", "end 1", "cancel 1"]


async def test_speech_that_a_lost_microphone_cut_off_is_not_gone_on_with(stage: Stage) -> None:
    stage.hear("SSSSSSSSSS")
    await settled()
    await stage.post(MicrophoneLost("unplugged"), TurnFailed(1, Trouble.FAILED, "", silent=True))
    assert stage.loop.state.name == "idle"
    await stage.post(MicrophoneReady())
    stage.hear("SSSS")
    await settled()
    assert stage.loop.state.name == "listening"


async def test_what_is_said_again_to_another_ends_where_the_ear_was_closed() -> None:
    stage = Stage(TurnSettings(gate="vad"))
    home, direct = Via.HOME_ASSISTANT, Via.DIRECT
    await stage.post(MicrophoneReady(), ViaChanged(home, True), ViaChanged(direct, True))
    stage.hear("." * 30 + "S" * 20)
    await settled()
    stage.hear("." * 30)
    await settled()
    assert stage.loop.state.name == "processing"
    heard = stage.backend.heard[1]
    stage.hear("." * 10)
    await stage.post(ViaChanged(home, False), ViaChanged(home, True))
    stage.hear("." * 10)
    await stage.post(TurnFailed(2, Trouble.NO_ASR, "gone"))
    stage.hear("." * 10)
    assert stage.backend.heard == {1: heard, 2: heard, 3: heard}


async def test_a_text_that_is_spoken_is_given_up_with_all_else(stage: Stage) -> None:
    await stage.post(Say("Dinner!"), Stopped())
    assert stage.backend.calls == ["say Dinner!", "unsay"]


async def test_a_deadline_comes_by_itself() -> None:
    stage = Stage(TurnSettings(gate="remote", mode="standalone", no_speech_ms=20))
    await stage.post(MicrophoneReady(), ViaChanged(Via.DIRECT, ready=True))
    await stage.post(Triggered(stage.loop.ear_ms))
    assert stage.loop.state.name == "listening"
    await until(lambda: stage.loop.state.name == "idle")
