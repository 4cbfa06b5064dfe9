"""The writing end of a connection that leads nowhere, and a connection whose other end said it all before.

Rule: what is written is kept, as events, and never waits.
"""

import asyncio
from typing import cast

from wyoming.event import Event

from wyoming_voice.wire import Connection, WireLimits, read_event

_ROOM = WireLimits(payload_bytes=2**30, data_bytes=2**30, header_bytes=2**30)


class Sink:
    """What a `Connection` asks of a StreamWriter."""

    def __init__(self) -> None:
        self._written = bytearray()
        self.transport = self

    def write(self, data: bytes) -> None:
        self._written += data

    async def drain(self) -> None:
        """There is always room."""

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        """Nobody reads."""

    def abort(self) -> None:
        """Nobody reads."""

    async def wait_closed(self) -> None:
        """It is."""

    async def events(self) -> list[Event]:
        """All that was written; raises what a reader of it raises."""
        reader = asyncio.StreamReader(limit=_ROOM.header_bytes)
        reader.feed_data(bytes(self._written))
        reader.feed_eof()
        found: list[Event] = []
        while (event := await read_event(reader, _ROOM)) is not None:
            found.append(event)
        return found


def heard(said: bytes, limits: WireLimits | None = None) -> tuple[Connection, Sink]:
    """Our side of a connection on which the other side has said this and hung up."""
    limits = limits or WireLimits()
    reader = asyncio.StreamReader(limit=limits.header_bytes)
    reader.feed_data(said)
    reader.feed_eof()
    sink = Sink()
    return Connection(reader, cast(asyncio.StreamWriter, sink), limits), sink
