"""The thread that turns what a microphone delivers into frames, and the queue before it.

Sound comes from any thread; frames arrive on the event loop. Rule: whoever delivers never waits. When the
thread or the loop doesn't keep up, blocks are dropped and counted, before the thread the oldest ones.
"""

import asyncio
import contextlib
import functools
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from satellite.hearing.level import is_clipped, level_dbfs
from satellite.parts import HeardFrame
from wyoming_voice.audio import to_mono
from wyoming_voice.core.pcm import SPEECH

QUEUE_BLOCKS = 100
"""Two seconds of 20 ms blocks: longer than a card's slowest write, shorter than anybody waits."""
UNTAKEN_BLOCKS = 500
"""How many may wait for an event loop that does not turn: ten seconds."""


class Listens(Protocol):
    """What becomes of the sound, in the microphone's thread: `chain.Hearing`."""

    muted: bool

    def push(self, pcm: bytes) -> list[HeardFrame]:
        """Take a block of 16 kHz, 16-bit mono PCM; the frames that it completes."""


class Take:
    """One opening of the device: what an older one still delivers or complains of is not heard."""

    def __init__(self, listener: "Listener") -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.deliver = functools.partial(listener.put, self)

    def lose(self, reason: str) -> None:
        """The device is gone; may be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._set_lost, reason)

    def _set_lost(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)


Arrived = Callable[[Take, float, list[HeardFrame]], None]


class Listener:
    """The thread that listens, and the queue before it."""

    def __init__(self, hearing: Listens, arrived: Arrived, loop: asyncio.AbstractEventLoop) -> None:
        self.dropped_blocks = 0
        self.clipped_blocks = 0  # counted by the thread
        self.ended: asyncio.Future[None] = loop.create_future()
        self._hearing = hearing
        self._arrived = arrived
        self._loop = loop
        self._blocks: deque[tuple[Take, bytes]] = deque()
        self._some = threading.Condition()
        self._stopping = False
        self._sent = 0  # counted by the thread, `_received` by the loop
        self._received = 0
        threading.Thread(target=self._listen, name="microphone", daemon=True).start()

    def put(self, take: Take, pcm: bytes) -> None:
        """Have a block listened to; called in any thread."""
        with self._some:
            if len(self._blocks) >= QUEUE_BLOCKS:
                self._blocks.popleft()
                self.dropped_blocks += 1
            self._blocks.append((take, pcm))
            self._some.notify()

    def forget(self) -> None:
        """Let go of what was not listened to yet."""
        with self._some:
            self._blocks.clear()

    def stop(self) -> None:
        """End the thread, after the block that it is at."""
        with self._some:
            self._stopping = True
            self._some.notify()

    def _listen(self) -> None:
        try:
            while (taken := self._next()) is not None:
                take, pcm = taken
                samples = to_mono(pcm, SPEECH)
                self.clipped_blocks += is_clipped(samples)
                self._hand_over(take, level_dbfs(samples), self._hearing.push(pcm))
        finally:
            self._on_loop(self._end)

    def _next(self) -> tuple[Take, bytes] | None:
        with self._some:
            self._some.wait_for(lambda: self._blocks or self._stopping)
            return None if self._stopping else self._blocks.popleft()

    def _hand_over(self, take: Take, level: float, frames: list[HeardFrame]) -> None:
        if self._sent - self._received >= UNTAKEN_BLOCKS:
            self.dropped_blocks += 1
            return
        self._sent += 1
        self._on_loop(functools.partial(self._receive, take, level, frames))

    def _receive(self, take: Take, level: float, frames: list[HeardFrame]) -> None:
        self._received += 1
        self._arrived(take, level, frames)

    def _on_loop(self, callback: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(callback)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
