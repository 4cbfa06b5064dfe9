"""A bad network before HTTP and WebSockets: every request ends, as it does at the Wyoming door."""

import pytest

from tests.chaos.census import descriptors
from tests.chaos.places import End
from tests.chaos.proxy import Fault, Way, What
from tests.chaos.soak_crowds import process
from tests.chaos.soak_doors import SILENT, spoilt, unread, wrong
from tests.chaos.web import KIND, request
from tests.satellite.waiting import until
from wyoming_voice.wire import parse_uri

# One that stays silent is waited for by its client's patience alone: the soak has those.
FAULTS = [
    Fault(what, way, after)
    for what in What
    if what not in SILENT
    for way in Way
    for after in (40, 300)
]


@pytest.mark.parametrize("door", KIND)
async def test_every_request_through_a_bad_network_ends(door: str) -> None:
    async with process(KIND[door], "--http", "tcp://127.0.0.1:0") as server:
        address = parse_uri(server.doors["http"])
        for number in range(4):
            assert await request(door, address, number, 30) is End.RESULT
        before = descriptors(server.pid)
        assert wrong(FAULTS, await spoilt(door, address, FAULTS)) == []
        async with unread(door, address, 4):
            assert await request(door, address, 5, 30) is End.RESULT
        await until(lambda: descriptors(server.pid) <= before)
