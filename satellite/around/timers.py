"""Timers that ring: those of Home Assistant, mirrored, so that they ring when it has gone; and our own.

Rule: the book decides, this keeps the clock, the file and those who listen up to date. A timer runs by a
clock that nobody sets, and which goes on while the machine sleeps; the wall clock serves the file alone.
"""

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from wyoming.event import Event as WyomingEvent

from satellite.around.timer_book import Change, Timer, TimerBook
from satellite.around.timer_file import Saved, load, same, save
from satellite.around.timer_words import row, wyoming_event
from satellite.effects import Moment, Tell
from satellite.events import TimerDismissed, TimerFinished
from satellite.parts import Listener, Post, Status
from wyoming_voice.errors import VoiceError

_log = logging.getLogger(__name__)

LONGEST_S = 7 * 24 * 3600
"""The longest timer of our own."""

_MIRRORED_S = 366 * 24 * 3600
"""The longest of Home Assistant's that is believed."""

LATE_S = 600
"""How late a timer still rings that ran out while the satellite was off."""

_SLEEP_S = 30.0
"""The longest sleep while a timer runs: the event loop's clock stands still while the machine sleeps."""


def _running_ms() -> int:
    # CLOCK_MONOTONIC would stand still during suspend; CLOCK_BOOTTIME is Linux's own.
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000_000


@dataclass(frozen=True)
class Clock:
    """What time it is: by a clock that runs on evenly, and by the one on the wall."""

    running_ms: Callable[[], int] = _running_ms
    wall_s: Callable[[], float] = time.time


class TimerError(VoiceError):
    """A timer that can't be had."""

    code = "bad-timer"


def _nobody(_: WyomingEvent) -> None:
    """Where there is no event service."""


class Timers:
    """All timers; posts TimerFinished when one rings and TimerDismissed when a ringing one is cancelled.

    `relay` is given Wyoming's timer events, of our own timers, too. The text of the moments that are told
    is a timer's name, or its id when it has none.
    """

    def __init__(
        self,
        path: Path,
        post: Post,
        tell: Listener,
        *,
        relay: Callable[[WyomingEvent], None] = _nobody,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._post = post
        self._tell = tell
        self._relay = relay
        self._clock = clock or Clock()
        self._book = TimerBook()
        self._changed = asyncio.Event()
        self._restored = False
        self._on_disk: list[Saved] = []

    def handle(self, event: WyomingEvent) -> None:
        """Follow Home Assistant's `timer-…` events; what is none, or makes no sense, changes nothing."""
        now_ms = self._clock.running_ms()
        timer_id = event.data.get("id")
        seconds = _seconds(event.data.get("total_seconds"))
        if not isinstance(timer_id, str) or not timer_id:
            return
        match event.type:
            case "timer-started" if seconds is not None:
                total_ms = round(seconds * 1000)
                timer = Timer(timer_id, _name(event.data.get("name")), total_ms)
                self._carry_out(self._book.start(timer.running_until(now_ms + total_ms)))
            case "timer-updated" if seconds is not None:
                active = event.data.get("is_active") is not False
                self._carry_out(self._book.update(timer_id, round(seconds * 1000), active, now_ms))
            case "timer-cancelled":
                self._cancel(timer_id)
            case "timer-finished":
                self._carry_out(self._book.finish(timer_id))

    def add(self, seconds: float, name: str = "") -> str:
        """Start a timer of our own; its id. Raises TimerError."""
        self.restore()
        if not 0 < seconds <= LONGEST_S:
            raise TimerError(
                f"a timer of {seconds:g} s; from 1 to {LONGEST_S} s (a week) can be had"
            )
        if self._book.full:
            raise TimerError(f"{len(self._book.timers)} timers run already; cancel one")
        total_ms = max(1, round(seconds * 1000))
        timer = Timer(secrets.token_hex(4), _name(name), total_ms, own=True)
        self._carry_out(self._book.start(timer.running_until(self._clock.running_ms() + total_ms)))
        return timer.id

    def cancel(self, wanted: str) -> bool:
        """Forget a timer by its id, or by its name where only one has it; whether there was one."""
        self.restore()
        timer = self._book.find(wanted)
        if timer is None:
            return False
        self._cancel(timer.id)
        return True

    def pause(self, timer_id: str) -> None:
        """Stop the time of a timer of our own that runs."""
        self._carry_out(self._book.pause(timer_id, self._clock.running_ms()))

    def resume(self, timer_id: str) -> None:
        """Let the time of one that is paused go on."""
        self._carry_out(self._book.resume(timer_id, self._clock.running_ms()))

    def lengthen(self, timer_id: str, seconds: float) -> None:
        """Give a timer of our own more time, or less, as long as some is left. Raises TimerError."""
        now_ms = self._clock.running_ms()
        timer = self._book.find(timer_id)
        if timer is None:
            return
        left_s = timer.remaining_ms(now_ms) / 1000
        if left_s + seconds <= 0:
            raise TimerError(f"only {left_s:.0f} s are left of it; cancel it instead")
        if left_s + seconds > LONGEST_S:
            raise TimerError(f"no timer can be longer than {LONGEST_S} s (a week)")
        self._carry_out(self._book.lengthen(timer.id, round(seconds * 1000), now_ms))

    def dismiss(self, timer_id: str = "") -> None:
        """Forget what rings, one timer or all; for those who know that already, so nothing is posted."""
        self._carry_out(self._book.dismiss(timer_id))

    def advance(self) -> None:
        """Let ring what has run out."""
        self._carry_out(self._book.advance(self._clock.running_ms()))
        self._keep()

    async def run(self) -> None:
        """Watch the clock until cancelled."""
        self.restore()
        while True:
            self._changed.clear()
            self.advance()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._sleep_s()):
                    await self._changed.wait()

    def left(self) -> list[tuple[Timer, int]]:
        """All timers, and the seconds that are left of each, rounded up; what has run out rings by then."""
        self.restore()
        self.advance()
        now_ms = self._clock.running_ms()
        return [
            (timer, math.ceil(timer.remaining_ms(now_ms) / 1000)) for timer in self._book.timers
        ]

    def status(self) -> Status:
        """How many there are, and each of them with what is left of it."""
        now_ms = self._clock.running_ms()
        timers = self._book.timers
        return {
            "running": sum(timer.running for timer in timers),
            "ringing": sum(timer.ringing for timer in timers),
            "timers": [row(timer, now_ms) for timer in timers],
        }

    def _sleep_s(self) -> float | None:
        if self._book.next_ms is None:
            return None
        return min(_SLEEP_S, max(0, self._book.next_ms - self._clock.running_ms()) / 1000)

    def _cancel(self, timer_id: str) -> None:
        changes = self._book.cancel(timer_id)
        self._carry_out(changes)
        for change in changes:
            if change.moment is Moment.TIMER_DISMISSED:
                self._post(TimerDismissed(timer_id))

    def _carry_out(self, changes: list[Change]) -> None:
        if not changes:
            return
        if any(change.timer.own for change in changes):
            self._keep()
        self._changed.set()
        for change in changes:
            timer = change.timer
            if change.moment is Moment.TIMER_FINISHED:
                self._post(TimerFinished(timer.id, timer.name))
            self._tell(Tell(change.moment, timer.name or timer.id))
            if (event := wyoming_event(change, self._clock.running_ms())) is not None:
                self._relay(event)

    def _keep(self) -> None:
        """Have on disk what is true; a ringing timer rings again after a restart."""
        offset_s = self._clock.wall_s() - self._clock.running_ms() / 1000
        timers = [_saved(timer, offset_s) for timer in self._book.timers if timer.own]
        if not same(timers, self._on_disk):
            save(self._path, timers)
            self._on_disk = timers

    def restore(self) -> None:
        """Take up what is on disk; done once, by what comes first of `run`, `add`, `cancel` and `left`."""
        if self._restored:
            return
        self._restored = True
        self._on_disk = load(self._path)
        now_ms, now_s = self._clock.running_ms(), self._clock.wall_s()
        for saved in self._on_disk:
            total_ms = round(saved.total_s * 1000)
            timer = Timer(saved.id, saved.name, total_ms, own=True)
            if saved.rings_at_s is None:
                self._book.start(replace(timer, left_ms=max(0, round(saved.left_s * 1000))))
                continue
            late_s = now_s - saved.rings_at_s
            if late_s > LATE_S:
                _log.warning("a timer ran out %.0f min ago, when nobody was there", late_s / 60)
                self._tell(Tell(Moment.TIMER_MISSED, saved.name or saved.id))
                continue
            # More than all can't be left of it: then the clock on the wall has been set back.
            left_ms = min(total_ms, round(-late_s * 1000))
            self._book.start(timer.running_until(now_ms + left_ms))


def _saved(timer: Timer, offset_s: float) -> Saved:
    """How a timer is kept; `offset_s` is the wall clock's lead over the one that timers run by."""
    total_s = timer.total_ms / 1000
    if timer.left_ms is not None:
        return Saved(timer.id, timer.name, total_s, None, timer.left_ms / 1000)
    return Saved(timer.id, timer.name, total_s, offset_s + timer.due_ms / 1000)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
        return None
    return min(max(0.0, value), _MIRRORED_S)


def _name(value: object) -> str:
    return " ".join(value.split())[:100] if isinstance(value, str) else ""
