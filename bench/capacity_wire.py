"""What a turn costs a server process apart from its engine, and whether the simulation tells the truth.

Rule: real servers, real connections; the engine takes a set time and computes nothing.
"""

import asyncio
import contextlib
import random
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
    """Real rooms at real servers, which sleep for nearly all of it, beside the simulation of the same."""
    real = await asyncio.gather(*(_real(line, requests) for line in LINES))
    for line, took_s in zip(LINES, real, strict=True):
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


async def wire(report: Report, turns: int) -> None:
    """Turns whose engine takes no time, at one process; what connections cost is told by `bench.crowd`."""
    chunks = [bytes(SPEECH.size_bytes(CHUNK_MS))] * (_UTTERANCE_MS // CHUNK_MS)
    async with _scripted() as server:
        await _turns(report, server, chunks, turns)


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
