"""The room around a satellite: somebody who speaks into its microphone, somebody who listens to it.

Both are kept on one clock, the monotonic one: a recording knows when each of its samples arrived.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping

import numpy as np
import numpy.typing as npt

Audio = npt.NDArray[np.float32]

RATE_HZ = 16_000
SILENT = 10 ** (-50 / 20)
"""What is under -50 dBFS isn't heard in a quiet room."""

_RAW = ("--raw", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le")
_STEP = RATE_HZ // 100
PATIENCE_S = 25.0
"""How long what must come is waited for; no test measures it."""


async def speak(
    environment: Mapping[str, str], samples: Audio, device: str = "virt_mic_sink"
) -> None:
    """Say something into the microphone: 16 kHz mono; returns when the last sample has been taken."""
    process = await asyncio.create_subprocess_exec(
        *("pacat", "--playback", f"--device={device}", "--latency-msec=30", *_RAW),
        env=dict(environment),
        stdin=asyncio.subprocess.PIPE,
    )
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    await process.communicate(pcm)


class Recording:
    """What a device plays, from the moment when the recording began."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._start_s = float("inf")
        self._grown = asyncio.Condition()

    @property
    def samples(self) -> Audio:
        """All of it, shape (n,), 16 kHz."""
        usable = len(self._pcm) - len(self._pcm) % 2
        return np.frombuffer(bytes(self._pcm[:usable]), "<i2").astype(np.float32) / 32768.0

    def between(self, start_s: float, end_s: float = float("inf")) -> Audio:
        """What arrived between two readings of the monotonic clock."""
        first, last = (
            round(max(0.0, min(at_s - self._start_s, 1e6)) * RATE_HZ) for at_s in (start_s, end_s)
        )
        return self.samples[first:last]

    def loud_steps(self, start_s: float) -> list[float]:
        """When it could be heard since then: the times of 10 ms steps that reach -50 dBFS."""
        heard = self.between(start_s)
        whole = heard[: len(heard) - len(heard) % _STEP].reshape(-1, _STEP)
        begin_s = max(start_s, self._start_s)
        return [begin_s + 0.01 * int(n) for n in np.flatnonzero(np.abs(whole).max(axis=1) > SILENT)]

    async def sound(self, since_s: float) -> float:
        """Wait until it can be heard after a moment; when that was."""
        return (await self._until(lambda: self.loud_steps(since_s)[:1]))[0]

    async def silence(self, since_s: float, for_s: float) -> float:
        """Wait until nothing has been heard for a while after a moment; when the last sound was."""

        def ended() -> list[float]:
            steps = self.loud_steps(since_s)
            last_s = steps[-1] if steps else since_s
            return [last_s] if self.end_s - last_s >= for_s else []

        return (await self._until(ended))[0]

    async def sounding(self, since_s: float, for_s: float) -> None:
        """Wait until it could be heard for this long in all after a moment."""
        await self._until(lambda: self.loud_steps(since_s)[round(100 * for_s) :][:1])

    @property
    def end_s(self) -> float:
        """When the last sample arrived."""
        return self._start_s + len(self._pcm) / 2 / RATE_HZ

    async def begun(self) -> None:
        """Wait for the first sample."""
        await self._until(lambda: [self._start_s] if self._pcm else [])

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Take in raw audio until it ends."""
        while pcm := await stream.read(4096):
            self._pcm += pcm
            # The least delayed piece tells best when the recording began.
            self._start_s = min(self._start_s, time.monotonic() - len(self._pcm) / 2 / RATE_HZ)
            async with self._grown:
                self._grown.notify_all()

    async def _until(self, found: Callable[[], list[float]]) -> list[float]:
        async with asyncio.timeout(PATIENCE_S), self._grown:
            await self._grown.wait_for(lambda: bool(found()))
        return found()


def likeness(heard: Audio, wanted: Audio) -> float:
    """How well the best place for the whole of `wanted` in `heard` fits: 1 is the same, at any level.

    Normalised cross-correlation; 0 where `heard` is too short for it.
    """
    count = len(heard) - len(wanted) + 1
    if count < 1:
        return 0.0
    size = 1 << (len(heard) - 1).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    matches = np.fft.irfft(spectrum, size)[:count]
    energy = np.concatenate((np.zeros(1), np.cumsum(heard.astype(np.float64) ** 2)))
    energies = energy[len(wanted) :][:count] - energy[:count]
    wanted_energy = float(np.dot(wanted, wanted))
    floor = 1e-3 * wanted_energy  # where there is nearly nothing, nothing is alike
    return float(np.max(np.abs(matches) / np.sqrt(np.maximum(energies, floor) * wanted_energy)))


@contextlib.asynccontextmanager
async def recording(environment: Mapping[str, str], device: str) -> AsyncIterator[Recording]:
    """Record a sink's monitor while the block runs."""
    process = await asyncio.create_subprocess_exec(
        *("parec", f"--device={device}.monitor", "--latency-msec=20", *_RAW),
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None  # it was opened as a pipe
    heard = Recording()
    following = asyncio.create_task(heard.follow(process.stdout))
    try:
        await heard.begun()
        yield heard
    finally:
        following.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
