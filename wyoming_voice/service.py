"""Runs one Wyoming server from its first breath to its last: bind, describe, load, announce, drain, exit.

Rule: it listens and describes itself at once, announces itself when it can work, and whatever happens
ends in bounded time.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from wyoming_voice.config import ServiceSettings
from wyoming_voice.discovery import announced
from wyoming_voice.errors import Busy, ConfigError
from wyoming_voice.peer import Peer, end, refuse
from wyoming_voice.program import Program
from wyoming_voice.wire import Address, Connection, parse_uri, remove_stale_socket

_log = logging.getLogger(__name__)

_SEND_BUFFER_BYTES = 256 * 1024

_REFUSALS = 64
"""How many clients are told at a time that there is no room; in a flood the others hear nothing."""


class Service:
    """One Program on one listening socket."""

    def __init__(self, program: Program, settings: ServiceSettings) -> None:
        self._program = program
        self._settings = settings
        self._ready = asyncio.Event()
        self._peers: dict[asyncio.Task[None], Peer] = {}
        self._refusals: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._stopping = False

    async def listen(self) -> Address:
        """Bind, and answer `describe` from here on; returns the address with its real port.

        Raises ConfigError when the address can't be had.
        """
        address = parse_uri(self._settings.uri)
        limit = self._settings.wire_limits.header_bytes
        try:
            if address.path:
                remove_stale_socket(address.path)
                self._server = await asyncio.start_unix_server(
                    self._accept, address.path, limit=limit
                )
                return address
            if address.host == "::":
                self._server = await asyncio.start_server(
                    self._accept, sock=_dual_stack_socket(address.port), limit=limit
                )
            else:
                self._server = await asyncio.start_server(
                    self._accept, address.host, address.port, limit=limit
                )
        except OSError as error:
            raise ConfigError(f"can't listen on {address}: {error.strerror or error}") from error
        return Address(host=address.host, port=self._server.sockets[0].getsockname()[1])

    async def load(self) -> None:
        """Load the engine; requests that came meanwhile are answered after it."""
        await self._program.load()
        self._ready.set()

    async def stop(self) -> None:
        """Take no more connections, let requests in progress end within `drain_s`, close the rest."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for peer in self._peers.values():
            peer.leave()
        await end([task for task, peer in self._peers.items() if not peer.working])
        if self._peers:
            _log.info("waiting for %d clients to get their answers", len(self._peers))
            await asyncio.wait(self._peers, timeout=self._settings.drain_s)
        await end([*self._peers, *self._refusals])
        await self._program.close()
        if path := parse_uri(self._settings.uri).path:
            with contextlib.suppress(ConfigError):  # another server has taken the path over
                remove_stale_socket(path)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping:  # accepted by the kernel before, handed over after
            writer.transport.abort()
            return
        _tuned(writer)
        connection = Connection(reader, writer, self._settings.wire_limits)
        if len(self._peers) >= self._settings.max_connections:
            self._refuse(connection, writer)
            return
        peer = Peer(connection, self._program, self._ready, self._settings.idle_timeout_s)
        task = asyncio.create_task(peer.serve())
        self._peers[task] = peer
        task.add_done_callback(self._peers.pop)

    def _refuse(self, connection: Connection, writer: asyncio.StreamWriter) -> None:
        if len(self._refusals) >= _REFUSALS:
            writer.transport.abort()
            return
        busy = Busy(f"{len(self._peers)} clients are connected already; try again later")
        task = asyncio.create_task(refuse(connection, busy))
        self._refusals.add(task)
        task.add_done_callback(self._refusals.discard)


async def run_service(program: Program, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Prints `listening URI` and `ready URI` on standard output, for whoever started this process. Raises
    ConfigError when the address can't be had and EngineError when the engine can't be loaded.
    """
    stop = _stop_on_signals()
    service = Service(program, settings)
    address = await service.listen()
    print(f"listening {address}", flush=True)  # noqa: T201  (a parent process reads it)
    try:
        if await _unless_stopped(service.load(), stop):
            print(f"ready {address}", flush=True)  # noqa: T201
            async with announced(program.kind, program.info, address, settings):
                await stop.wait()
        _log.info("stopping")
    finally:
        await service.stop()
    if (
        program.busy
    ):  # a thread in native code can't be ended, and the interpreter would wait for it
        logging.shutdown()
        os._exit(0)


@contextlib.asynccontextmanager
async def serving(program: Program, settings: ServiceSettings) -> AsyncIterator[Address]:
    """A loaded service inside another program (tests, benchmarks); no signals, no announcement."""
    service = Service(program, settings)
    address = await service.listen()
    try:
        await service.load()
        yield address
    finally:
        await service.stop()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _unless_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether `work` ended before `stop` was set; raises what it raised."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return False
        task.result()
        return True
    finally:
        await end((task, stopped))


def _dual_stack_socket(port: int) -> socket.socket:
    """Bound to every interface, IPv4 and IPv6; asyncio would make `::` IPv6 alone."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", port))
    except OSError:
        sock.close()
        raise
    return sock


def _tuned(writer: asyncio.StreamWriter) -> None:
    """Have the kernel notice a peer whose machine has gone, and hold little for one that reads slowly."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # Left to itself it grows to megabytes, and tells of room only after minutes of speech.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
