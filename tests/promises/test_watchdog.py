"""A server that hangs or crashes is started again by its supervisor, and no client is refused meanwhile.

The supervisor is a small one that speaks systemd's protocol as the shipped units and sockets have systemd
speak it: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3). It kills what doesn't feed its watchdog, and
keeps the listening socket, as a .socket unit.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from wyoming.event import Event
from wyoming.info import Describe, Info

from tests.processes import Process, begun
from tests.test_systemd import child_command, high
from tests.wire_client import PATIENCE_S, WireClient, client_of
from wyoming_voice.peer import end as cancelled

WATCHDOG_S = 2.0
"""Long enough for a healthy server on a machine that is busy with other things."""

NAMED = """
import os, sys
os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])
"""


class Unit:
    """`tests/small_server.py` as Type=notify, WatchdogSec=2, Restart=always, with a socket unit."""

    def __init__(self, directory: Path, listener: socket.socket) -> None:
        self.uri = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        self.ended = asyncio.Event()
        self.may_restart = asyncio.Event()
        self.ends: list[tuple[int, str]] = []
        self._listener = listener
        self._path = str(directory / "notify")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(self._path)
        self._notify.setblocking(False)

    async def keep(self) -> None:
        """Start the server, and start it again whenever it ends, until cancelled."""
        with self._notify:
            while True:
                await self._once()
                self.ended.set()
                await self.may_restart.wait()

    async def _once(self) -> None:
        async with self._started() as server:
            watch = asyncio.create_task(self._watch())
            ended = asyncio.create_task(server.process.wait())
            try:
                await asyncio.wait((watch, ended), return_when=asyncio.FIRST_COMPLETED)
                if not ended.done():
                    server.process.send_signal(signal.SIGABRT)
                status, logged = await server.ended()
                self.ends.append((status or 0, logged))
            finally:
                await cancelled([watch, ended])

    def _started(self) -> contextlib.AbstractAsyncContextManager[Process]:
        arguments = ("-m", "tests.small_server", "--no-zeroconf", "--deadline-s", "0.1")
        return begun(
            *(sys.executable, "-c", NAMED, *child_command([self._listener], *arguments)),
            environ={
                "NOTIFY_SOCKET": self._path,
                "WATCHDOG_USEC": str(int(WATCHDOG_S * 1_000_000)),
                "PYTHONFAULTHANDLER": "1",
            },
            pass_fds=[self._listener.fileno()],
        )

    async def _watch(self) -> None:
        """Until READY=1 has come, and WATCHDOG=1 has stayed away for WATCHDOG_S."""
        while "READY=1" not in await self._hear():
            pass
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(WATCHDOG_S) as patience:
                    while "WATCHDOG=1" not in await self._hear():
                        pass
                assert not patience.expired()

    async def _hear(self) -> list[str]:
        told = await asyncio.get_running_loop().sock_recv(self._notify, 4096)
        return told.decode().splitlines()


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Unit]:
    with high(socket.create_server(("127.0.0.1", 0))) as listener:
        unit = Unit(directory, listener)
        keeping = asyncio.create_task(unit.keep())
        try:
            yield unit
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def describes_itself(client: WireClient) -> bool:
    event = await client.read(30)
    return event is not None and Info.from_event(event).asr[0].name == "fake"


HANGS, CRASHES = (signal.SIGABRT, "Aborted"), (signal.SIGSEGV, "Segmentation fault")


@pytest.mark.parametrize(
    ("request_type", "end", "where"),
    [("stick", HANGS, "in work"), ("freeze", HANGS, "in push"), ("break", CRASHES, "in work")],
    ids=["its engine hangs", "its loop hangs", "its engine crashes"],
)
async def test_a_server_that_hangs_or_crashes_is_started_again_and_nobody_is_refused(
    request_type: str, end: tuple[signal.Signals, str], where: str, tmp_path: Path
) -> None:
    async with running(tmp_path) as unit, contextlib.AsyncExitStack() as clients:
        first = await clients.enter_async_context(client_of(unit.uri))
        await first.send(Describe().event())
        assert await describes_itself(first)
        await first.send(Event(request_type))
        async with asyncio.timeout(30):
            await unit.ended.wait()
        assert [event.type for event in await first.read_to_end()] in ([], ["stuck"])

        waiting = [await clients.enter_async_context(client_of(unit.uri)) for _ in range(5)]
        for client in waiting:
            await client.send(Describe().event(), Event("echo", {"text": "here"}))
        unit.may_restart.set()
        for client in waiting:
            assert await describes_itself(client)
            answer = await client.read(PATIENCE_S)
            assert answer is not None
            assert answer.data["text"] == "here"

        status, said = unit.ends[0]
        assert status == -end[0]
        assert f"Fatal Python error: {end[1]}" in said
        assert where in said, "the trace names what it was in"
        assert ("the engine is stuck" in said) is (request_type == "stick")
