"""python -m bench.haproxy: what HAProxy with our configuration costs, and what it loses when servers go.

Real HAProxy, real small servers in processes of their own, whose engine takes a set time and computes
nothing; the satellites' own code takes utterances to them. `ours` goes through HAProxy, `direct` to the one
server behind it. Under load a server is killed, told to stop, drained, and added; a request is lost when
the satellite gives it up.
"""

import argparse
import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from bench.balanced import Satellite, each_says, talking
from bench.balancer import Balancer, Site, Worker, balancing, fleet, program
from bench.servers import Measured, run
from wyoming_voice.benchmark.report import OURS, Better, Report
from wyoming_voice.describing import describe

DIRECT = "direct"
_ENGINE_MS = 50
_SATELLITES = 8

Deed = Callable[[Balancer, list[Worker]], Awaitable[None]]


async def main() -> None:
    arguments = parsed()
    if program() is None:
        print("skipped: no haproxy on PATH (apt install haproxy; Linux only)")
        return
    facts: dict[str, object] = {
        "servers": f"three, one request at a time of {_ENGINE_MS} ms; {_SATELLITES} satellites",
        "checks": "as in deploy/haproxy/haproxy.cfg",
    }
    report = Report("HAProxy", facts)
    await costs(report, arguments.rounds)
    for name, deed in DEEDS.items():
        await disturbed(report, name, deed, arguments.requests)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.haproxy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="of what HAProxy costs")
    parser.add_argument("--requests", type=int, default=100, help="of each satellite, each time")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


async def costs(report: Report, rounds: int) -> None:
    """One client, one server whose engine takes no time: with HAProxy between them, and without."""
    async with balanced(1, "--service-ms", "0") as (balancer, (one,)):
        uris = {
            OURS: balancer.uri("asr"),
            DIRECT: f"tcp://{one.host}:{balancer.site.service}",
        }
        clients = {who: Satellite(uri) for who, uri in uris.items()}
        for _ in range(rounds):
            for who, uri in uris.items():
                _, took_ms = await describe(uri)
                report.row("connect and describe", "ms").add(who, took_ms)
                await clients[who].say()
                took_s = clients[who].took_s[-1]
                report.row("a second of audio, at once", "ms").add(who, 1000 * took_s)
        haproxy = Measured(uris[OURS], balancer.pid)
        cpu_s = haproxy.cpu_s()
        for _ in range(rounds):
            await describe(haproxy.uri)
        spent_ms = 1000 * (haproxy.cpu_s() - cpu_s) / rounds
        report.row("connect and describe: CPU of HAProxy", "ms").add(OURS, spent_ms)


async def disturbed(report: Report, name: str, deed: Deed, requests: int) -> None:
    """Under load, and in the middle of it something happens to a server."""
    async with (
        balanced(3, "--service-ms", str(_ENGINE_MS)) as (balancer, workers),
        talking(balancer.uri("asr"), _SATELLITES) as satellites,
    ):
        await each_says(satellites, requests // 2)
        await deed(balancer, workers)
        await each_says(satellites, requests - requests // 2)
    took_s = [took for satellite in satellites for took in satellite.took_s]
    about = {"measure": name}
    report.row(f"{name}: a request", "ms", about).add(OURS, *(1000 * took for took in took_s))
    counts = {
        "requests": len(took_s),
        "lost": sum(satellite.lost for satellite in satellites),
        "tried again": sum(len(satellite.directory.failures) for satellite in satellites),
    }
    for what, count in counts.items():
        better = Better.NEITHER if what == "requests" else Better.LESS
        report.row(f"{name}: {what}", "n", about, better).add(OURS, count)


@contextlib.asynccontextmanager
async def balanced(count: int, *arguments: str) -> AsyncIterator[tuple[Balancer, list[Worker]]]:
    """HAProxy in front of so many servers."""
    site = Site.free(changes={})
    with tempfile.TemporaryDirectory() as folder:
        async with fleet(site, range(1, count + 1), *arguments) as workers:
            named = [(one.name, one.host) for one in workers]
            async with balancing(site, {"asr": named}, Path(folder)) as balancer:
                yield balancer, workers


async def nothing(balancer: Balancer, workers: list[Worker]) -> None:
    """For comparison."""


async def kill(balancer: Balancer, workers: list[Worker]) -> None:
    """As a crash."""
    workers[0].process.kill()


async def stop(balancer: Balancer, workers: list[Worker]) -> None:
    """As `systemctl stop`, without a word to HAProxy."""
    workers[0].process.send_signal(signal.SIGTERM)
    await workers[0].process.wait()


async def freeze(balancer: Balancer, workers: list[Worker]) -> None:
    """Until nobody waits for it any more: it takes connections, and says nothing."""
    workers[0].process.send_signal(signal.SIGSTOP)
    await balancer.until_status("asr", "DOWN", workers[0].name)
    await balancer.until("asr", workers[0].name, lambda row: row["scur"] == "0")
    workers[0].process.send_signal(signal.SIGCONT)


async def drain(balancer: Balancer, workers: list[Worker]) -> None:
    """As the README has it, and then stop."""
    await balancer.drain("asr", workers[0].name)
    await stop(balancer, workers)


async def add(balancer: Balancer, workers: list[Worker]) -> None:
    """A fourth one."""
    async with fleet(balancer.site, [4], "--service-ms", str(_ENGINE_MS)) as (fourth,):
        await balancer.add("asr", fourth)
        await asyncio.sleep(3)
        share = int((await balancer.server("asr", fourth.name))["stot"])
        if not share:
            raise SystemExit("the server that was added got no requests")
        await balancer.drain("asr", fourth.name)


DEEDS: dict[str, Deed] = {
    "undisturbed": nothing,
    "one of three killed": kill,
    "one of three told to stop": stop,
    "one of three frozen": freeze,
    "one of three drained": drain,
    "a fourth for three seconds": add,
}


if __name__ == "__main__":
    run(main())
