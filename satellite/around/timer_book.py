"""Decides which timers there are, and when each rings. Pure: the time is handed in, in milliseconds.

Rule: a timer rings once at most. What has rung, was cancelled or was dismissed is settled for good,
whatever Home Assistant says of it later; a timer that neither it nor we know anything of but its end rings.
"""

from collections import deque
from dataclasses import dataclass, replace

from satellite.effects import Moment

GRACE_MS = 1000
"""How long Home Assistant may say that its timer has finished, before it rings by our own clock."""

_SETTLED = 256
"""How many ids of timers are remembered that are over; Home Assistant's ids never come again."""

MOST = 100
"""How many timers there may be; one more is not taken."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer runs (until `due_ms`), is paused (`left_ms` before its end), or rings."""

    id: str
    name: str
    total_ms: int
    own: bool = False
    due_ms: int = 0
    left_ms: int | None = None
    ringing: bool = False

    @property
    def running(self) -> bool:
        """Whether the time goes on for it."""
        return not self.ringing and self.left_ms is None

    @property
    def rings_ms(self) -> int:
        """When it rings, if nothing comes in between."""
        return self.due_ms if self.own else self.due_ms + GRACE_MS

    def running_until(self, due_ms: int) -> "Timer":
        """The same timer, running."""
        return replace(self, due_ms=due_ms, left_ms=None)

    def remaining_ms(self, now_ms: int) -> int:
        """What is left of it."""
        if self.ringing:
            return 0
        return self.left_ms if self.left_ms is not None else max(0, self.due_ms - now_ms)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a timer: one of the TIMER_… moments, and how it is after that."""

    moment: Moment
    timer: Timer


class TimerBook:
    """The timers of Home Assistant, mirrored, and our own."""

    def __init__(self) -> None:
        self._timers: dict[str, Timer] = {}
        self._settled: deque[str] = deque(maxlen=_SETTLED)

    @property
    def timers(self) -> tuple[Timer, ...]:
        """All timers that are not over, in the order of their start."""
        return tuple(self._timers.values())

    @property
    def next_ms(self) -> int | None:
        """When `advance` has something to do."""
        return min((timer.rings_ms for timer in self.timers if timer.running), default=None)

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self._timers) >= MOST

    def find(self, wanted: str) -> Timer | None:
        """The timer with an id, else the only one with a name (whatever its case)."""
        if wanted in self._timers:
            return self._timers[wanted]
        named = [t for t in self.timers if t.name and t.name.casefold() == wanted.casefold()]
        return named[0] if len(named) == 1 else None

    def start(self, timer: Timer) -> list[Change]:
        """A timer begins to run; one that is known or over already, or has no room, is not taken."""
        if timer.id in self._timers or timer.id in self._settled or self.full:
            return []
        self._timers[timer.id] = timer
        return [Change(Moment.TIMER_STARTED, timer)]

    def update(self, timer_id: str, left_ms: int, active: bool, now_ms: int) -> list[Change]:
        """A timer has `left_ms` left, and runs or is paused; one that isn't known is one from here on."""
        known = self._timers.get(timer_id)
        if timer_id in self._settled or (known and known.ringing) or (not known and self.full):
            return []
        timer = known or Timer(timer_id, "", left_ms)
        timer = replace(
            timer,
            due_ms=now_ms + left_ms,
            left_ms=None if active else left_ms,
            total_ms=max(timer.total_ms, left_ms),
        )
        return self._changed(timer)

    def pause(self, timer_id: str, now_ms: int) -> list[Change]:
        """The time stands still for a timer of our own that runs."""
        timer = self._timers.get(timer_id)
        if timer is None or not (timer.own and timer.running):
            return []
        return self._changed(replace(timer, left_ms=timer.remaining_ms(now_ms)))

    def resume(self, timer_id: str, now_ms: int) -> list[Change]:
        """The time goes on for one that is paused."""
        timer = self._timers.get(timer_id)
        if timer is None or not timer.own or timer.left_ms is None:
            return []
        return self._changed(timer.running_until(now_ms + timer.left_ms))

    def lengthen(self, timer_id: str, more_ms: int, now_ms: int) -> list[Change]:
        """A timer of our own that doesn't ring has `more_ms` more, or less; so has the whole of it."""
        timer = self._timers.get(timer_id)
        if timer is None or not timer.own or timer.ringing:
            return []
        left_ms = max(0, timer.remaining_ms(now_ms) + more_ms)
        longer = replace(timer, total_ms=max(left_ms, timer.total_ms + more_ms))
        if timer.left_ms is not None:
            return self._changed(replace(longer, left_ms=left_ms))
        return self._changed(longer.running_until(now_ms + left_ms))

    def cancel(self, timer_id: str) -> list[Change]:
        """A timer is not wanted any more; one that rings is dismissed by that."""
        timer = self._settle(timer_id)
        if timer is None:
            return []
        return [Change(Moment.TIMER_DISMISSED if timer.ringing else Moment.TIMER_CANCELLED, timer)]

    def finish(self, timer_id: str) -> list[Change]:
        """A timer has run out by Home Assistant's clock."""
        known = self._timers.get(timer_id)
        if timer_id in self._settled or (known and known.ringing):
            return []
        if known is None and self.full:
            return []
        return [self._ring(known or Timer(timer_id, "", 0))]

    def advance(self, now_ms: int) -> list[Change]:
        """The time goes on: what has run out rings, in the order of its end."""
        over = [timer for timer in self.timers if timer.running and timer.rings_ms <= now_ms]
        return [self._ring(timer) for timer in sorted(over, key=lambda timer: timer.due_ms)]

    def dismiss(self, timer_id: str = "") -> list[Change]:
        """Forget what rings: all of it, or one timer."""
        ringing = [t for t in self.timers if t.ringing and timer_id in ("", t.id)]
        return [change for timer in ringing for change in self.cancel(timer.id)]

    def _changed(self, timer: Timer) -> list[Change]:
        self._timers[timer.id] = timer
        return [Change(Moment.TIMER_UPDATED, timer)]

    def _ring(self, timer: Timer) -> Change:
        self._timers[timer.id] = replace(timer, ringing=True, left_ms=None)
        return Change(Moment.TIMER_FINISHED, self._timers[timer.id])

    def _settle(self, timer_id: str) -> Timer | None:
        timer = self._timers.pop(timer_id, None)
        if timer_id not in self._settled:
            self._settled.append(timer_id)
        return timer
