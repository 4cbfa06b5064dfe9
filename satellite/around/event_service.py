"""Tells a Wyoming event service (`--event-uri`) what happens, so that lights of wyoming-satellite work.

Rule: the satellite never waits for it. While it is away the latest events are kept, so that it learns what
is the case when it comes back.
"""

import asyncio
import logging
from collections import deque

from wyoming.event import Event

from satellite.around.event_names import EventNames
from satellite.effects import Tell
from satellite.parts import Status
from wyoming_voice.errors import PeerError, TooSlow, why
from wyoming_voice.wire import Connection, PeerGone, WireLimits, connect

_log = logging.getLogger(__name__)

_KEPT = 64
"""How many events may wait; one more costs the oldest."""

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0

_LIMITS = WireLimits(data_bytes=65_536, payload_bytes=65_536, write_timeout_s=10.0)


class EventService:
    """The connection to one event service; `tell` is a Listener, `forward` takes timer events."""

    def __init__(self, uri: str, *, first_pause_s: float = _FIRST_PAUSE_S) -> None:
        self._uri = uri
        self._first_pause_s = first_pause_s
        self._names = EventNames()
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()
        self._connected = False
        self._sent = self._lost = 0

    def tell(self, told: Tell) -> None:
        """Have a moment sent soon."""
        for event in self._names.push(told):
            self.forward(event)

    def forward(self, event: Event) -> None:
        """Have an event sent soon, as it is."""
        if len(self._waiting) >= _KEPT:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(event)
        self._news.set()

    def status(self) -> Status:
        """Whether it is there, and how many events it was sent and has missed."""
        return {
            "uri": self._uri,
            "connected": self._connected,
            "sent": self._sent,
            "lost": self._lost,
        }

    async def run(self) -> None:
        """Keep a connection until cancelled; the pauses between attempts grow until an event gets through."""
        pause_s = self._first_pause_s
        while True:
            sent = self._sent
            reason = await self._connection()
            self._connected = False
            if self._sent > sent:
                pause_s = self._first_pause_s
            if pause_s == self._first_pause_s:
                _log.warning("no event service at %s (%s); trying on", self._uri, reason)
            await asyncio.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    async def _connection(self) -> str:
        """Connect and send until that ends; why it did."""
        try:
            async with connect(self._uri, limits=_LIMITS) as connection:
                _log.info("connected to the event service at %s", self._uri)
                self._connected = True
                return await self._talk(connection)
        except OSError as error:
            return why(error)

    async def _talk(self, connection: Connection) -> str:
        sending = asyncio.create_task(self._send(connection))
        reading = asyncio.create_task(_hang_up(connection))
        try:
            done, _ = await asyncio.wait((sending, reading), return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in (sending, reading):
                task.cancel()
            await asyncio.wait((sending, reading))

    async def _send(self, connection: Connection) -> str:
        """Send what waits; an event that can't be sent waits for the next connection."""
        try:
            while True:
                await self._news.wait()
                while self._waiting:
                    event = self._waiting[0]
                    await connection.write(event)
                    self._sent += 1
                    if self._waiting and self._waiting[0] is event:
                        self._waiting.popleft()
                self._news.clear()
        except (PeerGone, TooSlow) as error:
            return str(error) or type(error).__name__


async def _hang_up(connection: Connection) -> str:
    """Wait until the service hangs up; what it says is of no interest."""
    try:
        async for _ in connection:
            pass
    except PeerError as error:
        return str(error)
    return "it hung up"
