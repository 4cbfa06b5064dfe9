"""The soak's isolated engines: killed at random in the middle of requests, and what their server holds then.

Rules: every request ends with a result or an error in words; each engine that was killed is followed by
another, and leaves no process behind; the server's process, and then that of an engine that lives, stay flat.
The engines are killed in the first half of the requests, so that the last one has the other half to itself;
a few times only, since each is begun later than the one before (`faults.PAUSES_S`).
"""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from typing import Any

from tests.chaos.census import children, memory_kb, threads
from tests.chaos.holdings import MOST_MB, Holdings
from tests.chaos.places import End, request
from tests.chaos.soak_crowds import process
from tests.chaos.soak_flat import AT_A_TIME, STEPS
from wyoming_voice.wire import Address, parse_uri

Facts = dict[str, Any]

_WITHIN_S = 60.0


async def isolated(requests: int, kills: int) -> tuple[Facts, list[str]]:
    """Facts by kind of server, and what must not be."""
    facts: Facts = {}
    failures: list[str] = []
    for kind in ("asr", "tts"):
        async with process(kind, "--isolate") as server:
            one = _Isolated(kind, parse_uri(server.uri), server.pid)
            await one.run(requests, kills)
        facts[kind] = one.facts(requests // STEPS)
        failures += [f"{kind}: {failure}" for failure in one.failures()]
    return facts, failures


class _Isolated:
    """A server whose engine has a process of its own."""

    def __init__(self, kind: str, address: Address, pid: int) -> None:
        self._kind = kind
        self._address = address
        self._pid = pid
        self._parent = Holdings(pid)
        self._ends = Counter[str]()
        self._killed: list[int] = []
        self._child_kb: list[int] = []
        self._child_threads: list[int] = []
        self._left: dict[int, str] = {}
        self._longest_s = 0.0
        self._chance = random.Random(1)

    async def run(self, requests: int, kills: int) -> None:
        """Make the requests; `kills` of the engine's process are spread over the first half of them."""
        step = requests // STEPS
        batches = range(0, step, AT_A_TIME)
        for place in range(STEPS):
            dying = place < STEPS // 2
            due = self._chance.choices(batches, k=round(kills / (STEPS // 2))) if dying else []
            for at in batches:
                asking = [self._ask(place * step + at + n) for n in range(AT_A_TIME)]
                await asyncio.gather(*asking, *(self._kill() for _ in range(due.count(at))))
            await self._settle()
            await self._parent.look()
            if not dying:
                (engine,) = children(self._pid)
                self._child_kb.append(memory_kb(engine))
                self._child_threads.append(threads(engine))

    async def _ask(self, number: int) -> None:
        begin_s = time.monotonic()
        end = await request(self._kind, self._address, number % 500, _WITHIN_S)
        self._longest_s = max(self._longest_s, time.monotonic() - begin_s)
        self._ends[end.value] += 1

    async def _kill(self) -> None:
        """In the middle of what is being asked, as likely as not."""
        await asyncio.sleep(self._chance.random() * 0.02)
        alive = [pid for pid in children(self._pid) if pid not in self._killed]
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._killed.append(pid)

    async def _settle(self) -> None:
        """Wait until one engine is left that answers; what is left beside it is told."""
        await self._ask(1)
        for _ in range(100):
            self._left = {
                pid: state
                for pid, state in children(self._pid).items()
                if state == "Z" or pid in self._killed
            }
            if not self._left and len(children(self._pid)) == 1:
                return
            await asyncio.sleep(0.1)
        assert self._left, f"there are {len(children(self._pid))} engines of one"

    def facts(self, step: int) -> Facts:
        """For the report."""
        return {
            "requests": sum(self._ends.values()),
            "ends": dict(self._ends),
            "kills": len(self._killed),
            "longest_s": round(self._longest_s, 1),
            **self._parent.facts(step),
            "engine_rss_mb": [round(kb / 1024, 1) for kb in self._child_kb],
            "engine_threads": self._child_threads,
            "processes_left": len(self._left),
        }

    def failures(self) -> list[str]:
        """What must not be, in words."""
        found = self._parent.grown()
        if self._left:
            found.append(f"of engines that were killed this is left: {self._left}")
        if silent := set(self._ends) - {End.RESULT.value, End.ERROR.value}:
            found.append(f"requests ended without a word: {sorted(silent)} of {dict(self._ends)}")
        if self._child_kb[-1] - self._child_kb[0] > MOST_MB * 1024:
            found.append(f"the engine's memory grows: {self._child_kb} kB")
        if self._child_threads[-1] > self._child_threads[0]:
            found.append(f"the engine's threads have grown: {self._child_threads}")
        if not self._killed:
            found.append("no engine was there to be killed")
        return found
