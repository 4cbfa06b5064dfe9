"""A room that doesn't exist, the settings of a satellite in it, and what the doctor says there."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from satellite.config import SatelliteSettings
from satellite.doctor.examine import Visit, report
from satellite.doctor.findings import Line
from satellite.doctor.sound import examine_sound
from satellite.doctor.trial import Patient, Times
from satellite.hearing.echo import PassThrough
from satellite.parts import Audio, DeviceError
from wyoming_voice.audio import to_pcm16

SHORT = Times(
    settle_s=0.1, quiet_s=0.3, speak_s=0.6, after_s=0.2, open_s=1.0, slack_s=5.0, close_s=2.0
)
BLOCK = 320
BLOCK_S = BLOCK / 16_000 / 4  # four times as fast as a real room


class Room:
    """A microphone and a loudspeaker in one room, sample for sample in step.

    `hiss` is its noise; `returns` the part of our own sound that comes back; a person speaks from the
    prompt "Say something" on, if there is one.
    """

    def __init__(self, *, hiss: float = 0.001, returns: float = 0.0, person: float = 0.0) -> None:
        self.refusals: dict[str, str] = {}
        self.prompts: list[str] = []
        self.hangs = self.living = False
        self.loudspeaker_alone: asyncio.Task[None] | None = None
        self._hiss, self._returns, self._person = hiss, returns, person
        self._random = np.random.default_rng(5)
        self.fill: Callable[[int], Audio] | None = None
        self._late = np.zeros(5 * BLOCK, np.float32)
        self._speaking = False

    def prompt(self, text: str) -> None:
        self.prompts.append(text)
        self._speaking = text.startswith("Say")

    @property
    def microphone(self) -> "Microphone":
        return Microphone(self)

    @property
    def loudspeaker(self) -> "Loudspeaker":
        return Loudspeaker(self)

    def refuse(self, device: str) -> None:
        if reason := self.refusals.get(device):
            raise DeviceError(reason)

    async def live(self, deliver: Callable[[bytes], None]) -> None:
        while True:
            deliver(to_pcm16(self._block()))
            await asyncio.sleep(BLOCK_S)

    def _block(self) -> Audio:
        played = np.zeros(BLOCK, np.float32) if self.fill is None else self.fill(BLOCK)
        self._late = np.concatenate([self._late[BLOCK:], played * np.float32(self._returns)])
        noise = self._random.standard_normal(BLOCK) * self._hiss
        voice = np.sin(np.arange(BLOCK) / 8) * self._person * self._speaking
        return (self._late[:BLOCK] + noise + voice).astype(np.float32)


class Microphone:
    """The room's."""

    name = "a microphone"
    overflows = 0

    def __init__(self, room: Room) -> None:
        self._room = room
        self._living: asyncio.Task[None] | None = None

    async def open(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        self._room.refuse("microphone")
        if not self._room.hangs:
            if self._room.loudspeaker_alone is not None:
                self._room.loudspeaker_alone.cancel()
            self._room.living = True
            self._living = asyncio.create_task(self._room.live(deliver))

    async def close(self) -> None:
        if self._living is not None:
            self._living.cancel()


class Loudspeaker:
    """The room's."""

    rate_hz = 16_000
    latency_ms = 20.0
    name = "a loudspeaker"

    def __init__(self, room: Room) -> None:
        self._room = room
        self._living: asyncio.Task[None] | None = None

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        self._room.refuse("loudspeaker")
        self._room.fill = fill
        if not self._room.living:
            self._living = asyncio.create_task(self._room.live(lambda pcm: None))
            self._room.loudspeaker_alone = self._living

    async def close(self) -> None:
        self._room.fill = None
        if self._living is not None:
            self._living.cancel()


class LoudIsSpeech:
    """A voice detector of one idea."""

    def score(self, frame: Audio) -> float:
        return 0.9 if float(np.abs(frame).max()) > 0.05 else 0.1

    def reset(self) -> None:
        pass


async def sound_lines(room: Room, **patient: object) -> dict[str, Line]:
    examined = Patient(
        room.microphone,
        room.loudspeaker,
        PassThrough("nothing cancels it", echo_free=False),
        detector=LoudIsSpeech(),
        times=SHORT,
        **patient,  # type: ignore[arg-type]
    )
    return {line.part: line async for line in examine_sound(examined, room.prompt)}


def told(tmp_path: Path, **settings: object) -> SatelliteSettings:
    quiet = {"mic": "file:/nonexistent.wav", "snd": "none", "control": str(tmp_path / "s.sock")}
    return SatelliteSettings.model_validate({"gate": "vad", "mode": "ha", **quiet, **settings})


async def printed(settings: SatelliteSettings, **visit: object) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=200, highlight=False, markup=False)
    how = Visit(watch=None, times=SHORT, **visit)  # type: ignore[arg-type]
    return await report(settings, how, console), out.getvalue()
