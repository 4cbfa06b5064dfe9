"""Does what `tool_specs` lists: timers of our own, and the volume, as the control socket does them.

Rule: a call is done as a whole or not at all, and at once. What comes of it is short JSON, with Home
Assistant's names where it has some (`TimerStatusIntentHandler`), so that its templates can put it into
words; what was not done says why, and what could be.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from satellite.around import timer_words
from satellite.around.timer_book import Timer
from satellite.around.timers import TimerError, Timers
from satellite.around.tool_specs import (
    SPECS,
    BadArgument,
    check_names,
    is_given,
    number_in,
    seconds_in,
    text_in,
)
from satellite.parts import Mouth
from wyoming_voice.errands import Done
from wyoming_voice.errors import VoiceError

STEP_PERCENT = 10
"""One `up` or `down`; that of Home Assistant's media players."""

MOST_TOLD = 10
"""How many timers one result lists, those that ring first at its head."""

_UNITS = ("hours", "minutes", "seconds")

Arguments = Mapping[str, object]
Left = tuple[Timer, int]
"""A timer, and the seconds that are left of it."""


class OwnTools:
    """The `Tools` of a satellite: its timers and its mouth's volume."""

    def __init__(self, timers: Timers, mouth: Mouth) -> None:
        self.specs = SPECS
        self._timers = timers
        self._mouth = mouth
        self._acts: dict[str, Callable[[Arguments], object]] = {
            "HassStartTimer": self._start,
            "HassCancelTimer": self._cancel,
            "HassCancelAllTimers": self._cancel_all,
            "HassTimerStatus": self._status,
            "HassIncreaseTimer": lambda arguments: self._lengthen(arguments, 1),
            "HassDecreaseTimer": lambda arguments: self._lengthen(arguments, -1),
            "HassPauseTimer": self._pause,
            "HassUnpauseTimer": self._resume,
            "HassSetVolume": self._set_volume,
            "HassSetVolumeRelative": self._change_volume,
        }

    def do(self, name: str, arguments: Arguments) -> Done:
        """See `Tools`."""
        act = self._acts.get(name)
        if act is None:
            known = ", ".join(self._acts)
            return Done(f"there is no tool {name[:64]!r}; there are: {known}", error=True)
        try:
            check_names(next(spec for spec in SPECS if spec["name"] == name), arguments)
            return Done(json.dumps(act(arguments), ensure_ascii=False))
        except VoiceError as error:
            return Done(str(error), error=True)

    def _start(self, arguments: Arguments) -> object:
        seconds = seconds_in(arguments)
        if not seconds:
            raise BadArgument("how long? give hours, minutes or seconds")
        timer_id = self._timers.add(seconds, text_in(arguments, "name"))
        return self._told(timer_id)

    def _cancel(self, arguments: Arguments) -> object:
        """The timer that is meant; all that ring, where nothing is said and some do."""
        timers = self._timers.left()
        ringing = [left for left in timers if left[0].ringing]
        unsaid = not any(is_given(value) for value in arguments.values())
        meant = ringing if ringing and unsaid else [_one(timers, arguments)]
        for timer, _ in meant:
            self._timers.cancel(timer.id)
        rows = [{"id": timer.id, "name": timer.name, "state": "cancelled"} for timer, _ in meant]
        return rows[0] if len(rows) == 1 else {"timers": rows}

    def _cancel_all(self, arguments: Arguments) -> object:
        timers = self._timers.left()
        for timer, _ in timers:
            self._timers.cancel(timer.id)
        return {"canceled": len(timers)}

    def _status(self, arguments: Arguments) -> object:
        chosen: Sequence[Left] = self._timers.left()
        if any(is_given(value) for value in arguments.values()):
            chosen = _fitting(chosen, arguments)
        soonest = sorted(chosen, key=lambda left: left[1])
        told = {"timers": [_row(*left) for left in soonest[:MOST_TOLD]]}
        more = len(chosen) - MOST_TOLD
        return {**told, "more": more} if more > 0 else told

    def _lengthen(self, arguments: Arguments, sign: int) -> object:
        seconds = seconds_in(arguments)
        if not seconds:
            raise BadArgument("by how much? give hours, minutes or seconds")
        timer = self._ours(arguments, "running", "paused")
        self._timers.lengthen(timer.id, sign * seconds)
        return self._told(timer.id)

    def _pause(self, arguments: Arguments) -> object:
        timer = self._ours(arguments, "running")
        self._timers.pause(timer.id)
        return self._told(timer.id)

    def _resume(self, arguments: Arguments) -> object:
        timer = self._ours(arguments, "paused")
        self._timers.resume(timer.id)
        return self._told(timer.id)

    def _set_volume(self, arguments: Arguments) -> object:
        percent = number_in(arguments, "volume_level")
        if not 0 <= percent <= 100:
            raise BadArgument(f"'volume_level' is {percent:g}; from 0 to 100")
        return self._louder_or_softer(percent)

    def _change_volume(self, arguments: Arguments) -> object:
        match arguments.get("volume_step"):
            case "up":
                step = float(STEP_PERCENT)
            case "down":
                step = float(-STEP_PERCENT)
            case _:
                step = number_in(arguments, "volume_step")
        if not -100 <= step <= 100:
            raise BadArgument(f"'volume_step' is {step:g}; up, down, or from -100 to 100")
        return self._louder_or_softer(self._mouth.volume * 100 + step)

    def _louder_or_softer(self, percent: float) -> object:
        self._mouth.volume = round(min(100.0, max(0.0, percent))) / 100
        return {"volume": round(self._mouth.volume * 100)}

    def _told(self, timer_id: str) -> object:
        return next(_row(*left) for left in self._timers.left() if left[0].id == timer_id)

    def _ours(self, arguments: Arguments, *states: str) -> Timer:
        """The timer of our own that is meant, among those in a state."""
        timers = self._timers.left()
        among = [left for left in timers if timer_words.state_of(left[0]) in states]
        if timers and not among:
            raise TimerError(f"no timer is {' or '.join(states)}; there are: {_listed(timers)}")
        timer, _ = _one(among, arguments)
        if not timer.own:
            raise TimerError("that is a timer of Home Assistant's; it can be changed there only")
        return timer


def _one(timers: Sequence[Left], arguments: Arguments) -> Left:
    """The only timer that fits; raises TimerError."""
    fitting = _fitting(timers, arguments)
    if len(fitting) > 1:
        raise TimerError(
            f"{len(fitting)} timers fit: {_listed(fitting)}; say which, by name, by start_minutes, "
            "or by the id that HassTimerStatus tells, in place of the name"
        )
    return fitting[0]


def _fitting(timers: Sequence[Left], arguments: Arguments) -> Sequence[Left]:
    """Those with the name (or the id) and the length that are given; TimerError where there is none."""
    if not timers:
        raise TimerError("there is no timer")
    name, start_s = text_in(arguments, "name"), seconds_in(arguments, "start_")
    fitting, wanted = timers, ""
    if name:
        known = name.casefold()
        fitting = [left for left in fitting if known in (left[0].name.casefold(), left[0].id)]
        wanted = f" named {name[:80]!r}"
    if start_s:
        fitting = [left for left in fitting if left[0].total_ms == round(start_s * 1000)]
        wanted += f" of {timer_words.length(round(start_s))}"
    if not fitting:
        raise TimerError(f"there is no timer{wanted}; there are: {_listed(timers)}")
    return fitting


def _listed(timers: Sequence[Left]) -> str:
    names = [timer_words.called(timer, left_s) for timer, left_s in timers[:MOST_TOLD]]
    return ", ".join([*names, *(["…"] if len(timers) > MOST_TOLD else [])])


def _row(timer: Timer, left_s: int) -> dict[str, object]:
    """A timer as Home Assistant's `HassTimerStatus` tells one, and its state."""
    total_s = timer.total_ms // 1000
    row: dict[str, object] = {
        "id": timer.id,
        "name": timer.name,
        "state": timer_words.state_of(timer),
        "is_active": timer.running,
    }
    for unit, amount in zip(_UNITS, timer_words.split(total_s), strict=True):
        row[f"start_{unit}"] = amount
    for unit, amount in zip(_UNITS, timer_words.split(left_s), strict=True):
        row[f"{unit}_left"] = amount
    for unit, amount in zip(_UNITS, timer_words.rounded(left_s), strict=True):
        row[f"rounded_{unit}_left"] = amount
    return {**row, "total_seconds_left": left_s}
