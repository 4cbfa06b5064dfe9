"""The soak's ten thousand requests: memory, descriptors and threads of each server's process on the way.

Rule: growth is counted after a tenth of the
requests, when all that is made on demand has been made; growth that is more than noise is a failure.
"""

import asyncio
import statistics
import time
from collections import Counter
from typing import Any

from tests.chaos.census import descriptors, memory_kb, threads
from tests.chaos.places import KINDS, request
from tests.chaos.soak_crowds import process
from wyoming_voice.wire import parse_uri

AT_A_TIME = 4
MOST_MB = 2.0
"""In the second half: of 5000 requests none may leave half a kilobyte, which a turn record is more than."""


async def flat(requests: int) -> tuple[dict[str, Any], list[str]]:
    """Facts by kind of server, and what has grown."""
    facts: dict[str, Any] = {}
    failures: list[str] = []
    for kind in KINDS:
        async with process(kind) as server:
            facts[kind] = grown = await _followed(kind, server.uri, server.pid, requests)
        memory_mb = grown["rss_mb"]
        if memory_mb[-1] - memory_mb[len(memory_mb) // 2] > MOST_MB:
            failures.append(f"{kind}: memory grows: {memory_mb}")
        failures += [
            f"{kind}: {what} have grown: {grown[what]}"
            for what in ("descriptors", "threads")
            if grown[what][-1] > grown[what][0]
        ]
        if set(grown["ends"]) != {"result"}:
            failures.append(f"{kind}: {grown['ends']}")
    return facts, failures


async def _followed(kind: str, uri: str, pid: int, requests: int) -> dict[str, Any]:
    address, ends = parse_uri(uri), Counter[str]()
    rss_kb: list[int] = []
    files: list[int] = []
    running: list[int] = []
    begin_s = time.monotonic()
    step = requests // 10
    for first in range(0, requests, step):
        for number in range(first, first + step, AT_A_TIME):
            asking = [request(kind, address, (number + n) % 500, 60) for n in range(AT_A_TIME)]
            ends.update(end.value for end in await asyncio.gather(*asking))
        await asyncio.sleep(0.5)  # what hangs up is seen to have hung up
        rss_kb.append(memory_kb(pid))
        files.append(descriptors(pid))
        running.append(threads(pid))
    half = range(len(rss_kb) // 2, len(rss_kb))
    slope = statistics.linear_regression([at * step for at in half], [rss_kb[at] for at in half])
    return {
        "requests": sum(ends.values()),
        "ends": dict(ends),
        "rss_mb": [round(kb / 1024, 1) for kb in rss_kb],
        "grown_mb": round((rss_kb[-1] - rss_kb[0]) / 1024, 2),
        "kb_per_request": round(slope.slope, 3),
        "descriptors": files,
        "threads": running,
        "requests_per_s": round(requests / (time.monotonic() - begin_s)),
    }
