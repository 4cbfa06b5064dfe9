"""A peer that reads slowly: what overtakes, how much waits for it, and when it is given up."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.satellite import RunSatellite

from satellite import events as e
from tests.satellite.home_assistant.server_stage import (
    FRAME,
    GONE,
    READY,
    Satellite,
    connected,
    running,
)
from tests.wire_client import WireClient


@contextlib.asynccontextmanager
async def slow_reader(satellite: Satellite) -> AsyncIterator[WireClient]:
    """The main connection, with little room for what it doesn't read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(
        sock, (satellite.address.host, satellite.address.port)
    )
    reader, writer = await asyncio.open_connection(sock=sock, limit=4_096)
    client = WireClient(reader, writer)
    try:
        await client.send(RunSatellite().event())
        await satellite.told(READY)
        yield client
    finally:
        await client.hang_up()


async def test_a_pong_overtakes_audio_that_waits() -> None:
    async with running() as satellite, slow_reader(satellite) as client:
        satellite.begin(1, frames=250)
        await client.send(Ping("now").event())
        kinds = [event.type for event in await client.read_until("pong")]
        assert kinds.count("audio-chunk") < 240
        rest = await client.read_until("audio-chunk")
        assert rest[-1].type == "audio-chunk"


async def test_a_link_that_takes_no_audio_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with running(write_timeout_s=0.05) as satellite, slow_reader(satellite):
        satellite.begin(1, frames=400)
        await satellite.told(GONE)
    assert "it has read nothing for 0.05 s" in caplog.text


async def test_no_more_audio_waits_than_there_is_room(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as satellite, slow_reader(satellite):
        satellite.begin(1, frames=1_000)
        await satellite.told(GONE)
    assert "it reads too little" in caplog.text


async def test_what_was_sent_makes_room() -> None:
    async def feed(chunks: int) -> None:
        before = ha.counts["audio-chunk"]
        for _ in range(chunks):
            satellite.backend.feed(1, FRAME)
        await ha.until(lambda: ha.counts["audio-chunk"] == before + chunks)

    async with connected() as (satellite, ha):
        satellite.begin(1, frames=0)
        for _ in range(4):
            await feed(200)
        satellite.backend.end_audio(1)
        await satellite.told(e.ReplyEnded(1))
        assert bytes(ha.runs[0].heard) == FRAME * 800


async def test_a_peer_that_asks_and_never_reads_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as satellite, slow_reader(satellite) as client:
        with contextlib.suppress(ConnectionError):
            while GONE not in satellite.events:
                await client.send(*[Describe().event()] * 100)
                await asyncio.sleep(0)
        await satellite.told(GONE)
    assert "it reads too little" in caplog.text
