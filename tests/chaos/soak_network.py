"""The soak's bad network: every fault, each way, at many places, in front of each server."""

import asyncio
import time
from collections import Counter
from typing import Any

from tests.chaos.census import census
from tests.chaos.places import KINDS, End, Place, answering, request
from tests.chaos.proxy import HARMLESS, Fault, Proxy, What
from tests.chaos.test_proxy import SHORT, faults
from tests.satellite.waiting import until

_SILENT = (What.STALL, What.HALF_CLOSE)
"""After these nobody may hang up, so that a client's own patience ends its request."""


class _Requests:
    """Requests to one server through spoilt connections, a dozen at a time."""

    def __init__(self, server: Place) -> None:
        self.ends = Counter[str]()
        self.failures: list[str] = []
        self.longest_s = 0.0
        self._server = server
        self._gate = asyncio.Semaphore(12)

    async def all(self, script: list[Fault | None]) -> None:
        await asyncio.gather(*(self._one(number, fault) for number, fault in enumerate(script)))
        await until(lambda: self._server.empty)

    async def _one(self, number: int, fault: Fault | None) -> None:
        what = fault.what if fault is not None else None
        async with self._gate, Proxy(self._server.address, [fault]).running() as address:
            begin_s = time.monotonic()
            within_s = 8 if what in _SILENT else 30
            end = await request(self._server.kind, address, number % 10_000, within_s)
        if what not in _SILENT:
            self.longest_s = max(self.longest_s, time.monotonic() - begin_s)
        if what is None:
            return
        self.ends[f"{what.name.lower()}: {end.value}"] += 1
        if what in HARMLESS and end is not End.RESULT:
            self.failures.append(f"{self._server.kind}: {fault} ended with {end}")
        if end is End.PATIENCE and what not in _SILENT:
            self.failures.append(f"{self._server.kind}: {fault} never ended")


async def network(seeds: int) -> tuple[dict[str, Any], list[str]]:
    """How requests end, by fault; longest waits; what is left of them."""
    facts: dict[str, Any] = {}
    failures: list[str] = []
    for kind in KINDS:
        async with answering(kind, **SHORT) as server:
            facts[kind], failed = await _followed(server, seeds)
            failures += failed
    return facts, failures


async def _followed(server: Place, seeds: int) -> tuple[dict[str, Any], list[str]]:
    requests = _Requests(server)
    script: list[Fault | None] = [fault for seed in range(seeds) for fault in faults(seed)]
    await requests.all([None] * 40)
    before = census()
    await requests.all(script)
    await asyncio.sleep(1)
    after = census()
    if not after.fits(before):
        requests.failures.append(f"{server.kind}: {after} is left of {before}")
    left = {
        "tasks": after.tasks - before.tasks,
        "threads": after.threads - before.threads,
        "descriptors": after.descriptors - before.descriptors,
    }
    facts = {
        "requests": len(script),
        "ends": dict(sorted(requests.ends.items())),
        "longest_s": round(requests.longest_s, 1),
        "left": left,
    }
    return facts, requests.failures
