"""The soak's HTTP doors and WebSockets: a bad network, clients that read nothing, then as flat as Wyoming's.

Rules: every request ends; what only comes late or in pieces has its result; and nothing is left of who hung
up, was cut off, or never read what he had asked for.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from tests.chaos.census import descriptors
from tests.chaos.codes import word_of
from tests.chaos.crowds import connections
from tests.chaos.places import End
from tests.chaos.processes import Kept
from tests.chaos.proxy import HARMLESS, Fault, Proxy, What
from tests.chaos.soak_crowds import process, settled
from tests.chaos.soak_flat import followed
from tests.chaos.test_proxy import faults
from tests.chaos.web import KIND, request
from wyoming_voice.wire import Address, parse_uri

Facts = dict[str, Any]

SILENT = (What.STALL, What.HALF_CLOSE)
"""After these nobody may hang up, so that a client's own patience ends its request."""

_HTTP = ("--http", "tcp://127.0.0.1:0")


async def doors(requests: int, seeds: int, silent: int) -> tuple[Facts, list[str]]:
    """Facts by door, and what must not be."""
    facts: Facts = {}
    failures: list[str] = []
    for door, kind in KIND.items():
        async with process(kind, *_HTTP) as server:
            address = parse_uri(server.doors["http"])
            facts[door], failed = await _chaos(door, server, address, seeds, silent)

            async def ask(number: int, door: str = door, address: Address = address) -> End:
                return await request(door, address, number, 60)

            held, grown = await followed(ask, server.pid, requests)
        facts[door].update(held)
        failures += [f"{door}: {failure}" for failure in failed + grown]
    return facts, failures


async def _chaos(
    door: str, server: Kept, address: Address, seeds: int, silent: int
) -> tuple[Facts, list[str]]:
    script = [fault for seed in range(seeds) for fault in faults(seed)]
    for number in range(8):
        await request(door, address, number)
    await asyncio.sleep(1)  # what has hung up is seen to have hung up
    before = descriptors(server.pid)
    found = await spoilt(door, address, script)
    failures = wrong(script, found)
    async with unread(door, address, silent):
        if (beside := await request(door, address, 3, 60)) is not End.RESULT:
            failures.append(f"beside {silent} who read nothing a request ended with {beside}")
    left = await settled(server.pid, before)
    if left > 0:
        failures.append(f"{left} descriptors are left of the bad network")
    ends = Counter(
        f"{fault.what.name.lower()}: {end.value}" for fault, end in zip(script, found, strict=True)
    )
    return {
        "spoilt": len(script),
        "spoilt_ends": dict(sorted(ends.items())),
        "left": left,
    }, failures


async def spoilt(door: str, address: Address, script: list[Fault]) -> list[End]:
    """How requests through a bad network end, a dozen at a time."""
    gate = asyncio.Semaphore(12)

    async def one(number: int, fault: Fault) -> End:
        async with gate, Proxy(address, [fault]).running() as proxied:
            within_s = 2 if fault.what in SILENT else 30
            return await request(door, proxied, number % 500, within_s)

    return list(await asyncio.gather(*(one(at, fault) for at, fault in enumerate(script))))


def wrong(script: list[Fault], found: list[End]) -> list[str]:
    """The ends that must not be."""
    failures = []
    for fault, end in zip(script, found, strict=True):
        if fault.what in HARMLESS and end is not End.RESULT:
            failures.append(f"{fault} ended with {end}")
        if end is End.PATIENCE and fault.what not in SILENT:
            failures.append(f"{fault} never ended")
    return failures


@contextlib.asynccontextmanager
async def unread(door: str, address: Address, clients: int) -> AsyncIterator[None]:
    """Clients that ask for much, read nothing of it, and leave without a word."""
    async with connections(address, clients) as opened:
        for _, writer in opened:
            writer.write(_asked(door, address))
            await writer.drain()
        yield


def _asked(door: str, address: Address) -> bytes:
    """A request whose answer is long, or never comes since the rest of the request doesn't."""
    method, path = door.split()
    head = f"{'GET' if method == 'WS' else method} {path} HTTP/1.1\r\nHost: {address}\r\n"
    if method == "WS":
        return (
            f"{head}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        ).encode()
    if KIND[door] == "asr":
        return f"{head}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9999\r\n\r\n".encode()
    text = f"{word_of(1)} and on it goes. " * 400
    wanted = {"model": "tts-1", "voice": "alloy", "input": text[:4000], "response_format": "pcm"}
    body = json.dumps(wanted).encode()
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return f"{head}{length}".encode() + body
