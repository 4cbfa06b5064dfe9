"""Has wake words heard by a Wyoming wake server, `--wake-uri`, and goes back to it whenever it was away.

Rule: the satellite never waits for it. What it hasn't been sent after two seconds is too old to wake
anybody: the oldest is dropped and counted. While muted nothing is sent, not even what was waiting.
Times are places on the line of all frames fed, which is that of `Ears` if both are given every frame.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.audio import AudioChunk, AudioStart
from wyoming.error import Error
from wyoming.event import Event
from wyoming.wake import Detect, Detection

from satellite.events import WakeWord, Woken
from satellite.hearing.wake import noticed_after_ms
from satellite.parts import HeardFrame, Post, Status
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import PeerError, TooSlow, why
from wyoming_voice.wire import Connection, PeerGone, WireLimits, connect

_log = logging.getLogger(__name__)

WAITING_FRAMES = 62
"""Two seconds."""

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0

_FORMAT = {"rate": SPEECH.rate_hz, "width": SPEECH.width_bytes, "channels": SPEECH.channels}
_LIMITS = WireLimits(data_bytes=65_536, payload_bytes=65_536, write_timeout_s=5.0)


@dataclass(frozen=True)
class _Piece:
    pcm: bytes
    end_ms: int

    def event(self) -> Event:
        return AudioChunk(**_FORMAT, audio=self.pcm, timestamp=self.end_ms).event()


class RemoteWake:
    """One connection to a wake server; `feed` takes every frame, and Woken is posted for what it detects."""

    def __init__(
        self,
        uri: str,
        words: Sequence[WakeWord],
        post: Post,
        refractory_s: float = 2.0,
        *,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        self._uri = uri
        self._words = {word.name: word for word in words}
        self._post = post
        self._refractory_ms = round(refractory_s * 1000)
        self._first_pause_s = first_pause_s
        self._waiting: deque[_Piece] = deque()
        self._news = asyncio.Event()
        self._muted = False
        self._connected = False
        self._heard_ms: dict[str, int] = {}
        self._now_ms = self._sent_from_ms = 0
        self._detections = self._dropped_frames = 0

    @property
    def muted(self) -> bool:
        """While it is set, nothing is sent."""
        return self._muted

    @muted.setter
    def muted(self, on: bool) -> None:
        self._muted = on
        if on:
            self._waiting.clear()

    def feed(self, frame: HeardFrame) -> None:
        """Have a frame listened to; it is dropped while there is no server, and while muted."""
        self._now_ms += round(SPEECH.ms(len(frame.pcm)))
        if self._muted or not self._connected:
            return
        if len(self._waiting) >= WAITING_FRAMES:
            self._waiting.popleft()
            self._dropped_frames += 1
        self._waiting.append(_Piece(frame.pcm, self._now_ms))
        self._news.set()

    def status(self) -> Status:
        """Whether it is there, what it has detected, and how many frames it was too slow for."""
        return {
            "uri": self._uri,
            "connected": self._connected,
            "detections": self._detections,
            "dropped_frames": self._dropped_frames,
        }

    async def run(self) -> None:
        """Keep a connection until cancelled; the pauses between attempts grow while there is none."""
        pause_s = self._first_pause_s
        while True:
            reason, was_connected = await self._connection(), self._connected
            self._connected = False
            self._waiting.clear()
            if was_connected or pause_s == self._first_pause_s:
                _log.warning(
                    "no wake word can be heard: no wake server at %s (%s); trying on; "
                    "leave --wake-uri out to hear them here",
                    self._uri,
                    reason,
                )
            if was_connected:
                pause_s = self._first_pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    async def _connection(self) -> str:
        """Connect, send and listen until that ends; why it did."""
        try:
            async with connect(self._uri, limits=_LIMITS) as connection:
                await connection.write(Detect(names=list(self._words)).event())
                await connection.write(AudioStart(**_FORMAT, timestamp=self._now_ms).event())
                _log.info("wake words are heard by the server at %s", self._uri)
                self._connected = True
                self._sent_from_ms = self._now_ms
                return await self._talk(connection)
        except OSError as error:
            return why(error)
        except TooSlow as error:
            return str(error)

    async def _talk(self, connection: Connection) -> str:
        sending = asyncio.create_task(self._send(connection))
        listening = asyncio.create_task(self._listen(connection))
        try:
            done, _ = await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in (sending, listening):
                task.cancel()
            await asyncio.wait((sending, listening))

    async def _send(self, connection: Connection) -> str:
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    await connection.write(self._waiting.popleft().event())
        except (PeerGone, TooSlow) as error:
            return str(error) or type(error).__name__

    async def _listen(self, connection: Connection) -> str:
        try:
            async for event in connection:
                if Detection.is_type(event.type):
                    self._detected(event)
                elif Error.is_type(event.type):
                    return f"it says {str(event.data.get('text'))[:200]!r}"
        except PeerError as error:
            return str(error)
        return "it hung up"

    def _detected(self, event: Event) -> None:
        name = event.data.get("name")
        word = self._words.get(name) if isinstance(name, str) else None
        if word is None:
            known = ", ".join(self._words)
            _log.warning("the wake server detected %.80r; listened for: %s", name, known)
            return
        heard_before_ms = self._heard_ms.get(word.name, -self._refractory_ms)
        if self._muted or self._now_ms - heard_before_ms < self._refractory_ms:
            return
        self._heard_ms[word.name] = self._now_ms
        self._detections += 1
        noticed_ms = self._noticed_ms(event.data.get("timestamp"))
        # The models are mostly those that run in this process, too.
        self._post(Woken(word, max(0, noticed_ms - noticed_after_ms(word.name))))

    def _noticed_ms(self, timestamp: object) -> int:
        """Where on the line it was noticed: as the server says if that can be, else just now.

        wyoming-openwakeword counts on from our times, and takes its own clock's where ours is 0.
        """
        if isinstance(timestamp, int) and self._sent_from_ms <= timestamp <= self._now_ms:
            return timestamp
        return self._now_ms
