"""Where the satellite is found, and what it tells those who only look in on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from wyoming.event import Event as WireEvent
from wyoming.ping import Ping

from satellite import events as e
from satellite.home_assistant.info import satellite_info
from tests.home_assistant import described
from tests.satellite.home_assistant.server_stage import INFO, Satellite, connected, running
from tests.wire_client import client_of
from wyoming_voice.errors import ConfigError


async def test_a_port_that_is_taken_is_told_at_once() -> None:
    async with running() as satellite:
        with pytest.raises(ConfigError, match=rf"can't listen on {satellite.address}: .*in use"):
            await Satellite(uri=str(satellite.address)).backend.listen()


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    async with running(uri=f"unix://{path}") as satellite:
        assert (await described(satellite.address)).satellite is not None
    assert not path.exists()


async def test_it_is_announced_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[object] = []

    @contextlib.asynccontextmanager
    async def announce(*what: object) -> AsyncIterator[None]:
        announced.append(what)
        try:
            yield
        finally:
            announced.append("goodbye")

    monkeypatch.setattr("satellite.home_assistant.server.announced", announce)
    satellite = Satellite()
    address = await satellite.backend.listen()
    assert announced == []
    task = asyncio.create_task(satellite.backend.run())
    await described(address)
    assert announced == [("satellite", INFO, address, satellite.backend._settings)]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert announced[1:] == ["goodbye"]


def test_what_home_assistant_is_told_of_us() -> None:
    told = INFO.satellite
    assert told is not None
    assert (told.name, told.area, told.installed) == ("kitchen", "Kitchen", True)
    assert told.active_wake_words == ["okay_nabu", "hey_jarvis"]
    assert told.max_active_wake_words == 2
    assert not told.supports_trigger
    assert [(m.name, m.phrase) for m in INFO.wake[0].models] == [
        ("okay_nabu", "okay nabu"),
        ("hey_jarvis", "hey jarvis"),
    ]
    bare = satellite_info("x", description="", area="", wake_words=[])
    assert bare.wake == []
    assert bare.satellite is not None
    assert bare.satellite.area is None
    assert bare.satellite.max_active_wake_words == 1


async def test_side_connections_are_told_who_we_are_and_disturb_nobody() -> None:
    async with connected() as (satellite, ha):
        satellite.begin(1)
        infos = await asyncio.gather(*(described(satellite.address) for _ in range(20)))
        async with client_of(satellite.address) as side:
            nothing = WireEvent("audio-start", {"rate": 8000, "width": 2, "channels": 1})
            await side.send(WireEvent("transcript", {"text": "x"}), nothing)
            await side.send(WireEvent("pause-satellite"))
            assert await side.ask(Ping().event()) == WireEvent("pong", {"text": None})
        satellite.backend.end_audio(1)
        await satellite.told(e.ReplyEnded(1))
        await ha.until(lambda: ha.info is not None)
        assert {str(info) for info in infos} == {str(ha.info)}
        assert not ha.lost.is_set()
        assert e.MuteChanged(e.MuteSource.HOME_ASSISTANT, muted=True) not in satellite.events


async def test_a_side_connection_that_says_nothing_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("satellite.home_assistant.server._SIDE_IDLE_S", 0.05)
    async with connected() as (satellite, ha), client_of(satellite.address) as side:
        assert await side.read() is None
        assert not ha.lost.is_set()
