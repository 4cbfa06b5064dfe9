"""The soak's ten thousand requests: memory, descriptors and threads of each server's process on the way."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.chaos.holdings import Holdings
from tests.chaos.places import KINDS, End, request
from tests.chaos.soak_crowds import process
from wyoming_voice.wire import parse_uri

AT_A_TIME = 4
STEPS = 10

Facts = dict[str, Any]


async def flat(requests: int) -> tuple[Facts, list[str]]:
    """Facts by kind of server, and what has grown."""
    facts: Facts = {}
    failures: list[str] = []
    for kind in KINDS:
        async with process(kind) as server:
            address = parse_uri(server.uri)

            async def ask(number: int, kind: str = kind, address: Any = address) -> End:
                return await request(kind, address, number, 60)

            facts[kind], failed = await followed(ask, server.pid, requests)
        failures += [f"{kind}: {failure}" for failure in failed]
    return facts, failures


async def followed(
    ask: Callable[[int], Awaitable[End]], pid: int, requests: int
) -> tuple[Facts, list[str]]:
    """What a process holds while requests are made to it, and what of that has grown."""
    ends, holdings = Counter[str](), Holdings(pid)
    begin_s = time.monotonic()
    step = requests // STEPS
    for first in range(0, requests, step):
        for number in range(first, first + step, AT_A_TIME):
            asking = [ask((number + n) % 500) for n in range(AT_A_TIME)]
            ends.update(end.value for end in await asyncio.gather(*asking))
        await holdings.look()
    failures = holdings.grown()
    if set(ends) != {"result"}:
        failures.append(f"not all had a result: {dict(ends)}")
    facts = {
        "requests": sum(ends.values()),
        "ends": dict(ends),
        **holdings.facts(step),
        "requests_per_s": round(requests / (time.monotonic() - begin_s)),
    }
    return facts, failures
