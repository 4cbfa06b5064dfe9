"""What goes to a page: text and sound in one order, and what becomes of a page that doesn't read.

Rule: whoever sends never waits. What only shows how loud it is may be left out; a page so far behind that
words would have to be is let go.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from wyoming_voice.errors import TooSlow

_MOST_WAITING = 2_000
"""Three minutes of sound: who reads so slowly hears nothing of use."""

_CROWDED = 100
"""From so many on, what can be spared is."""


class Wire(Protocol):
    """The sending half of a WebSocket."""

    async def send_text(self, data: str) -> None:
        """Send a text frame."""

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""


class Outbox:
    """A queue before a WebSocket; `run` empties it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._waiting: deque[str | tuple[int, bytes]] = deque()
        self._some = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many messages and pieces of sound have not been sent."""
        return len(self._waiting)

    def tell(self, kind: str, **fields: object) -> None:
        """Send a message of a type."""
        self._put(json.dumps({"type": kind, **fields}))

    def spare(self, kind: str, fields: Mapping[str, object]) -> None:
        """Send a message that nobody misses."""
        if self.waiting < _CROWDED:
            self.tell(kind, **fields)

    def sound(self, playback: int, pcm: bytes) -> None:
        """Send a piece of a playback."""
        self._put((playback, pcm))

    def withdraw(self, playback: int) -> None:
        """Keep what has not been sent of a playback."""
        kept = [one for one in self._waiting if isinstance(one, str) or one[0] != playback]
        self._waiting = deque(kept)

    async def run(self) -> None:
        """Send until cancelled; raises TooSlow for a page that doesn't read."""
        while True:
            self._some.clear()
            while self._waiting:
                if self.waiting > _MOST_WAITING:
                    raise TooSlow("the page doesn't read what it is sent; talk again")
                one = self._waiting.popleft()
                if isinstance(one, str):
                    await self._wire.send_text(one)
                else:
                    await self._wire.send_bytes(one[1])
            await self._some.wait()

    def _put(self, one: str | tuple[int, bytes]) -> None:
        if self.waiting <= _MOST_WAITING:
            self._waiting.append(one)
        self._some.set()
