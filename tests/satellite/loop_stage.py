"""A stage for the loop: fakes that keep what they are asked for, and a microphone drawn in letters."""

import asyncio
from dataclasses import replace

from satellite.effects import BeginTurn, Tell, Tone
from satellite.events import Event, Trouble, Via
from satellite.hearing.ears import Ears, EarSettings
from satellite.loop import Loop
from satellite.parts import HeardFrame
from satellite.turn import TurnSettings
from wyoming_voice.client import Sound
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.endpointing import endpoint_settings
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.vad import FRAME_MS, FRAME_SAMPLES

_SOUNDS = {"c": Completeness.COMPLETE, "o": Completeness.OPEN}


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

    def sentence(self, playback: int, trouble: Trouble, language: str) -> None:
        self.calls.append(f"sentence {trouble} {language}".strip())

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
        self.ears = Ears(EarSettings(endpoint_settings("aggressive", 0.5, 20, dynamic=True)))
        self.loop = Loop(
            settings,
            self.ears,
            self.mouth,
            dict.fromkeys(Via, self.backend),
            self.dismissed.append,
        )
        self.loop.listeners.append(self.told.append)
        self._frames = 0

    def hear(self, picture: str) -> None:
        """One frame for each letter, each of samples of its own.

        S speech, . silence, c and o silence after what sounds complete, or open.
        """
        for letter in picture:
            self._frames += 1
            pcm = self._frames.to_bytes(2, "little") * FRAME_SAMPLES
            probability = 0.9 if letter == "S" else 0.0
            frame = HeardFrame(pcm, self._frames * FRAME_MS, probability, -30.0)
            self.loop.hear(replace(frame, completeness=_SOUNDS.get(letter)))

    async def post(self, *events: Event) -> None:
        for event in events:
            self.loop.post(event)
        await settled()

    def frames_heard(self, epoch: int) -> list[int]:
        """The numbers of the frames that the backend got in a turn."""
        pcm, size = self.backend.heard[epoch], FRAME_SAMPLES * SPEECH.frame_bytes
        return [int.from_bytes(pcm[at : at + 2], "little") for at in range(0, len(pcm), size)]


async def settled() -> None:
    """All that was posted is handled in one callback, which stands before whoever waits."""
    await asyncio.sleep(0)
