"""Server processes to be measured: started, known to be ready, their CPU time and memory read, ended.

Ours say `ready URI` on standard output; a peer is ready when it answers `describe`, since it listens
only after it has loaded.
"""

import asyncio
import contextlib
import itertools
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming_voice.describing import describe
from wyoming_voice.errors import VoiceError
from wyoming_voice.stack import end_on_signals, end_process

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-peers"
"""Where bench/peers.sh puts the public servers."""

COMMAND_MODEL = ROOT / "tests" / "models" / "command_whisper"
WEIGHTS = ROOT / "build" / "bench"
_READY_WITHIN_S = 300.0
_NUMBERS = itertools.count()


def run(main: Coroutine[object, object, None]) -> None:
    """Run a benchmark; Ctrl-C and SIGTERM end its servers with it."""

    async def ended_on_signals() -> None:
        end_on_signals()
        await main

    try:
        asyncio.run(ended_on_signals())
    except asyncio.CancelledError:
        raise SystemExit(130) from None
    except VoiceError as error:
        raise SystemExit(f"ended early: {error}") from error


@dataclass(frozen=True)
class Measured:
    """One running server, and the file that it logs to."""

    uri: str
    pid: int
    log: Path = Path(os.devnull)
    http: str = ""
    """HOST:PORT of its HTTP door, where it has one."""

    def cpu_s(self) -> float:
        """Seconds of CPU time that it has used, all threads, to the nanosecond; Linux only.

        The clock's number follows from the process's (linux/posix-timers.h, MAKE_PROCESS_CPUCLOCK with
        CPUCLOCK_SCHED); the C library's clock_getcpuclockid does the same.
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def peak_mb(self) -> float:
        """The most memory that was resident (VmHWM of proc(5)), in MiB."""
        return self._status_mb("VmHWM:")

    def resident_mb(self) -> float:
        """The memory that is resident (VmRSS), in MiB."""
        return self._status_mb("VmRSS:")

    def files(self) -> int:
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208  (they come and go)

    def _status_mb(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        (kilobytes,) = [line.split()[1] for line in lines if line.startswith(name)]
        return int(kilobytes) / 1024


@contextlib.asynccontextmanager
async def ours(kind: str, *arguments: str) -> AsyncIterator[Measured]:
    """One of our servers on a free port of the loopback interface."""
    listen = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--log-level", "info")
    command = (sys.executable, "-m", "wyoming_voice", kind, *listen, *arguments)
    async with _process(command, kind) as (process, log):
        yield await _measured(process, log)


@contextlib.asynccontextmanager
async def gateway(**uris: str) -> AsyncIterator[Measured]:
    """Our gateway in front of running servers: kind -> URI."""
    named = [word for kind, uri in uris.items() for word in (f"--{kind}-uri", uri)]
    command = (sys.executable, "-m", "wyoming_voice", "gateway", "--http", "tcp://127.0.0.1:0")
    async with _process((*command, *named), "gateway") as (process, log):
        yield await _measured(process, log)


@contextlib.asynccontextmanager
async def http_peer(
    kind: str, wyoming_uri: str, environment: Path = PEERS
) -> AsyncIterator[Measured]:
    """The HTTP server that comes with `wyoming` itself, in front of a server of ours."""
    port = _free_port()
    listen = ("--host", "127.0.0.1", "--port", str(port))
    python = str(environment / "bin" / "python")
    command = (python, "-m", f"wyoming.http.{kind}_server", *listen, "--uri", wyoming_uri)
    try:
        async with _process(command, f"http-{kind}") as (process, log):
            async with asyncio.timeout(_READY_WITHIN_S):
                await _accepts(port, process)
            yield Measured(wyoming_uri, process.pid, log, f"127.0.0.1:{port}")
    except FileNotFoundError as error:
        raise SystemExit(f"no {python}: run bench/peers.sh, or give --no-peers") from error


@contextlib.asynccontextmanager
async def faster_whisper_peer(
    model: Path, threads: int, beams: int, environment: Path = PEERS
) -> AsyncIterator[Measured]:
    """wyoming-faster-whisper from its own environment with the same weights."""
    program = environment / "bin" / "wyoming-faster-whisper"
    if not program.exists():
        raise SystemExit(
            f"no wyoming-faster-whisper in {environment}: run bench/peers.sh, or leave peers out "
            "with --contenders"
        )
    uri = f"tcp://127.0.0.1:{_free_port()}"
    command = (
        *(str(program), "--uri", uri),
        *("--model", str(model), "--data-dir", str(model.parent), "--local-files-only"),
        *("--stt-library", "faster-whisper", "--language", "en", "--device", "cpu"),
        *("--cpu-threads", str(threads), "--beam-size", str(beams), "--log-format", "%(message)s"),
    )
    async with _process(command, "peer") as (process, log):
        async with asyncio.timeout(_READY_WITHIN_S):
            await _describes_itself(uri, process)
        yield Measured(uri, process.pid, log)


async def weights(kind: str, name: str, *arguments: str) -> Path:
    """A model of full size with random weights, made by bench.models when it isn't there yet."""
    directory = WEIGHTS / name
    if not _holds_files(directory):
        command = (sys.executable, "-m", "bench.models", kind, *arguments, str(directory))
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        if status := await process.wait():
            raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return directory


async def whisper(name: str) -> Path:
    """The model that a command line names: `command`, a directory, or a size with random weights."""
    if name == "command":
        return COMMAND_MODEL
    if "/" in name:
        return Path(name)
    return await weights("whisper", f"whisper-{name}", "--size", name)


def _holds_files(directory: Path) -> bool:
    return directory.is_dir() and any(directory.iterdir())


@contextlib.asynccontextmanager
async def _process(
    command: Sequence[str], name: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """Its log goes to a file in build/bench, so that a pipe nobody reads can't stop it."""
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    path = WEIGHTS / f"{name}-{os.getpid()}-{next(_NUMBERS)}.log"
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=log
        )
    try:
        yield process, path
    finally:
        await end_process(process)
    path.unlink(missing_ok=True)  # of one that failed the log stays


async def _measured(process: asyncio.subprocess.Process, log: Path) -> Measured:
    """One of ours, as soon as it says that it is ready."""
    assert process.stdout is not None  # it was opened as a pipe
    said: dict[str, str] = {}
    async with asyncio.timeout(_READY_WITHIN_S):
        async for line in process.stdout:
            word, _, uri = line.decode().strip().partition(" ")
            said[word] = uri
            if word == "ready":
                http = said.get("http", "").removeprefix("tcp://")
                return Measured(uri, process.pid, log, http)
    status = await process.wait()
    raise SystemExit(f"a server ended with status {status} before it was ready; see {log}")


async def _accepts(port: int, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.2)
    raise SystemExit(
        f"the HTTP peer ended with status {process.returncode}: run bench/peers.sh, or give --no-peers"
    )


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
