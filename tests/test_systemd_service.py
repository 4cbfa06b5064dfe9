"""A server under systemd: when it says it is ready, alive or stuck, and whose sockets it listens on."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from wyoming.event import Event
from wyoming.info import Describe, Info

from tests.fakes import FakeProgram, Steps, on_loopback
from tests.processes import Process, begun
from tests.test_systemd import child_command, high
from tests.wire_client import PATIENCE_S, client_of
from wyoming_voice.errors import ConfigError
from wyoming_voice.service import Service, run_service
from wyoming_voice.wire import Address
from wyoming_voice.worker import Worker


class Systemd:
    """What a server told the socket that NOTIFY_SOCKET names."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.setblocking(False)

    async def hear(self) -> list[str]:
        async with asyncio.timeout(PATIENCE_S):
            told = await asyncio.get_running_loop().sock_recv(self._socket, 4096)
            return told.decode().splitlines()

    async def hear_until(self, line: str) -> list[str]:
        """All lines up to and with this one."""
        heard: list[str] = []
        while line not in heard:
            heard += await self.hear()
        return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path)
    yield systemd
    systemd.close()


def server(
    systemd: Systemd, *arguments: str, sockets: Sequence[socket.socket] = ()
) -> contextlib.AbstractAsyncContextManager[Process]:
    """`tests/small_server.py` as a unit of Type=notify with a watchdog of 0.1 s."""
    return begun(
        *(child_command(sockets) if sockets else [sys.executable]),
        *("-m", "tests.small_server", "--no-zeroconf", *arguments),
        environ={"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "100000"},
        pass_fds=[sock.fileno() for sock in sockets],
    )


async def test_ready_alive_stopping(systemd: Systemd) -> None:
    async with server(systemd) as process:
        uri = await process.says("listening")
        assert f"STATUS=ready on {uri}" in await systemd.hear_until("READY=1")
        await systemd.hear_until("WATCHDOG=1")
        process.process.terminate()
        assert "EXTEND_TIMEOUT_USEC=20000000" in await systemd.hear_until("STOPPING=1")
        assert await process.process.wait() == 0


async def test_loading_takes_the_time_it_takes(systemd: Systemd) -> None:
    async with server(systemd, "--load", "never") as process:
        await process.says("listening")
        for _ in range(3):
            heard = await systemd.hear()
            assert heard[0] == "EXTEND_TIMEOUT_USEC=60000000"
            assert heard[1].startswith("STATUS=loading")


async def test_a_server_that_can_t_load_is_never_ready(systemd: Systemd) -> None:
    async with server(systemd, "--load", "broken") as process:
        assert "READY=1" not in await systemd.hear_until("STOPPING=1")
        assert await process.process.wait() == 1


async def test_a_stuck_engine_does_not_feed_the_watchdog(systemd: Systemd) -> None:
    async with (
        server(systemd, "--deadline-s", "0.1") as process,
        client_of(await process.says("listening")) as client,
    ):
        await client.send(Event("stick"))
        await client.read_until("stuck")
        await systemd.hear_until("STATUS=stuck in the engine")
        beats = [await systemd.hear() for _ in range(3)]
        assert beats == [["STATUS=stuck in the engine"]] * 3


async def test_a_worker_is_stuck_while_an_item_takes_too_long() -> None:
    worker = Worker("engine")
    steps = Steps("a", [])
    stream = worker.stream(steps, deadline_s=PATIENCE_S)
    pull = asyncio.create_task(anext(stream))
    assert not worker.stuck(0)
    await steps.begun()
    while not worker.stuck(0):  # noqa: ASYNC110  (the clock tells nobody)
        await asyncio.sleep(0)
    assert not worker.stuck(PATIENCE_S)
    steps.let()
    assert await pull == "a0"
    assert not worker.stuck(0)
    await stream.aclose()
    worker.close()


async def test_an_engine_that_comes_round_feeds_the_watchdog_again(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.path)
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    program = FakeProgram()
    service = asyncio.create_task(run_service(program, on_loopback()))
    await systemd.hear_until("WATCHDOG=1")
    program.stuck = True
    await systemd.hear_until("STATUS=stuck in the engine")
    program.stuck = False
    await systemd.hear_until("WATCHDOG=1")
    os.kill(os.getpid(), signal.SIGTERM)
    await systemd.hear_until("STOPPING=1")
    await service


async def test_a_passed_tcp_socket_is_served_in_place_of_uri(systemd: Systemd) -> None:
    with high(socket.create_server(("127.0.0.1", 0))) as sock:
        uri = f"tcp://127.0.0.1:{sock.getsockname()[1]}"
        async with server(systemd, "--uri", "tcp://127.0.0.1:1", sockets=[sock]) as process:
            assert await process.says("listening") == uri
            async with client_of(uri) as client:
                info = await client.ask(Describe().event())
            assert info is not None
            assert Info.from_event(info).asr[0].name == "fake"
            process.process.terminate()
            assert await process.process.wait() == 0


async def test_several_sockets_are_all_served_and_a_unix_one_outlives_the_server(
    systemd: Systemd, tmp_path: Path
) -> None:
    path = tmp_path / "s.sock"
    local = socket.socket(socket.AF_UNIX)
    local.bind(str(path))
    local.listen()
    with high(local) as local, high(socket.create_server(("127.0.0.1", 0))) as tcp:
        uris = [f"unix://{path}", f"tcp://127.0.0.1:{tcp.getsockname()[1]}"]
        async with server(systemd, sockets=[local, tcp]) as process:
            assert await process.says("listening") == uris[1]  # the one that a network has
            for uri in uris:
                async with client_of(uri) as client:
                    assert await client.ask(Describe().event()) is not None
            assert f"STATUS=ready on {', '.join(uris)}" in await systemd.hear_until("READY=1")
            process.process.terminate()
            assert await process.process.wait() == 0
    assert path.is_socket()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
async def test_a_socket_that_listens_for_nothing_is_refused(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigError, match=r"needs ListenStream= and Accept=no"):
            await Service(FakeProgram(), on_loopback(), [sock]).listen()


async def test_a_socket_that_listens_for_packets_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.bind(str(tmp_path / "s.sock"))
        sock.listen()
        with pytest.raises(ConfigError, match=r"needs ListenStream= and Accept=no"):
            await Service(FakeProgram(), on_loopback(), [sock]).listen()


async def test_an_ipv6_socket_has_its_address() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as sock:
        service = Service(FakeProgram(), on_loopback(), [sock])
        assert await service.listen() == Address(host="::1", port=sock.getsockname()[1])
        await service.stop()
