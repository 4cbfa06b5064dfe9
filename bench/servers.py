"""Server processes to be measured: started, known to be ready, their CPU time read, ended.

Ours say `ready URI` on standard output; a peer is ready when it answers `describe`, since it listens
only after it has loaded.
"""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming_voice.describing import describe
from wyoming_voice.errors import VoiceError
from wyoming_voice.stack import end_process

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-peers"
"""Where bench/peers.sh puts the public servers."""

WEIGHTS = ROOT / "build" / "bench"
_READY_WITHIN_S = 300.0


@dataclass(frozen=True)
class Measured:
    """One running server."""

    uri: str
    pid: int

    def cpu_s(self) -> float:
        """Seconds of CPU time that it has used, all threads, to the nanosecond; Linux only.

        The clock's number follows from the process's (linux/posix-timers.h, MAKE_PROCESS_CPUCLOCK with
        CPUCLOCK_SCHED); the C library's clock_getcpuclockid does the same.
        """
        return time.clock_gettime((~self.pid << 3) | 2)


@contextlib.asynccontextmanager
async def ours(kind: str, *arguments: str) -> AsyncIterator[Measured]:
    """One of our servers on a free port of the loopback interface."""
    listen = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--log-level", "warning")
    command = (sys.executable, "-m", "wyoming_voice", kind, *listen, *arguments)
    async with _process(command) as process:
        async with asyncio.timeout(_READY_WITHIN_S):
            uri = await _ready_uri(process)
        yield Measured(uri, process.pid)


@contextlib.asynccontextmanager
async def faster_whisper_peer(
    model: Path, threads: int, beams: int, environment: Path = PEERS
) -> AsyncIterator[Measured]:
    """wyoming-faster-whisper from its own environment with the same weights."""
    uri = f"tcp://127.0.0.1:{_free_port()}"
    command = (
        *(str(environment / "bin" / "wyoming-faster-whisper"), "--uri", uri),
        *("--model", str(model), "--data-dir", str(model.parent), "--local-files-only"),
        *("--stt-library", "faster-whisper", "--language", "en", "--device", "cpu"),
        *("--cpu-threads", str(threads), "--beam-size", str(beams), "--log-format", "%(message)s"),
    )
    async with _process(command) as process:
        async with asyncio.timeout(_READY_WITHIN_S):
            await _describes_itself(uri, process)
        yield Measured(uri, process.pid)


async def weights(kind: str, name: str, *arguments: str) -> Path:
    """A model of full size with random weights, made by bench.models when it isn't there yet."""
    directory = WEIGHTS / name
    if not _holds_files(directory):
        command = (sys.executable, "-m", "bench.models", kind, *arguments, str(directory))
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        if status := await process.wait():
            raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return directory


def _holds_files(directory: Path) -> bool:
    return directory.is_dir() and any(directory.iterdir())


@contextlib.asynccontextmanager
async def _process(command: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Its log goes to a file in build/bench, so that a pipe nobody reads can't stop it."""
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    with (WEIGHTS / "servers.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=log
        )
    try:
        yield process
    finally:
        await end_process(process)


async def _ready_uri(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None  # it was opened as a pipe
    async for line in process.stdout:
        word, _, uri = line.decode().strip().partition(" ")
        if word == "ready":
            return uri
    raise SystemExit(f"a server ended with status {await process.wait()} before it was ready")


async def _describes_itself(uri: str, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        with contextlib.suppress(OSError, VoiceError):
            await describe(uri)
            return
        await asyncio.sleep(0.2)
    raise SystemExit(
        f"the peer at {uri} ended with status {process.returncode}; see bench/peers.sh"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
