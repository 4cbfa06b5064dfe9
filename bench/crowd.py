"""python -m bench.crowd: ten thousand connections to one server, how they come back, and HAProxy before them.

Real servers with small engines (the command model, espeak-ng, a scripted language model), real sockets on
eight addresses of this machine. All call in the same moment, ask for the description, and stay: what is
told is what they cost, and how an ordinary request fares beside them. Then the satellites' own look-outs,
all begun in the same moment and before their server, as after a power cut. Linux only.
"""

import argparse
import asyncio
import contextlib
import logging
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from bench.balancer import Site, balancing, fleet, program, worker
from bench.beside import beside
from bench.callers import Satellites, crowd, satellites
from bench.llm import Script, scripted_llm
from bench.servers import COMMAND_MODEL, Measured, ours, run
from wyoming_voice.benchmark.asking import answered, spoken, transcribed
from wyoming_voice.benchmark.report import OURS, Better, Report
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.describing import describe
from wyoming_voice.open_files import OWN, room_for

_UTTERANCE = [bytes(SPEECH.size_bytes(64))] * 8
_SCRIPT = Script("It is done.", first_token_s=0.0, tokens_per_s=10_000.0)
_SETTLED_S = 2.0
_POWER_FIRST_S = 3.0
"""Satellites are up so much sooner than their server, which has a model to load."""

_BACK_WITHIN_S = 60.0
_SATELLITES = 3000
"""Real ones: more would wait for each other in this process, and not for the server."""

_BALANCED = 2
_AT_ONCE = 200
"""Who call HAProxy where as many are let through as there are: a server that all of them reach in one moment
answers no check for seconds, and is taken out."""

_PARTS = ("standing", "too-many", "power-cut", "haproxy", "haproxy-power-cut")

Ask = Callable[[str], Awaitable[object]]


async def main() -> None:
    arguments = parsed()
    count = min(arguments.connections, _most())
    facts: dict[str, object] = {
        "connections": f"{count}, all begun in the same moment, from eight addresses of this machine",
        "engines": "the command model, espeak-ng, a scripted language model of 0 ms",
    }
    logging.disable(logging.WARNING)  # each satellite would say that its server is missing
    report = Report("crowd", facts)
    for part in arguments.parts:
        match part:
            case "standing":
                for kind, ask in ASKS.items():
                    await standing(report, kind, ask, count, arguments.requests)
            case "too-many":
                await too_many(report, count)
            case "power-cut":
                await power_back(report, min(count, _SATELLITES))
            case _ if program() is None:
                print("without HAProxy: there is none on PATH (apt install haproxy)")
            case "haproxy":
                await behind_haproxy(report, min(count, _most() // 2))
            case "haproxy-power-cut":
                await power_back_behind_haproxy(report, min(count, _SATELLITES))
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.crowd", description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument("--requests", type=int, default=100, help="beside them, one after another")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def _most() -> int:
    """As many connections as this machine lets a process have, here and in a server."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 2 * OWN
    room_for(min(most, 60_000))
    return most


async def standing(report: Report, kind: str, ask: Ask, count: int, requests: int) -> None:
    """What they cost, and who is served beside them."""
    async with _small(kind, "--max-connections", str(count + 50)) as server:
        await asked(report, f"{kind}: a request, alone", server, ask, requests)
        before_mb, files = server.resident_mb(), server.files()
        cpu_s = server.cpu_s()
        async with crowd(server.uri, count) as many:
            report.row(f"{kind}: until all are described to", "s").add(OURS, many.opened_s)
            each = report.row(f"{kind}: described to, from the call", "s")
            each.add(OURS, *(many.took_s or [float("inf")]))
            report.row(f"{kind}: not served", "n").add(OURS, many.lost.total())
            spent_ms = 1000 * (server.cpu_s() - cpu_s) / count
            report.row(f"{kind}: CPU of each until described to", "ms").add(OURS, spent_ms)
            held_kb = 1024 * (server.resident_mb() - before_mb) / count
            report.row(f"{kind}: memory of a connection", "kB").add(OURS, held_kb)
            opened = report.row(f"{kind}: files for a connection", "n", better=Better.NEITHER)
            opened.add(OURS, (server.files() - files) / count)
            await at_rest(report, kind, server)
            await asked(report, f"{kind}: a request beside them", server, ask, requests)
        while server.files() > files + 10:  # noqa: ASYNC110  (they tell nobody)
            await asyncio.sleep(0.05)
        left = report.row(f"{kind}: memory kept for the next once they have gone", "MiB")
        left.add(OURS, server.resident_mb() - before_mb)


async def at_rest(report: Report, kind: str, server: Measured) -> None:
    """What they cost while nobody says anything."""
    cpu_s, begin_s = server.cpu_s(), time.monotonic()
    await asyncio.sleep(_SETTLED_S)
    share = (server.cpu_s() - cpu_s) / (time.monotonic() - begin_s)
    report.row(f"{kind}: CPU while they say nothing", "% of a core").add(OURS, 100 * share)


async def asked(report: Report, name: str, server: Measured, ask: Ask, requests: int) -> None:
    """One after another, and as many descriptions."""
    await ask(server.uri)
    for _ in range(requests):
        begin_s = time.monotonic()
        await ask(server.uri)
        report.row(name, "ms").add(OURS, 1000 * (time.monotonic() - begin_s))
        report.row(f"{name}: describe", "ms").add(OURS, (await describe(server.uri))[1])


async def too_many(report: Report, count: int) -> None:
    """More than `--max-connections`, which stays at its 64: who is told."""
    site = Site.free()
    async with worker(site, 1) as one:
        uri = f"tcp://{one.host}:{site.service}"
        async with crowd(uri, count) as many:
            told = report.row("beyond --max-connections 64: told that it is busy", "% of callers")
            told.add(OURS, 100 * many.lost["error"] / count)
            dropped = report.row(
                "beyond --max-connections 64: hung up without a word", "% of callers"
            )
            dropped.add(OURS, 100 * (many.lost.total() - many.lost["error"]) / count)


async def power_back(report: Report, count: int) -> None:
    """All satellites begin, then their server."""
    site = Site.free()
    uri = f"tcp://{site.host(1)}:{site.service}"
    async with satellites(uri, count) as many:
        await asyncio.sleep(_POWER_FIRST_S)
        async with worker(site, 1), beside(uri) as times_ms:
            await many.all_back(time.monotonic(), _BACK_WITHIN_S)
    told(report, f"power cut, {count} satellites", many, times_ms)


async def power_back_behind_haproxy(report: Report, count: int) -> None:
    """The same before HAProxy as it is shipped, with two servers as they are without options."""
    site = Site.free(changes={})
    uri = f"tcp://127.0.0.1:{site.fronts['asr']}"
    with tempfile.TemporaryDirectory() as folder:
        async with satellites(uri, count) as many:
            await asyncio.sleep(_POWER_FIRST_S)
            async with (
                fleet(site, range(1, _BALANCED + 1)) as workers,
                balancing(site, {"asr": [(one.name, one.host) for one in workers]}, Path(folder)),
                beside(uri) as times_ms,
            ):
                await many.all_back(time.monotonic(), _BACK_WITHIN_S)
    told(
        report,
        f"power cut, {count} satellites, HAProxy as shipped, {_BALANCED} servers",
        many,
        times_ms,
    )


def told(report: Report, name: str, many: Satellites, times_ms: list[float]) -> None:
    """Who came back, and who was served meanwhile."""
    row = report.row(f"{name}: until a satellite sees its server", "s")
    row.add(OURS, *(many.back_s or [_BACK_WITHIN_S]))
    report.row(f"{name}: until all do", "s").add(OURS, max(many.back_s, default=_BACK_WITHIN_S))
    report.row(f"{name}: satellites that don't", "n").add(OURS, many.away)
    served_ms = [took_ms for took_ms in times_ms if took_ms < float("inf")]
    meanwhile = report.row(f"{name}: a request meanwhile", "ms")
    meanwhile.add(OURS, *(served_ms or [float("nan")]))
    failed = report.row(f"{name}: requests meanwhile that failed", "n")
    failed.add(OURS, len(times_ms) - len(served_ms))


async def behind_haproxy(report: Report, count: int) -> None:
    """What a connection costs HAProxy; its `maxconn` of a server is raised, else 56 would be let through."""
    site = Site.free(changes={" maxconn 56": f" maxconn {count + 40}"})
    with tempfile.TemporaryDirectory() as folder:
        async with (
            worker(site, 1, "--max-connections", str(count + 60)) as one,
            balancing(site, {"asr": [(one.name, one.host)]}, Path(folder)) as balancer,
        ):
            await balancer.until_status("asr", "UP", one.name)
            haproxy = Measured(balancer.uri("asr"), balancer.pid)
            before_mb, cpu_s, files = haproxy.resident_mb(), haproxy.cpu_s(), haproxy.files()
            async with crowd(haproxy.uri, count, _AT_ONCE) as many:
                name = f"HAProxy, {count} connections"
                report.row(f"{name}: until all are described to", "s").add(OURS, many.opened_s)
                report.row(f"{name}: not served", "n").add(OURS, many.lost.total())
                held_kb = 1024 * (haproxy.resident_mb() - before_mb) / count
                report.row(f"{name}: memory of one", "kB").add(OURS, held_kb)
                spent_ms = 1000 * (haproxy.cpu_s() - cpu_s) / count
                report.row(f"{name}: CPU of each until described to", "ms").add(OURS, spent_ms)
                opened = report.row(f"{name}: files for one", "n", better=Better.NEITHER)
                opened.add(OURS, (haproxy.files() - files) / count)
                await asked(report, f"{name}: a request beside them", haproxy, _hear, 50)


@contextlib.asynccontextmanager
async def _small(kind: str, *flags: str) -> AsyncIterator[Measured]:
    async with scripted_llm(_SCRIPT) as llm_url:
        engine = {
            "asr": ("--model", str(COMMAND_MODEL), "--device", "cpu"),
            "tts": ("--engine", "espeak"),
            "handle": ("--llm-url", llm_url),
        }[kind]
        async with ours(kind, *engine, "--idle-timeout-s", "3600", *flags) as server:
            yield server


async def _hear(uri: str) -> object:
    return await transcribed(uri, _UTTERANCE, at_once=True)


async def _speak(uri: str) -> object:
    return await spoken(uri, "It is done.")


async def _answer(uri: str) -> object:
    return await answered(uri, "Is it done?")


ASKS: dict[str, Ask] = {"asr": _hear, "tts": _speak, "handle": _answer}


if __name__ == "__main__":
    run(main())
