"""A spoken answer as a stream for somebody who may read slowly.

Rule: no more than `ROOM_MS` of it wait; what it fails with is raised where it is read.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any

from satellite.standalone.patience import ended
from satellite.standalone.reports import Report, Spoken, Written, WrittenAll
from wyoming_voice.client import Sound

ROOM_MS = 20_000.0


class Recital:
    """Takes what an exchange reports (`take`, `room`), and gives it as text and sound."""

    def __init__(self) -> None:
        self.text = ""
        self._written = False
        self._sounds: deque[Sound] = deque()
        self._waiting_ms = 0.0
        self._moved = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    def take(self, news: Report) -> None:
        """See `reports`."""
        match news:
            case Written(text):
                self.text += text
            case WrittenAll():
                self._written = True
            case Spoken(sound):
                self._sounds.append(sound)
                self._waiting_ms += sound.ms
        self._moved.set()

    async def room(self) -> None:
        """Wait until more may come."""
        while self._waiting_ms >= ROOM_MS:
            await self._move()

    @contextlib.asynccontextmanager
    async def of(self, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Within it `work` makes what is recited."""
        self._work = asyncio.create_task(work)
        self._work.add_done_callback(lambda _: self._moved.set())
        try:
            yield
        finally:
            await ended(self._work)

    async def written(self) -> str:
        """The whole text; raises what the work raised before there was sound."""
        while not self._written and not self._over:
            await self._move()
        if self._over and not self._sounds:
            self._check()
        return self.text

    async def sounds(self) -> AsyncGenerator[Sound, None]:
        """The speech as it comes; raises what the work raised, after all of it."""
        while True:
            while self._sounds:
                sound = self._sounds.popleft()
                self._waiting_ms -= sound.ms
                self._moved.set()
                yield sound
            if self._over:
                break
            await self._move()
        self._check()

    @property
    def _over(self) -> bool:
        return self._work is not None and self._work.done()

    def _check(self) -> None:
        if self._work is not None:
            self._work.result()

    async def _move(self) -> None:
        """Wait until something has changed, for whoever waits."""
        self._moved.clear()
        await self._moved.wait()
