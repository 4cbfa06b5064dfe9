"""Crowds in front of each server: an ordinary client is served beside them, and nothing of them is left."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from wyoming.event import Event

from tests.chaos.census import back_to, census
from tests.chaos.crowds import (
    DESCRIBE,
    PING,
    askers,
    connections,
    flood,
    slow_readers,
    slow_writers,
)
from tests.chaos.engines import Fate, Fates
from tests.chaos.places import KINDS, End, answering, request
from tests.satellite.waiting import until
from tests.wire_client import client_of
from wyoming_voice.wire import Address

Crowd = Callable[[Address], AbstractAsyncContextManager[object]]

CROWDS: dict[str, Crowd] = {
    "many who say nothing": lambda address: connections(address, 60),
    "describe, unread, one client": lambda address: flood(address, DESCRIBE, 1),
    "describe, unread, many clients": lambda address: flood(address, DESCRIBE, 20),
    "describe, read": lambda address: askers(address, DESCRIBE, 4),
    "pings, read": lambda address: askers(address, PING, 4),
    "who reads nothing": lambda address: slow_readers(address, 5),
    "who writes slowly": lambda address: slow_writers(address, 20, pause_s=0.05),
}


@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("kind", KINDS)
async def test_an_ordinary_client_is_served_beside_a_crowd(kind: str, crowd: str) -> None:
    async with answering(kind) as server:
        for number in range(6):
            assert await request(kind, server.address, number) is End.RESULT
        await until(lambda: server.empty)
        before = census()
        async with CROWDS[crowd](server.address):
            await until(lambda: not server.empty)
            for number in range(3):
                assert await request(kind, server.address, number) is End.RESULT
        await until(lambda: server.empty)
        await back_to(before)


@pytest.mark.parametrize("kind", KINDS)
async def test_one_connection_too_many_is_refused_in_words(kind: str) -> None:
    async with answering(kind, max_connections=8) as server:
        async with connections(server.address, 7):
            await until(lambda: server.load["connections"] == 7)
            assert await request(kind, server.address, 1) is End.RESULT
            await until(lambda: server.load["connections"] == 7)
            async with client_of(server.address) as last, client_of(server.address) as refused:
                events = await refused.read_to_end()
                assert [event.data["code"] for event in events] == ["busy"]
                assert (await last.ask(Event("describe"))) is not None
        await until(lambda: server.empty)


async def test_who_reads_nothing_is_let_go() -> None:
    async with (
        answering("tts", write_timeout_s=0.2) as server,
        slow_readers(server.address, 5),
    ):
        await until(lambda: not server.empty)
        await until(lambda: server.empty)


async def test_who_writes_byte_by_byte_is_let_go() -> None:
    async with (
        answering("tts", idle_timeout_s=0.2) as server,
        slow_writers(server.address, 5, pause_s=0.01),
    ):
        await until(lambda: not server.empty)
        await until(lambda: server.empty)


@pytest.mark.parametrize("kind", ["asr", "tts"])
async def test_more_requests_than_may_wait_are_refused_and_those_before_are_served(
    kind: str,
) -> None:
    fates = Fates([Fate.STALLS, *[Fate.WORKS] * 99])
    async with answering(kind, fates, max_queue=4) as server:
        asking = [asyncio.create_task(request(kind, server.address, n)) for n in range(30)]
        await until(lambda: sum(task.done() for task in asking) >= 26)
        assert {task.result() for task in asking if task.done()} <= {End.ERROR, End.RESULT}
        fates.release.set()
        ends = Counter(await asyncio.gather(*asking))
        assert ends[End.RESULT] >= 4
        assert ends[End.RESULT] + ends[End.ERROR] == 30
        await until(lambda: server.empty)
