"""A service from its first breath to its last: in this process, and as a process of its own with signals."""

import asyncio
import contextlib
import signal
import socket
from pathlib import Path

import pytest
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping

from tests.fakes import FakeProgram, on_loopback
from tests.processes import small_server
from tests.wire_client import PATIENCE_S, client_of
from wyoming_voice import service
from wyoming_voice.errors import ConfigError, EngineError
from wyoming_voice.listening import _bound
from wyoming_voice.service import Service, run_service, serving
from wyoming_voice.wire import Address, Connection, WireLimits, connect, parse_uri


async def answers(uri: str) -> bool:
    async with client_of(uri) as client:
        return await client.ask(Ping("x").event()) == Event("pong", {"text": "x"})


async def test_port_0_is_a_real_port_afterwards() -> None:
    async with serving(FakeProgram(), on_loopback()) as address:
        assert address.port > 0
        assert await answers(str(address))


async def test_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with serving(FakeProgram(), on_loopback("tcp://[::1]:0")) as address:
        assert await answers(str(address))


async def test_the_ipv6_wildcard_takes_ipv4_too() -> None:
    """The socket is bound and never listens: nothing outside this machine could reach it."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with await _bound(Address("::", 0), "") as sock:
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 0


async def test_a_port_that_is_taken_is_told_with_its_address() -> None:
    async with serving(FakeProgram(), on_loopback()) as address:
        said = rf"^can't listen on {address}: Address already in use; end what .*, or take another: --uri"
        with pytest.raises(ConfigError, match=said):
            await Service(FakeProgram(), on_loopback(str(address))).listen()


async def test_a_unix_socket_comes_and_goes(tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/s.sock"
    async with serving(FakeProgram(), on_loopback(uri)) as address:
        assert str(address) == uri
        assert await answers(uri)
    assert not (tmp_path / "s.sock").exists()


async def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    assert path.is_socket()
    async with serving(FakeProgram(), on_loopback(f"unix://{path}")) as address:
        assert await answers(str(address))


async def test_a_unix_socket_in_use_is_left_to_its_server(tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/s.sock"
    async with serving(FakeProgram(), on_loopback(uri)):
        with pytest.raises(ConfigError, match="another server listens on"):
            await Service(FakeProgram(), on_loopback(uri)).listen()
        assert await answers(uri)


async def test_a_unix_socket_that_another_server_took_over_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    first, second = (Service(FakeProgram(), on_loopback(f"unix://{path}")) for _ in range(2))
    await first.listen()
    path.unlink()
    await second.listen()
    await first.stop()
    assert await answers(f"unix://{path}")
    await second.stop()


@pytest.mark.parametrize("path", ["/nowhere/at/all/s.sock", "/tmp/" + "x" * 200])
async def test_a_unix_socket_that_can_t_be_made_is_told(path: str) -> None:
    with pytest.raises(ConfigError, match=r"can't listen on unix:///.*: \w+"):
        await Service(FakeProgram(), on_loopback(f"unix://{path}")).listen()


async def test_stopping_hangs_up_on_who_waits_for_nothing(tmp_path: Path) -> None:
    program = FakeProgram()
    service = Service(program, on_loopback(drain_s=600))
    address = await service.listen()
    await service.load()
    async with client_of(address) as client:
        assert await client.ask(Event("echo")) is not None
        await asyncio.wait_for(service.stop(), PATIENCE_S)
        assert await client.read() is None
    assert program.closed


async def test_stopping_lets_what_is_asked_be_answered_then_hangs_up() -> None:
    program = FakeProgram()
    service = Service(program, on_loopback(drain_s=600))
    address = await service.listen()
    await service.load()
    async with client_of(address) as client:
        await client.send(Event("hold"), Event("echo", {"n": 1}))
        await client.read_until("held")
        stopping = asyncio.create_task(service.stop())
        await client.ask(Ping("stopping").event())
        with pytest.raises(OSError, match="Connect call failed"):
            await answers(str(address))
        program.release.set()
        types = [event.type for event in await client.read_to_end()]
        assert types == ["released", "echoed"]
        await client.hang_up()
        await asyncio.wait_for(stopping, PATIENCE_S)


async def test_a_client_that_comes_while_it_stops_is_turned_away() -> None:
    service = Service(FakeProgram(), on_loopback(drain_s=600))
    await service.listen()
    await service.load()
    await service.stop()
    ours, theirs = socket.socketpair()
    service._accept(*await asyncio.open_connection(sock=ours))
    late, writer = await asyncio.open_connection(sock=theirs)
    async with asyncio.timeout(PATIENCE_S):
        assert await late.read() == b""
    writer.close()
    assert service._peers == {}


async def test_stopping_cuts_off_what_takes_longer_than_the_drain() -> None:
    program = FakeProgram()
    async with contextlib.AsyncExitStack() as stack:
        address = await stack.enter_async_context(serving(program, on_loopback(drain_s=0)))
        client = await stack.enter_async_context(client_of(address))
        await client.send(Event("hold"))
        await client.read_until("held")
        await stack.pop_all().aclose()
    assert program.cleaned_up.is_set()


async def test_stopping_while_loading_does_not_wait_for_requests_that_can_t_be_served() -> None:
    program = FakeProgram()
    program.may_load.clear()
    service = Service(program, on_loopback(drain_s=600))
    address = await service.listen()
    async with client_of(address) as client:
        await client.send(Event("echo"), Ping().event())
        assert await client.read_until("pong")
        await asyncio.wait_for(service.stop(), PATIENCE_S)
        assert await client.read() is None


async def test_an_engine_that_can_t_be_loaded_ends_the_service() -> None:
    program = FakeProgram(load_error=EngineError("no model; fetch it with: ..."))
    with pytest.raises(EngineError, match="fetch it with"):
        await asyncio.wait_for(run_service(program, on_loopback(drain_s=600)), PATIENCE_S)
    assert program.closed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_says_where_it_listens_and_ends_with_0(number: signal.Signals) -> None:
    async with small_server() as server:
        uri = await server.says("listening")
        assert parse_uri(uri).port > 0
        assert await server.says("ready") == uri
        assert list(server.said) == ["listening", "ready"]
        async with client_of(uri) as client:
            info = await client.ask(Describe().event())
            assert info is not None
            assert Info.from_event(info).asr[0].name == "fake"
            server.process.send_signal(number)
            assert await client.read() is None
        assert (await server.ended())[0] == 0


async def test_sigterm_lets_a_request_in_progress_end() -> None:
    async with small_server("--drain-s", "600") as server:
        uri = await server.says("listening")
        async with client_of(uri) as client:
            await client.send(Event("hold"))
            await client.read_until("held")
            server.process.terminate()
            await server.logged("waiting for 1 clients to get their answers")
            await client.send(Event("release"))
            assert [event.type for event in await client.read_to_end()] == ["released"]
        status, errors = await server.ended()
    assert status == 0
    assert "outcome=ok" in errors
    assert "Traceback" not in errors


async def test_sigterm_does_not_wait_for_a_thread_that_is_stuck() -> None:
    async with small_server("--drain-s", "0.1") as server:
        uri = await server.says("listening")
        async with client_of(uri) as client:
            await client.send(Event("stick"))
            await client.read_until("stuck")
            server.process.terminate()
            await client.read_to_end()
        assert (await server.ended())[0] == 0


async def test_sigterm_does_not_wait_for_a_model_that_loads() -> None:
    async with small_server("--load", "never", "--drain-s", "600") as server:
        assert await answers(await server.says("listening"))
        server.process.terminate()
        assert (await server.ended())[0] == 0


async def test_a_model_that_can_t_be_loaded_ends_with_1_and_the_remedy() -> None:
    async with small_server("--load", "broken") as server:
        await server.says("listening")
        assert await server.line() == ""
        status, errors = await server.ended()
    assert status == 1
    assert "no model in '/nowhere'; fetch it with: wyoming-voice models fetch" in errors
    assert "Traceback" not in errors


async def test_settings_that_can_t_be_used_end_with_2() -> None:
    async with small_server("--uri", "tcp://127.0.0.1", "--max-queue", "none") as server:
        status, errors = await server.ended()
    assert status == 2
    assert "--uri: bad address 'tcp://127.0.0.1'; write tcp://HOST:PORT" in errors
    assert "--max-queue: " in errors
    assert "Traceback" not in errors


async def test_the_kernel_holds_little_for_a_client_that_reads_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted: list[socket.socket] = []

    class Watched(Connection):
        def __init__(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: WireLimits
        ) -> None:
            accepted.append(writer.get_extra_info("socket"))
            super().__init__(reader, writer, limits)

    monkeypatch.setattr(service, "Connection", Watched)
    async with serving(FakeProgram(), on_loopback()) as address, connect(str(address)) as client:
        await client.write(Ping().event())
        await client.read()
        (ours,) = accepted
        # Linux doubles what it is asked for, to have room for its own book-keeping.
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * 256 * 1024
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
