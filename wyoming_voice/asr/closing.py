"""Replies that clean up also when nobody has asked for the first of them.

Rule: a generator that never began runs none of its code when it is closed, no `finally` either; so what
has to happen at the end of a request in any case hangs on the closing itself.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any

from wyoming.event import Event


class Closing(AsyncGenerator[Event, None]):
    """The same events; `closed` is called when the replies are closed, at whatever point."""

    def __init__(self, events: AsyncGenerator[Event, None], closed: Callable[[], None]) -> None:
        self._events = events
        self._closed = closed

    async def asend(self, value: None) -> Event:
        """The next event."""
        return await self._events.asend(value)

    async def athrow(self, *error: Any) -> Event:
        """Raise where the generator waits."""
        return await self._events.athrow(*error)

    async def aclose(self) -> None:
        """End the generator, then clean up."""
        try:
            await self._events.aclose()
        finally:
            self._closed()
