"""What a recognised sentence asks for: from its slots to the arguments of a tool, and to those of the answer.

Home Assistant's intents and ours have the same slots, so that a sentence becomes a call one to one; its
answers are templates that are given the slots as they were spoken, and what came of the intent.
Source: homeassistant/components/conversation/default_agent.py, and intent/timers.py for the timers.

Rule: a sentence that says more than a tool can be told is not understood, rather than half of it done.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wyoming_voice.handle.tools.toolbox import Tool

TIME = "HassGetCurrentTime"
DATE = "HassGetCurrentDate"
CLOCK = frozenset({TIME, DATE})
"""Intents that nobody has to be asked for."""

TELLING = frozenset({"HassTimerStatus"})
"""Those that change nothing, so that nothing is done until it is told."""

INTENTS = (
    CLOCK
    | TELLING
    | {
        "HassStartTimer",
        "HassCancelTimer",
        "HassCancelAllTimers",
        "HassIncreaseTimer",
        "HassDecreaseTimer",
        "HassPauseTimer",
        "HassUnpauseTimer",
        "HassSetVolume",
        "HassSetVolumeRelative",
    }
)
"""What a client may do itself, and the clock. HassRespond is left out: it speaks of Home Assistant."""

HERE = "area"
"""The slot that Home Assistant fills in with the room of the satellite; for us it is always this one."""

MOST_NAME_WORDS = 3
MOST_NAME_CHARS = 24
"""A timer's name is free, so a sentence with a longer one is as likely to have said something else."""

NO_NAMES = frozenset(
    {"no", "not", "never", "don't"}
    | {"kein", "keine", "keinen", "keinem", "keiner", "nicht", "nie", "niemals"}
)
"""What German and English put where a name may stand, to say that nothing is to be done."""

Slot = str | int | float


@dataclass(frozen=True, slots=True)
class Recognised:
    """A sentence that matched in full: the slots as values, and as they were spoken."""

    intent: str
    response: str
    values: Mapping[str, Slot]
    spoken: Mapping[str, Slot]
    free: frozenset[str] = frozenset()
    """Slots in which any words would have matched."""


def arguments_for(recognised: Recognised, tools: Iterable[Tool]) -> dict[str, Slot] | None:
    """What the tool with the intent's name is to be called with; None where no tool takes all of it."""
    tool = next((tool for tool in tools if tool.name == recognised.intent), None)
    if tool is None or any(_no_name(str(recognised.values[n])) for n in recognised.free):
        return None
    arguments = {name: _whole(value) for name, value in recognised.values.items() if name != HERE}
    taken = tool.parameters.get("properties", {})
    return arguments if all(name in taken for name in arguments) else None


def at_the_clock(now: datetime) -> dict[str, Any]:
    """What the answers about the time and the date are given; `now` in local time."""
    return {"time": now.time(), "date": now.date()}


def came_of_it(intent: str, text: str) -> dict[str, Any] | None:
    """What a tool's result adds to the slots of the answer; None where it isn't what the answer tells.

    `{"canceled": 2}` after HassCancelAllTimers, `{"timers": […]}` after HassTimerStatus, each timer as Home
    Assistant's TimerStatusIntentHandler tells it. The answers to all else tell nothing but the question.
    """
    match intent, _read(text):
        case "HassCancelAllTimers", {"canceled": int(canceled)}:
            return {"canceled": canceled}
        case "HassTimerStatus", {"timers": list(timers)}:
            return {"timers": timers}
        case (("HassCancelAllTimers" | "HassTimerStatus"), _):
            return None
    return {}


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _whole(value: Slot) -> Slot:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _no_name(name: str) -> bool:
    words = name.casefold().split()
    return (
        len(name) > MOST_NAME_CHARS
        or len(words) > MOST_NAME_WORDS
        or not NO_NAMES.isdisjoint(words)
    )


def variant_of(language: str, known: Iterable[str]) -> str | None:
    """Which of the `known` languages serves the BCP-47 tag `language`: the nearest, else English."""
    by_tag = {tag.lower(): tag for tag in sorted(known)}
    parts = _ALSO.get(language.lower(), language.lower()).split("-")
    for length in range(len(parts), 0, -1):
        if tag := by_tag.get("-".join(parts[:length])):
            return tag
    near = next((tag for tag in by_tag.values() if tag.lower().startswith(parts[0] + "-")), None)
    return near or by_tag.get("en")


_ALSO = {
    "de-ch": "de",  # its own sentences are in dialect, and recognisers write standard German
    "no": "nb",
    "nn": "nb",
    "yue": "zh-hk",
    "zh-hant": "zh-tw",
    "zh-mo": "zh-hk",
    "iw": "he",
    "in": "id",
}
"""Tags that Home Assistant's sentences know under another name."""
