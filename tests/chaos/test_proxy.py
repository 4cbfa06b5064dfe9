"""A bad network between a client and each server: every request ends, and nothing of it is left behind."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from tests.chaos.census import back_to, census
from tests.chaos.places import KINDS, End, Place, answering, request
from tests.chaos.proxy import HARMLESS, Fault, Proxy, Way, What
from tests.satellite.waiting import until
from wyoming_voice.wire import Address

SHORT: dict[str, Any] = {"idle_timeout_s": 3, "write_timeout_s": 3, "deadline_s": 5}
"""A server that gives silent clients up soon, but not those of a slow machine."""

PLACES = (0, 40, 300)
"""Bytes after which a fault begins: within the first header, the first data, somewhere behind."""


def faults(seed: int) -> list[Fault]:
    """Each kind, each way, at chosen places and a random one."""
    chance = random.Random(seed)
    return [
        Fault(what, way, after)
        for what in What
        for way in Way
        for after in (*PLACES, chance.randrange(4000))
    ]


async def ends(place: Place, script: list[Fault | None]) -> list[End]:
    """How requests through a proxy end, a dozen at a time."""
    gate, numbers = asyncio.Semaphore(12), iter(range(len(script)))

    async def one(fault: Fault | None) -> End:
        async with gate:
            proxy = Proxy(place.address, [fault])
            async with proxy.running() as address:
                within_s = 20 if fault is None or fault.what in HARMLESS else 3
                return await request(place.kind, address, next(numbers), within_s)

    return list(await asyncio.gather(*(one(fault) for fault in script)))


@pytest.mark.parametrize("kind", KINDS)
async def test_every_request_through_a_bad_network_ends(kind: str) -> None:
    script = faults(seed=7)
    async with answering(kind, **SHORT) as place:
        # All that is made on demand and kept, threads and connections to the model, is there before.
        assert set(await ends(place, [None] * 24)) == {End.RESULT}
        await until(lambda: place.empty)
        before = census()
        found = await ends(place, [*script])
        for fault, end in zip(script, found, strict=True):
            if fault.what in HARMLESS:
                assert end is End.RESULT, fault
            if end is End.PATIENCE:  # where nobody hangs up, only the client's own patience ends it
                assert fault.what in (What.STALL, What.HALF_CLOSE), fault
        await until(lambda: place.empty)
        assert await request(kind, place.address, 2) is End.RESULT
        await back_to(before)
    assert Counter(found)[End.RESULT] >= len(script) * 3 // 7


async def test_a_server_that_is_not_there_is_told_like_one_that_hung_up() -> None:
    async with Proxy(Address("127.0.0.1", 1)).running() as address:
        assert await request("asr", address, 1) is End.HUNG_UP
