"""Satellites to be measured, ours and wyoming-satellite: started, connected to, their cost read, ended.

The cost of one is that of its process and of all that it started: wyoming-satellite records with a program
of its own. Rule: Home Assistant is connected while anything is measured, since both work differently alone.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.satellite import RunSatellite
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStopped

from bench.servers import WEIGHTS, Measured
from tests.wire_client import WireClient, client_of
from wyoming_voice.stack import end_process

PEER = "wyoming-satellite"
_READY_WITHIN_S = 30.0
_PING_S = 2.0
_LOOK_S = 0.02
_CHUNK_BYTES = 2048
_RATE_HZ = 22_050
_MB = 1024.0


@dataclass(frozen=True)
class Memory:
    """Of all processes of one satellite, in MB: resident, the proportional share of it, and unshared."""

    resident: float
    proportional: float
    unshared: float


@dataclass(frozen=True)
class Satellite:
    """A running one; `control` is the socket of ours."""

    uri: str
    process: asyncio.subprocess.Process
    started_s: float
    control: Path | None = None

    def cpu_s(self) -> float:
        """CPU time of the process and its children."""
        return sum(Measured(self.uri, pid).cpu_s() for pid in self._pids())

    def memory(self) -> Memory:
        """What it holds at this moment."""
        maps = [_rollup(pid) for pid in self._pids()]
        unshared = [one["Private_Clean"] + one["Private_Dirty"] for one in maps]
        return Memory(
            sum(one["Rss"] for one in maps), sum(one["Pss"] for one in maps), sum(unshared)
        )

    async def do(self, what: str) -> dict[str, object]:
        """One request on the control socket of ours, and its answer."""
        reader, writer = await asyncio.open_unix_connection(str(self.control))
        try:
            writer.write(json.dumps({"do": what}).encode() + b"\n")
            answer: dict[str, object] = json.loads(await reader.readline())
        finally:
            writer.close()
        return answer

    async def listening(self) -> None:
        """Wait until the microphone of ours gives sound."""
        async with asyncio.timeout(_READY_WITHIN_S):
            while True:
                status = (await self.do("status"))["status"]
                assert isinstance(status, dict)
                if status["microphone"]["ready"]:
                    return
                await asyncio.sleep(_LOOK_S)

    def _pids(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [int(pid) for task in tasks for pid in task.read_text().split()]
        return [self.process.pid, *children]


def _rollup(pid: int) -> dict[str, float]:
    """MB by the names of linux/Documentation/filesystems/proc.rst, smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    fields = (line.split() for line in lines)
    return {name.rstrip(":"): int(size) / _MB for name, size, *_ in fields}


@contextlib.asynccontextmanager
async def ours(
    environment: Mapping[str, str], folder: Path, *arguments: str
) -> AsyncIterator[Satellite]:
    """One of ours, as soon as it says that it is ready."""
    control, uri = folder / "satellite.sock", f"unix://{folder}/wyoming.sock"
    fixed = ("--control", str(control), "--no-zeroconf", "--state-dir", str(folder), "--uri", uri)
    sound = ("--mic", "pulse", "--snd", "pulse", "--log-level", "warning")
    command = (sys.executable, "-m", "satellite", *fixed, *sound, *arguments)
    async with _process(command, environment) as satellite:
        output = satellite.process.stdout
        assert output is not None  # it was opened as a pipe
        async with asyncio.timeout(_READY_WITHIN_S):
            while not (line := await output.readline()).startswith(b"ready"):
                if not line:
                    raise SystemExit(f"our satellite did not start: {' '.join(command)}")
        yield Satellite(uri, satellite.process, satellite.started_s, control)


@contextlib.asynccontextmanager
async def peer(
    environment: Mapping[str, str], folder: Path, python: Path, *arguments: str
) -> AsyncIterator[Satellite]:
    """wyoming-satellite, as soon as a connection to it can be made."""
    uri = f"unix://{folder}/peer.sock"
    microphone = (
        "parec --raw --rate=16000 --channels=1 --format=s16le --device=virt_mic --latency-msec=20"
    )
    loudspeaker = "pacat --raw --rate=22050 --channels=1 --format=s16le"
    commands = ("--mic-command", microphone, "--snd-command", loudspeaker)
    # The voice detector takes 512 samples at a time; the newer ones take nothing else.
    small = ("--mic-command-samples-per-chunk", "512", "--no-zeroconf")
    # Its own script names a function that it does not have.
    run = (str(python), "-m", "wyoming_satellite")
    command = (*run, "--uri", uri, *commands, *small, *arguments)
    async with _process(command, environment) as satellite:
        started = Satellite(uri, satellite.process, satellite.started_s)
        await _reachable(started)
        yield started


async def _reachable(satellite: Satellite) -> None:
    async with asyncio.timeout(_READY_WITHIN_S):
        while satellite.process.returncode is None:
            with contextlib.suppress(OSError):
                async with client_of(satellite.uri):
                    return
            await asyncio.sleep(_LOOK_S)
    raise SystemExit(f"{PEER} ended with status {satellite.process.returncode}; see bench/peers.sh")


@contextlib.asynccontextmanager
async def _process(
    command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Satellite]:
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    with (WEIGHTS / "satellites.log").open("ab") as log:
        started_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(environment), stdout=asyncio.subprocess.PIPE, stderr=log
        )
    try:
        yield Satellite("", process, started_s)
    finally:
        await end_process(process)


class Assistant:
    """Home Assistant as far as timing needs it: when which event came, and an answer to each run.

    With `reply_pcm` it answers as soon as it is asked, without listening; without it, it understands nothing.
    """

    def __init__(self, client: WireClient, reply_pcm: bytes) -> None:
        self._client = client
        self.reply_pcm = reply_pcm
        self._came: list[tuple[str, float]] = []
        self._news = asyncio.Condition()

    async def time_of(self, kind: str, since_s: float) -> float:
        """Wait for the first event of a kind after a moment; when it came."""

        def found() -> list[float]:
            return [at_s for name, at_s in self._came if name == kind and at_s > since_s]

        async with asyncio.timeout(_READY_WITHIN_S), self._news:
            await self._news.wait_for(lambda: bool(found()))
        return found()[0]

    async def live(self) -> None:
        """Read and answer until the connection ends."""
        await self._client.send(RunSatellite().event(), Describe().event())
        while (event := await self._client.read(timeout_s=3600)) is not None:
            async with self._news:
                self._came.append((event.type, time.monotonic()))
                self._news.notify_all()
            await self._client.send(*self._answers(event))

    async def ping(self) -> None:
        """As Home Assistant does, so that the satellite keeps believing in it."""
        while True:
            await asyncio.sleep(_PING_S)
            await self._client.send(Ping().event())

    def _answers(self, event: Event) -> list[Event]:
        if event.type == "run-pipeline" and self.reply_pcm:
            return [VoiceStopped().event(), Transcript("hello").event(), *self._speech()]
        if event.type == "audio-stop" and not self.reply_pcm:
            return [Error("nothing understood", "stt-no-text-recognized").event()]
        return []

    def _speech(self) -> list[Event]:
        starts = range(0, len(self.reply_pcm), _CHUNK_BYTES)
        pieces = [self.reply_pcm[at : at + _CHUNK_BYTES] for at in starts]
        return [
            Synthesize("hello").event(),
            AudioStart(_RATE_HZ, 2, 1).event(),
            *(AudioChunk(_RATE_HZ, 2, 1, piece).event() for piece in pieces),
            AudioStop().event(),
        ]


@contextlib.asynccontextmanager
async def assistant(satellite: Satellite, reply_pcm: bytes = b"") -> AsyncIterator[Assistant]:
    """Home Assistant, connected until the block ends."""
    async with client_of(satellite.uri) as client:
        home = Assistant(client, reply_pcm)
        tasks = [asyncio.create_task(home.live()), asyncio.create_task(home.ping())]
        try:
            await home.time_of("info", 0)
            yield home
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
