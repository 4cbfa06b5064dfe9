"""The door of a service: opened, loading, counted, drained and shut with it."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
import websockets
from fastapi import APIRouter
from websockets.asyncio.client import connect
from wyoming.event import Event

from tests.fakes import FakeProgram
from tests.http.small_door import KEY, House, key_file, raw
from tests.metrics_client import values_in
from tests.processes import begun
from tests.wire_client import client_of as wyoming
from wyoming_voice.errors import ConfigError
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.service import Service
from wyoming_voice.settings import ServiceSettings


class BothSettings(ServiceSettings, HttpSettings):
    """As a server with both doors has them."""


class RoutedProgram(FakeProgram):
    """A fake with HTTP routes, those of a House."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()

    def routes(self, floor: Floor) -> Sequence[APIRouter]:
        self.house.floor = floor
        return [self.house.router()]


def settings(**more: object) -> BothSettings:
    return BothSettings.model_validate(
        {
            "uri": "tcp://127.0.0.1:0",
            "http": "tcp://127.0.0.1:0",
            "no_zeroconf": True,
            "drain_s": 0,
            **more,
        }
    )


def client_of(program: RoutedProgram) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=program.house.uri)


@contextlib.asynccontextmanager
async def listening(**more: object) -> AsyncIterator[tuple[Service, RoutedProgram]]:
    program = RoutedProgram()
    service = Service(program, settings(**more))
    await service.listen()
    assert service.http_address is not None
    program.house.address = service.http_address
    try:
        yield service, program
    finally:
        await service.stop()


async def test_health_follows_the_model() -> None:
    async with listening() as (service, program), client_of(program) as client:
        loading = await client.get("/health")
        assert (loading.status_code, loading.json()["error"]["code"]) == (503, "loading")
        await service.load()
        assert (await client.get("/health")).json() == {"status": "ok"}
        program.stuck = True
        stuck = await client.get("/health")
        assert stuck.status_code == 503
        assert "stuck" in stuck.json()["error"]["message"]


async def test_requests_are_counted_with_the_others() -> None:
    async with listening() as (service, program):
        await service.load()
        async with client_of(program) as client:
            await client.get("/stream")
            await client.get("/stream?fail_at=0")
            numbers = (await client.get("/metrics")).text
    assert 'wyoming_voice_requests_total{kind="asr",outcome="ok"} 1.0' in numbers
    assert 'wyoming_voice_requests_total{kind="asr",outcome="engine-failed"} 1.0' in numbers
    assert 'wyoming_voice_http_requests_in_progress{kind="asr"} 0.0' in numbers
    assert service.metrics_address is None


async def test_a_refusal_is_told_like_every_other(caplog: pytest.LogCaptureFixture) -> None:
    """In the log, the ledger and the numbers, in the same words, as at the Wyoming door."""
    caplog.set_level("INFO")
    async with listening(max_http_requests=1) as (service, program):
        await service.load()
        async with client_of(program) as client:
            holding = asyncio.create_task(client.get("/hold"))
            await program.house.started.wait()
            assert (await client.get("/hold")).status_code == 503
            assert (await client.get("/ready")).status_code == 503  # which asks just that
            assert (await client.get("/nowhere")).status_code == 404
            with pytest.raises(websockets.InvalidStatus):
                async with connect(program.house.uri.replace("http", "ws") + "/ws/full"):
                    pass
            program.house.release.set()
            assert (await holding).status_code == 200
            numbers = values_in((await client.get("/metrics")).content)
        async with wyoming(service.addresses[0]) as home_assistant:
            status = await home_assistant.ask(Event("status"))
    assert status is not None
    told = status.data
    busy = "1 requests are being served already; try again later"
    assert f"error told to a client: code=busy {busy}" in caplog.messages
    assert [line.split()[-1] for line in caplog.messages if "outcome=" in line] == [
        "outcome=busy",
        "outcome=ok",
    ]
    assert told["requests"] == {"busy": 1, "ok": 1}
    assert [(error["code"], error["text"]) for error in told["last_errors"]] == [
        ("busy", busy),
        ("not-found", "there is nothing at '/nowhere'"),
        ("busy", "no room"),
    ]
    assert numbers["wyoming_voice_requests_total:busy"] == 1
    assert numbers["wyoming_voice_errors_total:busy"] == 2
    assert numbers["wyoming_voice_errors_total:other"] == 1


async def test_the_numbers_need_the_key_where_there_is_one(tmp_path: Path) -> None:
    keys = {"api_key_file": key_file(tmp_path)}
    async with listening(**keys) as (_, program), client_of(program) as client:
        assert (await client.get("/metrics")).status_code == 401
        known = {"Authorization": f"Bearer {KEY}"}
        assert (await client.get("/metrics", headers=known)).status_code == 200


async def test_stopping_waits_for_what_is_being_answered() -> None:
    async with listening(drain_s=30) as (service, program):
        await service.load()
        async with raw(program.house) as client, raw(program.house) as idle:
            await client.say("GET /hold HTTP/1.1", "Host: localhost")
            await program.house.started.wait()
            stopping = asyncio.create_task(service.stop())
            assert await idle.gone()
            program.house.release.set()
            assert (await client.answer())[2] == {"held": "yes"}
            await stopping
        with pytest.raises(ConnectionRefusedError):
            async with raw(program.house):
                pass


async def test_what_takes_longer_is_told_and_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(drain_s=0) as (service, program):
        await service.load()
        async with raw(program.house) as client, raw(program.house) as reader:
            await reader.say("GET /stream?most=1 HTTP/1.1", "Host: localhost")
            await reader.head()
            program.house.started.clear()
            await client.say("GET /hold HTTP/1.1", "Host: localhost")
            await program.house.started.wait()
            await service.stop()
            status, _, told = await client.answer()
            assert (status, told["error"]["code"]) == (503, "busy")
            assert await client.gone()
            await reader.gone()
    assert program.house.floor.requests == 0
    assert "Traceback" not in caplog.text


async def test_websockets_are_asked_to_come_again() -> None:
    async with listening(drain_s=30) as (service, program):
        await service.load()
        async with connect(program.house.uri.replace("http", "ws") + "/ws") as socket:
            await service.stop()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012


async def test_an_answer_that_nobody_reads_does_not_keep_it_from_stopping() -> None:
    async with listening(drain_s=0) as (service, program):
        await service.load()
        async with raw(program.house) as client:
            await client.say("GET /stream?most=1000000 HTTP/1.1", "Host: localhost")
            await program.house.started.wait()
            await service.stop()
    assert program.house.floor.requests == 0


async def test_a_port_that_is_taken() -> None:
    async with listening() as (_, program):
        taken = settings(http=str(program.house.address))
        second = Service(RoutedProgram(), taken)
        with pytest.raises(ConfigError, match=r"--http .* can't be had: Address already in use"):
            await second.listen()
        await second.stop()


async def test_a_program_without_routes_has_no_door() -> None:
    service = Service(FakeProgram(), settings())
    await service.listen()
    assert service.http_address is None
    await service.stop()


SERVER = """
import asyncio
from tests.http.test_in_a_service import RoutedProgram, settings
from wyoming_voice.service import run_service
asyncio.run(run_service(RoutedProgram(), settings()))
"""


async def test_a_parent_is_told_the_port() -> None:
    async with begun(sys.executable, "-c", SERVER) as server:
        await server.says("ready")
        assert list(server.said) == ["listening", "http", "ready"]
        async with httpx.AsyncClient(base_url=server.door) as client:
            assert (await client.get("/health")).status_code == 200
        server.process.terminate()
        assert (await server.ended())[0] == 0
