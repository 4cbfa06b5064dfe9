"""Programs as microphones and loudspeakers: arecord, aplay, pw-record, sox and their like.

Rule: a program runs in a process group of its own, without a shell, and the whole group ends with the device;
what it said last on stderr is the reason that is told.
"""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Callable

from satellite.devices.convert import SpeechConverter, encode
from satellite.devices.pace import pump
from satellite.devices.tasks import end
from satellite.parts import Audio, DeviceError
from wyoming_voice.core.pcm import AudioFormat

TERMINATE_S = 0.4
"""How long a program may take to end by itself."""
REASON_CHARS = 200
SINK_LEAD_MS = 120
PLAYER_MS = 80
"""What a player is taken to hold back itself; aplay and pw-play say nothing about it."""


class CommandSource:
    """A program that writes raw audio to its stdout."""

    overflows = 0

    def __init__(self, command: str, written: AudioFormat) -> None:
        self._command = command
        self._written = written
        self._program: _Program | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The command."""
        return self._command

    async def open(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Start the program; raises DeviceError when there is none."""
        self._program = await _started(self._command, stdin=False)
        self._reading = asyncio.create_task(self._read(self._program, deliver, lost))

    async def close(self) -> None:
        """End the program."""
        await end(self._reading)
        if self._program is not None:
            await self._program.end()

    async def _read(
        self,
        program: "_Program",
        deliver: Callable[[bytes], None],
        lost: Callable[[str], None],
    ) -> None:
        converter = SpeechConverter(self._written)
        most_bytes = self._written.size_bytes(100)
        while pcm := await program.read(most_bytes):
            if speech := converter.push(pcm):
                deliver(speech)
        lost(await program.epitaph())


class CommandSink:
    """A program that reads raw audio from its stdin; it is never far ahead of the clock."""

    latency_ms = float(SINK_LEAD_MS + PLAYER_MS)

    def __init__(self, command: str, read: AudioFormat) -> None:
        self.rate_hz = read.rate_hz
        self._command = command
        self._read = read
        self._program: _Program | None = None
        self._writing: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The command."""
        return self._command

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        """Start the program; raises DeviceError when there is none."""
        self._program = await _started(self._command, stdin=True)
        self._writing = asyncio.create_task(self._write(self._program, fill, lost))

    async def close(self) -> None:
        """End the program, with what it has not played yet."""
        await end(self._writing)
        if self._program is not None:
            await self._program.end()

    async def _write(
        self, program: "_Program", fill: Callable[[int], Audio], lost: Callable[[str], None]
    ) -> None:
        async def write(samples: Audio) -> None:
            await program.write(encode(samples, self._read))

        feeding = asyncio.create_task(pump(self.rate_hz, SINK_LEAD_MS, fill, write))
        ending = asyncio.create_task(program.ended())
        try:
            await asyncio.wait({feeding, ending}, return_when=asyncio.FIRST_COMPLETED)
            if feeding.done():
                with contextlib.suppress(OSError):  # a pipe that nobody reads from any more
                    await feeding
            lost(await program.epitaph())
        finally:
            await end(feeding)
            await end(ending)


class _Program:
    """A running program, its pipes, and its last words."""

    def __init__(self, command: str, process: asyncio.subprocess.Process) -> None:
        self._command = command
        self._process = process
        self._last_words = ""
        self._listening = asyncio.create_task(self._listen())

    async def read(self, most_bytes: int) -> bytes:
        """What it has written; `b""` when it writes no more."""
        assert self._process.stdout is not None
        return await self._process.stdout.read(most_bytes)

    async def write(self, pcm: bytes) -> None:
        """Have it read; raises OSError when it does so no more."""
        assert self._process.stdin is not None
        self._process.stdin.write(pcm)
        await self._process.stdin.drain()

    async def ended(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    async def epitaph(self) -> str:
        """Why it works no more, in a sentence."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TERMINATE_S):
                await self._process.wait()
                await asyncio.wait({self._listening})
        said = f": {self._last_words}" if self._last_words else ""
        return f"{self._command!r} {_fate(self._process.returncode)}{said}"

    async def end(self) -> None:
        """Have the whole group end, willingly or not, within about half a second."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(TERMINATE_S):
                await self._process.wait()
        except TimeoutError:
            pass
        self._signal(signal.SIGKILL)  # what is left of the group, the program itself among it
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TERMINATE_S):
                await self._process.wait()
        await end(self._listening)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while text := await self._process.stderr.read(4096):
            for line in text.decode(errors="replace").splitlines():
                self._last_words = line.strip()[:REASON_CHARS] or self._last_words


def _fate(status: int | None) -> str:
    match status:
        case None:
            return "has closed its output"
        case negative if negative < 0:
            return f"was ended by signal {-negative}"
        case _:
            return f"has ended with status {status}"


async def _started(command: str, *, stdin: bool) -> _Program:
    silent, piped = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *_words(command),
            stdin=piped if stdin else silent,
            stdout=silent if stdin else piped,
            stderr=piped,
            start_new_session=True,
        )
    except OSError as error:
        raise DeviceError(
            f"{command!r} can't be started: {error.strerror or error}; is the program installed?"
        ) from error
    return _Program(command, process)


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise DeviceError(f"{command!r} is no command: {error}") from error
    if not words:
        raise DeviceError("an empty command can't be started; name a program such as 'arecord'")
    return words
