"""Links to Home Assistant that come, go, fall silent or talk nonsense."""

import asyncio
import contextlib
import socket

import pytest
from wyoming.error import Error
from wyoming.event import Event as WireEvent
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.satellite import RunSatellite

from satellite import events as e
from tests.home_assistant import home_assistant
from tests.satellite.home_assistant.server_stage import GONE, READY, connected, running
from tests.wire_client import PATIENCE_S, client_of


async def test_home_assistant_goes_and_comes_back() -> None:
    async with running() as satellite:
        async with home_assistant(satellite.address):
            await satellite.told(READY)
            satellite.begin(1)
        await satellite.told(GONE)
        failed = await satellite.told_of(e.TurnFailed)
        assert isinstance(failed, e.TurnFailed)
        assert failed.trouble is e.Trouble.NO_HOME_ASSISTANT
        async with home_assistant(satellite.address):
            await satellite.told(READY, times=2)
            satellite.say_all(2)
            await satellite.told(e.ReplyEnded(2))


async def test_the_newest_link_wins_and_the_older_is_closed() -> None:
    """A link that is open on our side only: its other end has lost its power."""
    async with connected() as (satellite, older), home_assistant(satellite.address) as newer:
        async with asyncio.timeout(PATIENCE_S):
            await older.lost.wait()
        satellite.say_all(1)
        await satellite.told(e.ReplyEnded(1))
        assert (len(older.runs), len(newer.runs)) == (0, 1)
        assert satellite.events.count(READY) == 1
        assert GONE not in satellite.events


async def test_a_link_whose_pings_cease_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satellite.home_assistant.session.SILENCE_MS", 50)
    async with running() as satellite, client_of(satellite.address) as client:
        await client.send(RunSatellite().event())
        await satellite.told(READY)
        assert await client.ask(Ping("x").event()) == WireEvent("pong", {"text": "x"})
        await satellite.told(GONE)
        assert await client.read() is None


async def test_before_run_satellite_nothing_but_answers_is_sent() -> None:
    async with running() as satellite, client_of(satellite.address) as client:
        satellite.begin(1)
        satellite.backend.end_audio(1)
        satellite.backend.played()
        info = await client.ask(Describe().event())
        assert info is not None
        assert info.type == "info"
        assert await client.ask(Ping("1").event()) == WireEvent("pong", {"text": "1"})
        failed = satellite.events[0]
        assert isinstance(failed, e.TurnFailed)
        assert failed.trouble is e.Trouble.NO_HOME_ASSISTANT


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense\n", "bad-event"),
        (b'{"type":"audio-chunk","data":{"rate":-1}}\n', "bad-event"),
        (b'{"type":"x","payload_length":99999999999}\n', "too-large"),
    ],
)
async def test_bad_events_end_their_own_connection(line: bytes, code: str) -> None:
    async with connected() as (satellite, ha):
        async with client_of(satellite.address) as bad:
            await bad.send(RunSatellite().event())
            async with asyncio.timeout(PATIENCE_S):
                await ha.lost.wait()
            await bad.send_raw(line)
            error, *rest = await bad.read_to_end()
            assert (error.type, error.data["code"], rest) == ("error", code, [])
        await satellite.told(GONE)
        async with home_assistant(satellite.address):
            await satellite.told(READY, times=2)


async def test_one_connection_too_many_is_refused() -> None:
    async with connected(max_connections=2) as (satellite, ha):
        async with client_of(satellite.address) as side:
            await side.ask(Ping().event())
            async with client_of(satellite.address) as third:
                refused = await third.read()
                assert refused is not None
                assert Error.from_event(refused).code == "busy"
        assert not ha.lost.is_set()


async def test_who_comes_while_it_stops_is_turned_away() -> None:
    async with running() as satellite:
        pass
    ours, theirs = socket.socketpair()
    satellite.backend._accept(*await asyncio.open_connection(sock=ours))
    late, writer = await asyncio.open_connection(sock=theirs)
    async with asyncio.timeout(PATIENCE_S):
        assert await late.read() == b""
    writer.close()


async def test_the_end_hangs_up() -> None:
    async with contextlib.AsyncExitStack() as stack:
        satellite = await stack.enter_async_context(running())
        ha = await stack.enter_async_context(home_assistant(satellite.address))
        await satellite.told(READY)
        assert satellite.backend.status()["peer"] == "127.0.0.1"
        satellite.task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await ha.lost.wait()
