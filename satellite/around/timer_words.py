"""PURE: what others are told of a timer: a row of `status`, Wyoming's events, and how people call it."""

import math

from wyoming import timer as wyoming_timer
from wyoming.event import Event as WyomingEvent

from satellite.around.timer_book import Change, Timer
from satellite.effects import Moment
from satellite.parts import Status


def state_of(timer: Timer) -> str:
    """`ringing`, `running` or `paused`."""
    return "ringing" if timer.ringing else "running" if timer.running else "paused"


def row(timer: Timer, now_ms: int) -> Status:
    """A timer in `status`."""
    return {
        "id": timer.id,
        "name": timer.name,
        "state": state_of(timer),
        "remaining_s": math.ceil(timer.remaining_ms(now_ms) / 1000),
        "total_s": timer.total_ms / 1000,
        "own": timer.own,
    }


def split(seconds: int) -> tuple[int, int, int]:
    """Hours, minutes and seconds."""
    return seconds // 3600, seconds // 60 % 60, seconds % 60


def rounded(seconds: int) -> tuple[int, int, int]:
    """The same, as exactly as people want to know it.

    As `_round_time` of Home Assistant's `homeassistant/components/intent/timers.py`: half hours from an
    hour on, half minutes from a minute on, tens of seconds below it, and each of the last ten.
    """
    hours, minutes, rest_s = split(seconds)
    if hours:
        halves = _halves(minutes)
        return hours + halves // 2, halves % 2 * 30, 0
    if minutes:
        halves = _halves(rest_s)
        return 0, minutes + halves // 2, halves % 2 * 30
    if rest_s > 50:
        return 0, 1, 0
    return 0, 0, rest_s if rest_s < 10 else rest_s - rest_s % 10


def _halves(sixtieths: int) -> int:
    """0 below a quarter, 2 above three quarters, else 1."""
    return 0 if sixtieths < 15 else 2 if sixtieths > 45 else 1


def length(seconds: int) -> str:
    """Such as `1 h 30 min`."""
    parts = zip(split(seconds), ("h", "min", "s"), strict=True)
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount) or "0 s"


def called(timer: Timer, left_s: int) -> str:
    """Such as `pasta (10 min, 9 min 3 s left)`."""
    state = "" if timer.running else f", {state_of(timer)}"
    left = "" if timer.ringing else f", {length(left_s)} left"
    return f"{timer.name or 'without a name'} ({length(timer.total_ms // 1000)}{left}{state})"


def wyoming_event(change: Change, now_ms: int) -> WyomingEvent | None:
    """What Wyoming calls it; a dismissed timer was told to be over before."""
    timer = change.timer
    match change.moment:
        case Moment.TIMER_STARTED:
            total_s = timer.total_ms // 1000
            return wyoming_timer.TimerStarted(
                timer.id,
                total_s,
                timer.name or None,
                start_hours=total_s // 3600,
                start_minutes=total_s // 60 % 60,
                start_seconds=total_s % 60,
            ).event()
        case Moment.TIMER_UPDATED:
            left_s = timer.remaining_ms(now_ms) // 1000
            return wyoming_timer.TimerUpdated(timer.id, timer.running, left_s).event()
        case Moment.TIMER_CANCELLED:
            return wyoming_timer.TimerCancelled(timer.id).event()
        case Moment.TIMER_FINISHED:
            return wyoming_timer.TimerFinished(timer.id).event()
    return None
