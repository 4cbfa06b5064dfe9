"""A speaker in front of a loudspeaker whose every block a test asks for, and whose faults it makes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import numpy as np

from satellite.events import Event, PlaybackHeard
from satellite.parts import Audio, DeviceError
from satellite.speaking.mixer import MixSettings
from satellite.speaking.speaker import Speaker, SpeakerSettings
from tests.satellite.waiting import running, until
from wyoming_voice.audio import to_pcm16
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat

RATE_HZ = 16_000
PER_MS = RATE_HZ // 1000
LEAD_IN_MS = 50
NO_FADE = MixSettings(fade_ms=0)


class HandSink:
    """A loudspeaker that plays when `pull` is called; `fails` is what its next openings end with."""

    name = "hand"

    def __init__(self, rate_hz: int = RATE_HZ, latency_ms: float = 0) -> None:
        self.rate_hz = rate_hz
        self.latency_ms = latency_ms
        self.openings = 0
        self.closings = 0
        self.is_open = False
        self.fails: list[str] = []
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.fill: Callable[[int], Audio] = np.zeros
        self.lost: Callable[[str], None] = print

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        self.fill, self.lost = fill, lost
        self.openings += 1
        await self.may_open.wait()
        if self.fails:
            raise DeviceError(self.fails.pop())
        self.is_open = True

    async def close(self) -> None:
        self.closings += 1
        self.is_open = False

    def pull(self, ms: int) -> Audio:
        blocks = [self.fill(10 * self.rate_hz // 1000) for _ in range(ms // 10)]
        assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
        return np.concatenate(blocks)


class Bench:
    """A speaker, its loudspeaker, a clock that is set by hand, and what was posted."""

    def __init__(self, sink: HandSink | None = None, **settings: object) -> None:
        self.sink = sink or HandSink()
        self.now_s = 1_000.0
        self.looks = 0  # at the clock
        self.posted: list[Event] = []
        self.far: list[Audio] = []
        self.told: list[str] = []
        more = {"mix": NO_FADE} | settings
        self.speaker = Speaker(
            self.posted.append,
            self.sink,
            SpeakerSettings(**more),  # type: ignore[arg-type]
            far_end=lambda samples, rate_hz: self.far.append(samples),
            tell=self.told.append,
            now_s=self._look,
        )

    def _look(self) -> float:
        self.looks += 1
        return self.now_s

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator["Bench"]:
        async with running(self.speaker.run()):
            yield self

    async def opened(self, times: int = 1) -> None:
        """The loudspeaker is open for the nth time, and its lead-in is over."""
        await until(lambda: self.sink.openings >= times and self.speaker.status()["open"])
        assert not self.sink.pull(LEAD_IN_MS).any()

    async def ticked(self) -> None:
        """The speaker has looked after its loudspeaker once, at least."""
        looks = self.looks
        await until(lambda: self.looks >= looks + 4)

    async def shows(self, **facts: object) -> None:
        await until(lambda: facts.items() <= self.speaker.status().items())

    def say(self, playback: int, ms: int, value: float = 0.5) -> None:
        self.speaker.begin(playback)
        self.speaker.play(playback, a_sound(value, ms))
        self.speaker.end(playback)

    async def heard(self, *playbacks: int) -> None:
        await until(lambda: self.posted == [PlaybackHeard(playback) for playback in playbacks])


def a_sound(value: float, ms: int, rate_hz: int = RATE_HZ) -> Sound:
    samples = np.full(rate_hz * ms // 1000, value, np.float32)
    return Sound(to_pcm16(samples), AudioFormat(rate_hz, 2, 1))


def sounding_ms(samples: Audio) -> float:
    return float(np.count_nonzero(samples)) / PER_MS
