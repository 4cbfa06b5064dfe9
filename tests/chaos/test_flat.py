"""A hundred requests to each server: as many tasks, threads, descriptors and objects as before."""

import asyncio

import pytest

from tests.chaos.census import back_to, census, objects
from tests.chaos.places import KINDS, End, answering, request
from tests.satellite.waiting import until
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.peer import Peer
from wyoming_voice.program import Request
from wyoming_voice.wire import Connection

OURS = (Peer, Connection, Request, TurnRecord)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_grows_with_the_number_of_requests(kind: str) -> None:
    async with (
        answering(kind, history_conversations=4) if kind == "handle" else answering(kind) as server
    ):

        async def ask(number: int) -> End:
            return await request(kind, server.address, number % 8)

        async def rounds(count: int) -> None:
            for first in range(0, count, 8):
                ends = await asyncio.gather(*(ask(first + place) for place in range(8)))
                assert set(ends) == {End.RESULT}
            await until(lambda: server.empty)

        await rounds(24)
        before, ours = census(), objects(*OURS)
        await rounds(96)
        await back_to(before)
        after = objects(*OURS)
        assert all(after[name] <= ours[name] for name in ours), (ours, after)
