"""A room for measurements: a sound server, speech into its microphone, and when what could be heard.

All times are read on recordings of both devices, kept on the monotonic clock by the tests' recorder, which
gets each sample 20 ms late or less. Rule: the room is never digitally silent, since no real one is.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.sound.pulse import SoundServer, obtain
from tests.sound.room import RATE_HZ, SILENT, Recording, recording

MICROPHONE = "virt_mic_sink"
LOUDSPEAKER = "virt_speaker"

_NOISE_VOLUME = round(65_536 * 0.001 ** (1 / 3))
"""-60 dB; PulseAudio's volumes are cubic."""


@dataclass(frozen=True)
class Room:
    """The way to the sound server, and what its two devices play."""

    environment: Mapping[str, str]
    microphone: Recording
    loudspeaker: Recording


@contextlib.contextmanager
def sound_server() -> Iterator[Mapping[str, str]]:
    """The environment in which programs find a sound server; ends us where none can be had."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            obtain()
            server = SoundServer(Path(folder))
            server.start()
        except (pytest.skip.Exception, pytest.fail.Exception) as error:
            raise SystemExit(str(error)) from error
        try:
            with _noise(server.environment):
                yield server.environment
        finally:
            server.kill()


@contextlib.asynccontextmanager
async def recorded(environment: Mapping[str, str]) -> AsyncIterator[Room]:
    """Listen to both devices while the block runs."""
    async with (
        recording(environment, MICROPHONE) as microphone,
        recording(environment, LOUDSPEAKER) as loudspeaker,
    ):
        yield Room(environment, microphone, loudspeaker)


def sounds_s(heard: Recording, since_s: float) -> npt.NDArray[np.float64]:
    """When each sample of -50 dBFS or more was over, shape (n,), from a moment on."""
    samples = heard.samples
    start_s = heard.end_s - len(samples) / RATE_HZ
    times_s: npt.NDArray[np.float64] = (
        start_s + (np.flatnonzero(np.abs(samples) > SILENT) + 1) / RATE_HZ
    )
    return times_s[times_s > since_s]


async def first_sound_s(heard: Recording, since_s: float) -> float:
    """Wait for the first audible sample after a moment."""
    await heard.sound(since_s)
    return float(sounds_s(heard, since_s)[0])


async def last_sound_s(heard: Recording, since_s: float, silence_s: float = 0.4) -> float:
    """Wait for silence after a moment; the last audible sample before it."""
    await heard.silence(since_s, silence_s)
    return float(np.append(since_s, sounds_s(heard, since_s))[-1])


@contextlib.contextmanager
def _noise(environment: Mapping[str, str]) -> Iterator[None]:
    raw = ("--raw", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le")
    command = ("pacat", f"--device={MICROPHONE}", f"--volume={_NOISE_VOLUME}", *raw)
    with Path("/dev/urandom").open("rb") as source:
        process = subprocess.Popen(command, env=environment, stdin=source)
    try:
        yield
    finally:
        process.kill()
        process.wait()
