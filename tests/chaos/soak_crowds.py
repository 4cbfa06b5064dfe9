"""The soak's crowds: an ordinary client's wait beside each, and what an idle connection costs.

The server is a process of its own; the crowd and the client share another, so that a part of what the client
waits for is the crowd's own work.
"""

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator
from typing import Any

from tests.chaos.census import descriptors, memory_kb
from tests.chaos.crowds import connections, latencies_ms
from tests.chaos.llm import CodeLlm
from tests.chaos.places import KINDS
from tests.chaos.processes import Kept
from tests.chaos.test_crowds import CROWDS
from wyoming_voice.wire import parse_uri

COMMANDS = {"asr": "code-asr", "tts": "code-tts", "handle": "handle"}


@contextlib.asynccontextmanager
async def process(kind: str, *arguments: str) -> AsyncIterator[Kept]:
    """A server in a process of its own, with a language model where it needs one."""
    async with CodeLlm() as llm:
        own = {"asr": ["--no-vad-gate"], "tts": [], "handle": ["--llm-url", llm.url]}[kind]
        async with Kept(COMMANDS[kind], [*own, *arguments], 0.3).running() as server:
            yield server


def summary(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and the worst."""
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(len(ordered) * 0.95)], 1),
        "max": round(ordered[-1], 1),
    }


async def crowds(idle: int, requests: int) -> tuple[dict[str, Any], list[str]]:
    """Facts by kind of server, and what must not be."""
    facts: dict[str, Any] = {}
    failures: list[str] = []
    for kind in KINDS:
        async with process(kind, "--max-connections", "1024") as server:
            address = parse_uri(server.uri)
            await latencies_ms(kind, address, 20)
            alone, failed = await latencies_ms(kind, address, requests)
            waits = {"alone": summary(alone)}
            await asyncio.sleep(1)  # what has hung up is seen to have hung up
            before_kb, before_files = memory_kb(server.pid), descriptors(server.pid)
            async with connections(address, idle):
                taken = await _reached(server.pid, before_files + idle) - before_files
                held_kb = memory_kb(server.pid) - before_kb
                beside, more = await latencies_ms(kind, address, requests)
                waits[f"{idle} idle connections"] = summary(beside)
                failed += more
            await settled(
                server.pid, before_files
            )  # a thousand at once take a moment to be seen off
            for name, crowd in CROWDS.items():
                async with crowd(address):
                    beside, more = await latencies_ms(kind, address, requests)
                waits[name] = summary(beside)
                failed += more
            left = await settled(server.pid, before_files)
        if failed:
            failures.append(f"{kind}: {failed} ordinary requests had no result")
        if taken < idle:
            failures.append(f"{kind}: only {taken} of {idle} idle connections were taken")
        if left > 0:
            failures.append(f"{kind}: {left} descriptors are left")
        facts[kind] = {
            "ordinary_ms": waits,
            "ordinary_failed": failed,
            "idle_connection_kb": round(held_kb / taken, 1),
            "descriptors_left": left,
        }
    return facts, failures


async def _reached(pid: int, count: int) -> int:
    """How many descriptors there are, once there are so many, or after a while."""
    for _ in range(100):
        if descriptors(pid) >= count:
            break
        await asyncio.sleep(0.1)
    return descriptors(pid)


async def settled(pid: int, before: int) -> int:
    """How many descriptors are left once all have gone, or after a while."""
    for _ in range(100):
        if descriptors(pid) <= before:
            break
        await asyncio.sleep(0.1)
    return descriptors(pid) - before
