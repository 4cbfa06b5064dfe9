"""Files in place of devices: a WAV file that speaks once, one that is written, and nothing at all.

Rule: they keep the time of real devices, so that everything behind them behaves as it does with one.
"""

import asyncio
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from satellite.devices.convert import BLOCK_MS, SpeechConverter, encode
from satellite.devices.pace import Pace, pump
from satellite.devices.tasks import end
from satellite.parts import Audio, DeviceError
from wyoming_voice.core.pcm import SPEECH, AudioFormat


class FileSource:
    """A WAV file at the speed of speech, then silence for ever; each `open` begins anew."""

    overflows = 0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The file."""
        return f"file:{self._path}"

    async def open(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Begin; raises DeviceError for what is no PCM WAV file. Never lost."""
        try:
            wav = wave.open(str(self._path), "rb")  # noqa: SIM115  (closed by the task)
        except (OSError, EOFError, wave.Error) as error:
            raise DeviceError(
                f"{self._path} can't be heard: {_why(error)}; give a PCM WAV file"
            ) from error
        self._reading = asyncio.create_task(_read(wav, deliver))

    async def close(self) -> None:
        """End."""
        await end(self._reading)


async def _read(wav: wave.Wave_read, deliver: Callable[[bytes], None]) -> None:
    heard = AudioFormat(wav.getframerate(), wav.getsampwidth(), wav.getnchannels())
    converter = SpeechConverter(heard)
    block_frames = heard.rate_hz * BLOCK_MS // 1000
    pace = Pace(SPEECH.rate_hz, BLOCK_MS, time.monotonic())
    with wav:
        while True:
            for _ in range(pace.due(time.monotonic()) // pace.block_samples):
                if pcm := converter.push(wav.readframes(block_frames) or b""):
                    deliver(pcm)
                elif wav.tell() >= wav.getnframes():
                    deliver(bytes(SPEECH.size_bytes(BLOCK_MS)))
            await asyncio.sleep(BLOCK_MS / 1000)


class FileSink:
    """Writes what would be heard as 16-bit mono WAV, silences too: out.wav, after a rest out-2.wav, …

    A file of nothing but silence is written over: the loudspeaker is opened once before anything is to sound.
    """

    latency_ms = 0.0

    def __init__(self, path: Path, rate_hz: int = 48_000) -> None:
        self.rate_hz = rate_hz
        self._path = path
        self._files = 1
        self._sounded = False
        self._writing: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The file."""
        return f"file:{self._path}"

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        """Begin; raises DeviceError when the file can't be written, `lost` when the disk is full."""
        path = self._next_path()
        try:
            file = path.open("wb")
        except OSError as error:
            raise DeviceError(
                f"{path} can't be written: {_why(error)}; name another file"
            ) from error
        self._writing = asyncio.create_task(self._write(file, fill, lost))

    async def close(self) -> None:
        """End; the file is complete."""
        await end(self._writing)

    def _next_path(self) -> Path:
        self._files += self._sounded
        self._sounded = False
        if self._files == 1:
            return self._path
        return self._path.with_stem(f"{self._path.stem}-{self._files}")

    async def _write(
        self, file: BinaryIO, fill: Callable[[int], Audio], lost: Callable[[str], None]
    ) -> None:
        async def write(samples: Audio) -> None:
            self._sounded |= bool(samples.any())
            wav.writeframes(encode(samples, AudioFormat(self.rate_hz, 2, 1)))

        try:
            with file, wave.open(file, "wb") as wav:
                wav.setnchannels(1)
                wav.setsampwidth(2)
                wav.setframerate(self.rate_hz)
                await pump(self.rate_hz, BLOCK_MS, fill, write)
        except OSError as error:
            lost(f"{self._path} can't be written: {_why(error)}")


class NoSink:
    """No loudspeaker: takes sound at its speed and lets it go."""

    latency_ms = 0.0
    name = "none"

    def __init__(self, rate_hz: int = 48_000) -> None:
        self.rate_hz = rate_hz
        self._taking: asyncio.Task[None] | None = None

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        """Begin; never fails, never lost."""
        self._taking = asyncio.create_task(pump(self.rate_hz, BLOCK_MS, fill, _let_go))

    async def close(self) -> None:
        """End."""
        await end(self._taking)


async def _let_go(samples: Audio) -> None:
    pass


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or "it is empty"
