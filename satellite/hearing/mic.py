"""The microphone: opens it, has it listened to, and opens it again whenever it goes deaf.

What it delivers is listened to in `listener`, and arrives here as frames. Rule: nothing that a device does
can hold the loop, and nothing is left unsaid: each loss and each recovery is told once.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from satellite.effects import SOUND_AGAIN
from satellite.events import MicrophoneLost, MicrophoneReady
from satellite.hearing.deafness import Deafness, DeafnessSettings, Finding
from satellite.hearing.level import QUIETEST_DB
from satellite.hearing.listener import Listener, Listens, Take
from satellite.parts import DeviceError, DeviceHangs, HeardFrame, Post, PostFrame, Source, Status

_log = logging.getLogger(__name__)

FRESH_S = 1.0


@dataclass(frozen=True)
class MicrophoneSettings:
    """How long a device may take, and how soon it is tried again."""

    open_s: float = 8.0
    close_s: float = 1.5
    look_s: float = 0.25
    first_retry_s: float = 0.2
    last_retry_s: float = 5.0
    deafness: DeafnessSettings = field(default_factory=DeafnessSettings)
    hanging_s: float = 60.0


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
        self._take: Take | None = None
        self._ready: bool | None = None  # None: nothing has been told yet
        self._reason = ""
        self._level_dbfs = QUIETEST_DB
        self._heard_s = -math.inf
        self._hanging_since_s = math.inf
        self._openings = 0
        self._muted = False
        self._listener: Listener | None = None

    @property
    def muted(self) -> bool:
        """While it is set, the device is listened to but nothing becomes a frame."""
        return self._muted

    @muted.setter
    def muted(self, on: bool) -> None:
        if self._muted and not on and self._listener is not None:
            self._listener.forget()  # what came while it was set must not be heard after
        self._muted = on
        self._hearing.muted = on

    @property
    def fresh(self) -> bool:
        """Whether sound came through within the last second, muted or not."""
        return _now_s() - self._heard_s <= FRESH_S

    @property
    def healthy(self) -> bool:
        """Whether it hears, is muted, or knows that it is deaf and is being opened.

        It is not when openings have hung for a minute: what they hold is let go of by a new process alone.
        """
        if self._muted:  # nobody needs it, and a new process would not know that it is muted
            return True
        if _now_s() - self._hanging_since_s > self._settings.hanging_s:
            return False
        return self.fresh or not self._ready

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
            "heard_ago_s": round(_now_s() - self._heard_s, 1) if self._heard_s > 0 else None,
            "dropped_blocks": self._listener.dropped_blocks if self._listener else 0,
            "clipped_blocks": self._listener.clipped_blocks if self._listener else 0,
            "overflows": self._source.overflows,
            "openings": self._openings,
        }

    async def run(self) -> None:
        """Live until cancelled; raises RuntimeError if the thread ends on a bug, which it has printed."""
        loop = asyncio.get_running_loop()
        self._listener = listener = Listener(self._hearing, self._arrived, loop)
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

    async def _keep_open(self, listener: Listener) -> None:
        retry_s = self._settings.first_retry_s
        while True:
            opened_s = _now_s()
            try:
                reason = await self._live(Take(listener))
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

    async def _live(self, take: Take) -> str:
        """Open it, and watch it until it is lost, with the reason; `""` when it only needs opening anew."""
        self._openings += 1
        self._take = take
        if refusal := await self._open(take):
            return refusal
        self._deafness.opened(_now_s())
        return await self._watch(take)

    async def _open(self, take: Take) -> str:
        opening = asyncio.create_task(self._source.open(take.deliver, take.lose))
        try:
            done, _ = await asyncio.wait({opening}, timeout=self._settings.open_s)
        finally:
            opening.cancel()  # left behind, whether it obeys or not
        if not done:
            self._note_hanging()
            return f"{self._source.name} has not opened within {self._settings.open_s:g} s"
        try:
            opening.result()
        except DeviceHangs as error:
            self._note_hanging()
            return str(error)
        except DeviceError as error:
            self._hanging_since_s = math.inf
            return str(error)
        return ""

    def _note_hanging(self) -> None:
        self._hanging_since_s = min(self._hanging_since_s, _now_s())

    async def _close(self) -> None:
        closing = asyncio.create_task(self._source.close())
        try:
            await asyncio.wait({closing}, timeout=self._settings.close_s)
        finally:
            closing.cancel()

    async def _watch(self, take: Take) -> str:
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

    def _arrived(self, take: Take, level_dbfs: float, frames: list[HeardFrame]) -> None:
        """A block has been listened to; called on the event loop."""
        if take is not self._take:
            return
        self._heard_s, self._hanging_since_s = _now_s(), math.inf
        self._level_dbfs = level_dbfs
        if self._deafness.heard(self._heard_s, level_dbfs):
            self._say(f"{self._source.name} {SOUND_AGAIN}")
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


def _now_s() -> float:
    return time.monotonic()
