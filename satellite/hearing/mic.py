"""The microphone: opens it, listens to it in a thread of its own, and opens it again whenever it goes deaf.

Sound comes from any thread into a short queue; when nobody keeps up, the oldest is dropped and counted. One
thread turns it into frames, which arrive on the event loop. Rule: nothing that a device does can hold
the loop, and nothing is left unsaid: each loss and each recovery is told once.
"""

import asyncio
import contextlib
import functools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from satellite.events import MicrophoneLost, MicrophoneReady
from satellite.hearing.deafness import Deafness, DeafnessSettings, Finding
from satellite.parts import DeviceError, HeardFrame, Post, PostFrame, Source, Status

_log = logging.getLogger(__name__)

QUEUE_BLOCKS = 100
"""Two seconds of 20 ms blocks: longer than a card's slowest write, shorter than anybody waits."""
UNTAKEN_BLOCKS = 500
"""How many may wait for an event loop that does not turn: ten seconds."""
FRESH_S = 1.0
QUIETEST_DBFS = -120.0


class Listens(Protocol):
    """What becomes of the sound, in the microphone's thread: `hearing.Hearing`."""

    muted: bool

    def push(self, pcm: bytes) -> list[HeardFrame]:
        """Take a block of 16 kHz, 16-bit mono PCM; the frames that it completes."""


@dataclass(frozen=True)
class MicrophoneSettings:
    """How long a device may take, and how soon it is tried again."""

    open_s: float = 8.0
    close_s: float = 1.5
    look_s: float = 0.25
    first_retry_s: float = 0.2
    last_retry_s: float = 5.0
    deafness: DeafnessSettings = field(default_factory=DeafnessSettings)


class Microphone:
    """Posts MicrophoneReady and MicrophoneLost, and every frame; `tell` is given oddities as sentences."""

    def __init__(
        self,
        source: Source,
        hearing: Listens,
        post: Post,
        post_frame: PostFrame,
        tell: Callable[[str], None] = lambda sentence: None,
        settings: MicrophoneSettings | None = None,
    ) -> None:
        self._source = source
        self._hearing = hearing
        self._post = post
        self._post_frame = post_frame
        self._tell = tell
        self._settings = settings or MicrophoneSettings()
        self._deafness = Deafness(self._settings.deafness)
        self._take: _Take | None = None
        self._ready: bool | None = None  # None: nothing has been told yet
        self._reason = ""
        self._level_dbfs = QUIETEST_DBFS
        self._heard_s = -math.inf
        self._openings = 0
        self._muted = False
        self._listener: _Listener | None = None

    @property
    def muted(self) -> bool:
        """While it is set, the device is listened to but nothing becomes a frame."""
        return self._muted

    @muted.setter
    def muted(self, on: bool) -> None:
        self._muted = on
        self._hearing.muted = on

    @property
    def fresh(self) -> bool:
        """Whether sound came through within the last second, muted or not."""
        return _now_s() - self._heard_s <= FRESH_S

    @property
    def healthy(self) -> bool:
        """Whether it hears, is muted, or knows that it is deaf and is being opened."""
        return self.fresh or self._muted or not self._ready

    def status(self) -> Status:
        """Which device it is, and how it does."""
        return {
            "device": self._source.name,
            "ready": bool(self._ready),
            "reason": self._reason,
            "fresh": self.fresh,
            "muted": self._muted,
            "silent": self._deafness.silent,
            "level_dbfs": round(self._level_dbfs, 1),
            "dropped_blocks": self._listener.dropped_blocks if self._listener else 0,
            "overflows": self._source.overflows,
            "openings": self._openings,
        }

    async def run(self) -> None:
        """Live until cancelled; raises RuntimeError if the thread ends on a bug, which it has printed."""
        loop = asyncio.get_running_loop()
        self._listener = listener = _Listener(self._hearing, self._arrived, loop)
        keeping = asyncio.create_task(self._keep_open(listener))
        try:
            await asyncio.wait({keeping, listener.ended}, return_when=asyncio.FIRST_COMPLETED)
            if not keeping.done():
                raise RuntimeError("the microphone's thread has ended; its error stands above")
            await keeping
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            listener.stop()
            # A thread that still holds soxr while the interpreter ends makes it complain of leaks.
            await asyncio.wait({listener.ended}, timeout=self._settings.close_s)

    async def _keep_open(self, listener: "_Listener") -> None:
        retry_s = self._settings.first_retry_s
        while True:
            opened_s = _now_s()
            try:
                reason = await self._live(_Take(listener))
                self._take = None
                if reason:
                    self._lose(reason)
            finally:
                await self._close()
            if not reason:
                continue
            if _now_s() - opened_s > self._settings.last_retry_s:
                retry_s = self._settings.first_retry_s
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, self._settings.last_retry_s)

    async def _live(self, take: "_Take") -> str:
        """Open it, and watch it until it is lost, with the reason; `""` when it only needs opening anew."""
        self._openings += 1
        self._take = take
        if refusal := await self._open(take):
            return refusal
        self._deafness.opened(_now_s())
        return await self._watch(take)

    async def _open(self, take: "_Take") -> str:
        opening = asyncio.create_task(self._source.open(take.deliver, take.lose))
        try:
            done, _ = await asyncio.wait({opening}, timeout=self._settings.open_s)
        finally:
            opening.cancel()  # left behind, whether it obeys or not
        if not done:
            return f"{self._source.name} has not opened within {self._settings.open_s:g} s"
        try:
            opening.result()
        except DeviceError as error:
            return str(error)
        return ""

    async def _close(self) -> None:
        closing = asyncio.create_task(self._source.close())
        try:
            await asyncio.wait({closing}, timeout=self._settings.close_s)
        finally:
            closing.cancel()

    async def _watch(self, take: "_Take") -> str:
        while not take.lost.done():
            for finding in self._deafness.look(_now_s(), self._source.name):
                match finding:
                    case Finding.STALE:
                        return f"no sound comes from {self._source.name}"
                    case Finding.SILENT:
                        self._say(
                            f"{self._source.name} gives only silence; is it muted, or unplugged?"
                        )
                        return ""  # opening it anew may find a better source
                    case Finding.STILL_SILENT:
                        return ""
                    case Finding.MOVED:
                        self._say(f"the microphone is another one: {self._source.name}")
            await asyncio.wait({take.lost}, timeout=self._settings.look_s)
        return take.lost.result()

    def _arrived(self, take: "_Take", level_dbfs: float, frames: list[HeardFrame]) -> None:
        """A block has been listened to; called on the event loop."""
        if take is not self._take:
            return
        self._heard_s = _now_s()
        self._level_dbfs = level_dbfs
        if self._deafness.heard(self._heard_s, level_dbfs):
            self._say(f"{self._source.name} gives sound again")
        if not self._ready:
            self._ready, self._reason = True, ""
            _log.info("microphone: %s", self._source.name)
            self._post(MicrophoneReady())
        if not self._muted:
            for frame in frames:
                self._post_frame(frame)

    def _lose(self, reason: str) -> None:
        if reason != self._reason:
            _log.warning("no microphone: %s", reason)
        self._reason = reason
        if self._ready is not False:
            self._ready = False
            self._post(MicrophoneLost(reason))

    def _say(self, sentence: str) -> None:
        _log.warning("microphone: %s", sentence)
        self._tell(sentence)


class _Take:
    """One opening of the device: what an older one still delivers or complains of is not heard."""

    def __init__(self, listener: "_Listener") -> None:
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


Arrived = Callable[[_Take, float, list[HeardFrame]], None]


class _Listener:
    """The thread that listens, and the queue before it."""

    def __init__(self, hearing: Listens, arrived: Arrived, loop: asyncio.AbstractEventLoop) -> None:
        self.dropped_blocks = 0
        self.ended: asyncio.Future[None] = loop.create_future()
        self._hearing = hearing
        self._arrived = arrived
        self._loop = loop
        self._blocks: deque[tuple[_Take, bytes]] = deque()
        self._some = threading.Condition()
        self._stopping = False
        self._sent = 0  # counted by the thread, `_received` by the loop
        self._received = 0
        threading.Thread(target=self._listen, name="microphone", daemon=True).start()

    def put(self, take: _Take, pcm: bytes) -> None:
        """Have a block listened to; called in any thread."""
        with self._some:
            if len(self._blocks) >= QUEUE_BLOCKS:
                self._blocks.popleft()
                self.dropped_blocks += 1
            self._blocks.append((take, pcm))
            self._some.notify()

    def stop(self) -> None:
        """End the thread, after the block that it is at."""
        with self._some:
            self._stopping = True
            self._some.notify()

    def _listen(self) -> None:
        try:
            while (taken := self._next()) is not None:
                take, pcm = taken
                self._hand_over(take, level_dbfs(pcm), self._hearing.push(pcm))
        finally:
            self._on_loop(self._end)

    def _next(self) -> tuple[_Take, bytes] | None:
        with self._some:
            self._some.wait_for(lambda: self._blocks or self._stopping)
            return None if self._stopping else self._blocks.popleft()

    def _hand_over(self, take: _Take, level: float, frames: list[HeardFrame]) -> None:
        if self._sent - self._received >= UNTAKEN_BLOCKS:
            self.dropped_blocks += 1
            return
        self._sent += 1
        self._on_loop(functools.partial(self._receive, take, level, frames))

    def _receive(self, take: _Take, level: float, frames: list[HeardFrame]) -> None:
        self._received += 1
        self._arrived(take, level, frames)

    def _on_loop(self, callback: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(callback)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def level_dbfs(pcm: bytes) -> float:
    """The level of 16-bit PCM; digital silence is -120 dB."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32)
    power = float(np.dot(samples, samples)) / max(1, len(samples)) / 32768.0**2
    return 10.0 * math.log10(power) if power > 0 else QUIETEST_DBFS


def _now_s() -> float:
    return time.monotonic()
