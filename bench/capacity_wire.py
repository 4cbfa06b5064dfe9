"""What one server process stands apart from its engine, and whether the simulation tells the truth.

Rule: real servers, real connections; the engine takes a set time and computes nothing.
"""

import asyncio
import contextlib
import random
import resource
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bench.balancer import Site, worker
from bench.capacity_model import Exponential, Fixed, Servers, Time, Turn, simulate
from bench.scripted_server import Spread
from bench.servers import Measured
from wyoming_voice.benchmark.asking import transcribed
from wyoming_voice.benchmark.recording import CHUNK_MS
from wyoming_voice.benchmark.report import OURS, Better, Report
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.describing import describe
from wyoming_voice.wire import connect

PREDICTED = "predicted"
_UTTERANCE_MS = 3000
_ROOMS = 12


@dataclass(frozen=True)
class Line:
    """One waiting line to be measured and predicted: `rooms` that think and ask, `threads` that serve."""

    name: str
    threads: int
    service_ms: float
    spread: Spread
    think_s: float

    @property
    def service(self) -> Time:
        """What the engine takes."""
        seconds = self.service_ms / 1000
        return Exponential(seconds) if self.spread is Spread.EXPONENTIAL else Fixed(seconds)


LINES = (
    Line("one engine, 80 ms each", 1, 80, Spread.FIXED, 1.3),
    Line("two engines, 120 ms on the mean, exponential", 2, 120, Spread.EXPONENTIAL, 0.9),
)


async def predictions(report: Report, requests: int) -> None:
    """Real rooms at a real server beside the simulation of the same."""
    for line in LINES:
        took_s = await _real(line, requests)
        turn, servers = Turn(asr_s=line.service), Servers(asr=line.threads)
        seen = simulate(turn, servers, rooms=_ROOMS, think_s=line.think_s, turns=50 * requests)
        row = report.row(f"{line.name}, {_ROOMS} rooms", "ms", {"measure": "prediction"})
        row.better = Better.NEITHER
        row.add(OURS, *(1000 * took for took in took_s))
        row.add(PREDICTED, *(1000 * gap for gap in thinned(seen.gaps_s)))


def thinned(simulated: list[float], most: int = 1000) -> list[float]:
    """Every so manyth: results hold all their values, and a simulation has as many as one likes."""
    return simulated[:: max(1, len(simulated) // most)]


async def _real(line: Line, requests: int) -> list[float]:
    options = ("--threads", str(line.threads), "--service-ms", str(line.service_ms))
    async with _scripted(*options, "--spread", line.spread) as server:
        took_s: list[float] = []
        dice = random.Random(7)

        async def room() -> None:
            while len(took_s) < requests:
                await asyncio.sleep(dice.expovariate(1 / line.think_s))
                heard = await transcribed(server.uri, [bytes(64)], at_once=True)
                took_s.append(heard.after_stop_s)

        await asyncio.gather(*(room() for _ in range(_ROOMS)))
    return took_s


async def wire(report: Report, idle: int, turns: int) -> None:
    """Connections that say nothing, and turns whose engine takes no time, at one process."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200
    idle = min(idle, most)
    chunk = bytes(SPEECH.size_bytes(CHUNK_MS))
    chunks = [chunk] * (_UTTERANCE_MS // CHUNK_MS)
    async with _scripted("--max-connections", str(idle + 100)) as server:
        await _describes(report, server, "no other connections")
        before_mb = server.peak_mb()
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(idle):
                await stack.enter_async_context(connect(server.uri))
            await _describes(report, server, f"beside {idle} idle connections")
            row = report.row("memory of an idle connection", "kB")
            row.add(OURS, 1024 * (server.peak_mb() - before_mb) / idle)
            cpu_s, begin_s = server.cpu_s(), time.monotonic()
            await asyncio.sleep(2)
            row = report.row(f"CPU of {idle} idle connections", "% of a core")
            row.add(OURS, 100 * (server.cpu_s() - cpu_s) / (time.monotonic() - begin_s))
            await _turns(report, server, chunks, turns)


async def _describes(report: Report, server: Measured, beside: str, count: int = 200) -> None:
    cpu_s = server.cpu_s()
    for _ in range(count):
        _, took_ms = await describe(server.uri)
        report.row(f"connect and describe, {beside}", "ms").add(OURS, took_ms)
    spent_ms = 1000 * (server.cpu_s() - cpu_s) / count
    report.row(f"connect and describe, {beside}: CPU", "ms").add(OURS, spent_ms)


async def _turns(report: Report, server: Measured, chunks: list[bytes], turns: int) -> None:
    cpu_s, begin_s = server.cpu_s(), time.monotonic()
    limit = asyncio.Semaphore(16)

    async def one() -> None:
        async with limit:
            await transcribed(server.uri, chunks, at_once=True)

    await asyncio.gather(*(one() for _ in range(turns)))
    spent_s = server.cpu_s() - cpu_s
    name = (
        f"an utterance of {_UTTERANCE_MS / 1000:g} s in pieces of {CHUNK_MS} ms, without an engine"
    )
    report.row(f"{name}: CPU", "ms").add(OURS, 1000 * spent_s / turns)
    per_s = report.row(f"{name}, by one process", "1/s", better=Better.MORE)
    per_s.add(OURS, turns / (time.monotonic() - begin_s))


@contextlib.asynccontextmanager
async def _scripted(*arguments: str) -> AsyncIterator[Measured]:
    site = Site.free()
    async with worker(site, 1, *arguments) as one:
        yield Measured(f"tcp://{one.host}:{site.service}", one.process.pid)
