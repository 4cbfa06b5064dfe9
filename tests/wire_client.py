"""A bare Wyoming client: it reads with the public `wyoming` package, and sends whatever it is given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from wyoming.event import Event, async_read_event, async_write_event

from wyoming_voice.wire import Address, parse_uri

PATIENCE_S = 10.0
"""How long a test waits for what must come; no test measures it."""


class WireClient:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *events: Event) -> None:
        for event in events:
            await async_write_event(event, self.writer)

    async def send_raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read(self, timeout_s: float = PATIENCE_S) -> Event | None:
        """The next event; None when the server has closed the connection."""
        async with asyncio.timeout(timeout_s):
            try:
                return await async_read_event(self.reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                return None

    async def ask(self, event: Event) -> Event | None:
        await self.send(event)
        return await self.read()

    async def read_until(self, kind: str) -> list[Event]:
        """Events up to and with the first of this type."""
        events: list[Event] = []
        while (event := await self.read()) is not None:
            events.append(event)
            if event.type == kind:
                return events
        raise AssertionError(f"closed before {kind!r}, after {[event.type for event in events]}")

    async def read_to_end(self) -> list[Event]:
        events: list[Event] = []
        while (event := await self.read()) is not None:
            events.append(event)
        return events

    async def hang_up(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def client_of(server: Address | str) -> AsyncIterator[WireClient]:
    """A client of the server at an address or a URI."""
    address = parse_uri(str(server))
    if address.path:
        reader, writer = await asyncio.open_unix_connection(address.path)
    else:
        reader, writer = await asyncio.open_connection(address.host, address.port)
    client = WireClient(reader, writer)
    try:
        yield client
    finally:
        await client.hang_up()
