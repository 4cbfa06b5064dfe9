"""A bad network in the way of a client: a TCP proxy that spoils connections, each as a script says.

Rule: a fault is of one way and begins after so many bytes of it; what passes before, and the other way, is as
it would be without, except where the fault ends the connection.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from wyoming_voice.wire import Address


class What(Enum):
    DELAY = "each piece comes late"
    SPLIT = "each byte comes alone"
    TRICKLE = "a few bytes come at a time, with pauses"
    STALL = "nothing more comes, and nobody hangs up"
    HALF_CLOSE = "this way ends, the other stays open"
    CUT = "the connection is closed, both ways"
    RESET = "the connection is reset, both ways"


HARMLESS = (What.DELAY, What.SPLIT, What.TRICKLE)
"""After these everything comes, if late."""


class Way(Enum):
    UP = "to the server"
    DOWN = "to the client"


@dataclass(frozen=True)
class Fault:
    """What is wrong with one connection from byte number `after` on."""

    what: What
    way: Way
    after: int = 0


_PAUSE_S = 0.002
_TRICKLED = 64
_SPLIT_MOST = 1500
"""So many bytes come alone, the rest a few at a time: a whole utterance of single bytes takes too long."""


Tap = Callable[[bytes], None]


class Proxy:
    """`script`: the fault of each connection in the order in which they come; later ones have none.

    `tap` makes who is told of all that a connection's client has been sent where it has none.
    """

    def __init__(
        self,
        target: Address,
        script: Iterable[Fault | None] = (),
        tap: Callable[[], Tap] = lambda: lambda _: None,
    ) -> None:
        self.address = Address()
        self.connections = 0
        self._target = target
        self._script: Iterator[Fault | None] = iter(script)
        self._tap = tap
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Address]:
        """Listen; at the end everybody is hung up on."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            yield self.address
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        fault = next(self._script, None)
        task = asyncio.create_task(self._join(_Side(reader, writer), fault))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, client: "_Side", fault: Fault | None) -> None:
        try:
            server = _Side(*await asyncio.open_connection(self._target.host, self._target.port))
        except OSError:
            client.reset()
            return
        up = fault if fault is not None and fault.way is Way.UP else None
        down = fault if fault is not None and fault.way is Way.DOWN else None
        pumps = [
            asyncio.create_task(_Pump(client, server, up, lambda _: None).run()),
            asyncio.create_task(_Pump(server, client, down, self._tap()).run()),
        ]
        try:
            await asyncio.gather(*pumps)
        except _Over as over:
            for side in (client, server):
                side.reset() if over.reset else side.close()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for side in (client, server):
                side.close()


class _Over(Exception):
    def __init__(self, *, reset: bool) -> None:
        super().__init__(reset)
        self.reset = reset


@dataclass
class _Side:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Have the kernel send RST: what lies in its buffers is lost."""
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class _Pump:
    """One way of one connection."""

    def __init__(self, source: _Side, sink: _Side, fault: Fault | None, tap: Tap) -> None:
        self._tap = tap
        self._source = source
        self._sink = sink
        self._fault = fault
        self._left = fault.after if fault is not None else 0
        self._alone = 0

    async def run(self) -> None:
        """To the end of what comes; whoever can't be written to any more gets nothing more."""
        with contextlib.suppress(ConnectionError):
            while data := await self._source.reader.read(65_536):
                if self._fault is None:
                    await self._sink.send(data)
                    self._tap(data)
                    continue
                before, after = data[: self._left], data[self._left :]
                self._left -= len(before)
                if before:
                    await self._sink.send(before)
                if not self._left:
                    await self._spoil(self._fault.what, after)
            if self._sink.writer.can_write_eof():
                self._sink.writer.write_eof()

    async def _spoil(self, what: What, data: bytes) -> None:
        match what:
            case What.DELAY:
                await asyncio.sleep(_PAUSE_S * 10)
                await self._sink.send(data)
            case What.SPLIT:
                await self._in_pieces(data, 1 if self._alone < _SPLIT_MOST else 977, 0)
            case What.TRICKLE:
                await self._in_pieces(data, _TRICKLED if len(data) < _SPLIT_MOST else 997, _PAUSE_S)
            case What.STALL:
                await asyncio.Event().wait()
            case What.HALF_CLOSE:
                self._sink.writer.write_eof()
                while await self._source.reader.read(65_536):
                    pass
            case What.CUT | What.RESET:
                raise _Over(reset=what is What.RESET)

    async def _in_pieces(self, data: bytes, size: int, pause_s: float) -> None:
        self._alone += len(data) if size == 1 else 0
        for at in range(0, len(data), size):
            await self._sink.send(data[at : at + size])
            await asyncio.sleep(pause_s)
