"""One connection that Home Assistant has made to us: reads events, sends others, and never waits.

Rule: what answers at once (`pong`, `info`) overtakes all that waits to be sent, and little is handed to
the kernel ahead of time, so that it is overtaken indeed. A peer that doesn't read is given up.
"""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable

from wyoming.error import Error
from wyoming.event import Event

from wyoming_voice.errors import PeerError, TooSlow, VoiceError
from wyoming_voice.wire import Connection, PeerGone, WireLimits, encode

_WAITING_BYTES = 512 * 1024
"""16 s of speech: the most that waits for the network."""

_AHEAD_BYTES = 16 * 1024
_KERNEL_BYTES = 32 * 1024  # which Linux doubles
_ANSWERS_BYTES = 256 * 1024  # of a peer that asks and asks and reads nothing

_KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
"""Seconds, seconds, tries: a muted Home Assistant sends no pings, and may lose its power."""


class Link:
    """One connection; `serve` lives as long as it does."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: WireLimits
    ) -> None:
        self._connection = Connection(reader, writer, limits)
        self._writer = writer
        self._stall_s = limits.write_timeout_s
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._more = asyncio.Event()
        self._overflow = asyncio.Event()
        _tune(writer)

    @property
    def name(self) -> str:
        """Where the other end is."""
        peer = self._writer.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) else "a unix socket"

    def send(self, event: Event) -> None:
        """Send an event after those that wait."""
        data = encode(event)
        if self._waiting_bytes + len(data) > _WAITING_BYTES:
            self._overflow.set()
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self._more.set()

    def answer(self, event: Event) -> None:
        """Send an event before those that wait."""
        if self._writer.transport.get_write_buffer_size() > _ANSWERS_BYTES:
            self._overflow.set()
            return
        self._writer.write(encode(event))

    async def serve(self, receive: Callable[[Event], None], idle_s: Callable[[], float]) -> None:
        """Hand events to `receive` until the peer goes or errs, or says nothing for `idle_s()`.

        What `receive` raises as a VoiceError is told to the peer, as the wire's errors are. Raises
        PeerGone or a VoiceError when the link had to be given up.
        """
        steps = (self._read(receive, idle_s), self._send_all(), self._watch_overflow())
        tasks = [asyncio.create_task(step) for step in steps]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except PeerError as error:
            await self._end(tasks)
            await self.refuse(error)
            raise
        except _Stalled:
            self._writer.transport.abort()
            raise
        finally:
            await self._end(tasks)
            await self._connection.close()

    def abort(self) -> None:
        """Hang up without a word."""
        self._writer.transport.abort()

    async def refuse(self, error: VoiceError) -> None:
        """Say why, and hang up."""
        with contextlib.suppress(PeerGone, TooSlow):
            await self._connection.write(Error(text=str(error), code=error.code).event())
            await self._connection.linger()
        await self._connection.close()

    async def _read(self, receive: Callable[[Event], None], idle_s: Callable[[], float]) -> None:
        while True:
            try:
                async with asyncio.timeout(idle_s()):
                    event = await self._connection.read()
            except TimeoutError:
                return
            if event is None:
                return
            receive(event)
            await asyncio.sleep(0)  # what is in the buffer is read without waiting: let others run

    async def _send_all(self) -> None:
        while True:
            await self._more.wait()
            while self._waiting:
                data = self._waiting.popleft()
                self._waiting_bytes -= len(data)
                self._writer.write(data)
                await self._drained()
            self._more.clear()

    async def _drained(self) -> None:
        try:
            async with asyncio.timeout(self._stall_s):
                await self._writer.drain()
        except TimeoutError as error:
            raise _Stalled(f"it has read nothing for {self._stall_s:g} s") from error
        except OSError as error:
            raise PeerGone(str(error)) from error

    async def _watch_overflow(self) -> None:
        await self._overflow.wait()
        raise _Stalled("it reads too little of what is sent")

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Stalled(VoiceError):
    """The peer doesn't read: there is no use in telling it so."""

    code = "too-slow"


def _tune(writer: asyncio.StreamWriter) -> None:
    writer.transport.set_write_buffer_limits(high=_AHEAD_BYTES)
    sock = writer.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):  # not everywhere
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
