"""PURE: what this satellite can do for who answers, in words for a language model: timers and the volume.

Names and arguments are those of Home Assistant's intents (`homeassistant/components/intent/timers.py`,
`homeassistant/components/media_player/intent.py`), so that its sentences and its answers fit. Rule: what
is not listed is refused, not ignored: who asks for something else with it must hear that it wasn't done.
"""

import contextlib
import math
from collections.abc import Mapping

from wyoming_voice.errors import VoiceError

Spec = Mapping[str, object]
"""A tool as `context.tools` of a question has it."""


class BadArgument(VoiceError):
    """An argument that makes no sense; says which, and what would."""

    code = "bad-argument"


_MOST_S = 1e9
"""Longer than any timer; what is as long is said to be too long by whoever is to start it."""

_UNITS_S = {"hours": 3600, "minutes": 60, "seconds": 1}


def _amounts(what: str) -> dict[str, object]:
    return {
        unit: {"type": "number", "minimum": 0, "description": f"{unit.capitalize()} {what}"}
        for unit in _UNITS_S
    }


_WHICH: dict[str, object] = {
    "name": {"type": "string", "description": "Name of the timer, if it has one; or its id"},
    **{
        f"start_{unit}": {
            "type": "number",
            "minimum": 0,
            "description": f"{unit.capitalize()} that it was set for, to tell one from another",
        }
        for unit in _UNITS_S
    },
}
"""How one timer is told from others; a lone one needs nothing."""


def _spec(
    name: str, description: str, properties: Mapping[str, object], *required: str
) -> dict[str, object]:
    parameters: dict[str, object] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        parameters["required"] = list(required)
    return {"name": name, "description": description, "parameters": parameters}


_PERCENT = {"type": "number", "minimum": 0, "maximum": 100, "description": "Percent"}
_STEP = {
    "anyOf": [
        {"type": "string", "enum": ["up", "down"]},
        {"type": "number", "minimum": -100, "maximum": 100},
    ],
    "description": "up, down, or percent to add; negative: softer",
}

SPECS: tuple[Spec, ...] = (
    _spec(
        "HassStartTimer",
        "Start a timer that rings on this device",
        {
            **_amounts("until it rings"),
            "name": {"type": "string", "description": "What the timer is for, if that was said"},
        },
    ),
    _spec("HassCancelTimer", "Cancel a timer, or silence those that ring", _WHICH),
    _spec("HassCancelAllTimers", "Cancel all timers", {}),
    {
        **_spec("HassTimerStatus", "Tell which timers there are and how much is left", _WHICH),
        "reads": True,
    },
    _spec("HassIncreaseTimer", "Add time to a timer", {**_amounts("to add"), **_WHICH}),
    _spec("HassDecreaseTimer", "Take time from a timer", {**_amounts("to take away"), **_WHICH}),
    _spec("HassPauseTimer", "Pause a timer that runs", _WHICH),
    _spec("HassUnpauseTimer", "Resume a paused timer", _WHICH),
    _spec(
        "HassSetVolume",
        "Set the volume of this device",
        {"volume_level": _PERCENT},
        "volume_level",
    ),
    _spec(
        "HassSetVolumeRelative",
        "Make this device louder or softer",
        {"volume_step": _STEP},
        "volume_step",
    ),
)
"""In this order for good: it stands in the prompt, whose beginning a model's server remembers."""


def check_names(spec: Spec, arguments: Mapping[str, object]) -> None:
    """Raises BadArgument for one that the tool doesn't have."""
    parameters = spec["parameters"]
    assert isinstance(parameters, dict)
    known = parameters["properties"]
    for name in arguments:
        if name not in known:
            listed = f"there are: {', '.join(known)}" if known else "it takes none"
            raise BadArgument(f"{spec['name']} has no argument {name[:64]!r}; {listed}")


def seconds_in(arguments: Mapping[str, object], prefix: str = "") -> float | None:
    """Hours, minutes and seconds, as seconds; None where none of them is given. Raises BadArgument."""
    given = [unit for unit in _UNITS_S if is_given(arguments.get(prefix + unit))]
    if not given:
        return None
    total_s = 0.0
    for unit in given:
        amount = number_in(arguments, prefix + unit)
        if amount < 0:
            raise BadArgument(f"'{prefix}{unit}' is {amount:g}; it can't be negative")
        total_s += amount * _UNITS_S[unit]
    return min(total_s, _MOST_S)


def number_in(arguments: Mapping[str, object], name: str) -> float:
    """A number, or one in a string, as models write them; raises BadArgument."""
    value = arguments.get(name)
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    number = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise BadArgument(f"'{name}' must be a number")
    return number


def text_in(arguments: Mapping[str, object], name: str) -> str:
    """A text without blanks around it, "" where there is none; raises BadArgument."""
    value = arguments.get(name)
    if value is not None and not isinstance(value, str):
        raise BadArgument(f"'{name}' must be a string")
    return " ".join(value.split()) if value else ""


def is_given(value: object) -> bool:
    """Whether an argument says something: models like to write all of them, with nothing in most."""
    return value is not None and value != ""
