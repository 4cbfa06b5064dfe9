"""PURE: what the satellite offers to do for who answers, and what one question has had done.

Rule: no question has anything done twice. A server that takes over from one that failed, and the question
that goes on with one that had begun to be answered, get to know again what came of the same call; only
what they ask for beyond that is done. What was refused was not done, and what only reads changes nothing.
"""

import json
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from satellite.parts import Tools
from wyoming_voice.errands import Do, Done
from wyoming_voice.extensions import AREA, CLIENT_TOOLS, TOOLS


@dataclass(frozen=True)
class Means:
    """What the satellite can do, and the room that it stands in; "" where that isn't known."""

    tools: Tools | None = None
    area: str = ""

    def context(self, extensions: AbstractSet[str]) -> dict[str, object]:
        """What a handle server with these extensions is told of it."""
        told: dict[str, object] = {}
        if CLIENT_TOOLS in extensions and self.tools is not None:
            told[TOOLS] = [dict(spec) for spec in self.tools.specs]
        if CLIENT_TOOLS in extensions and self.area:
            told[AREA] = self.area
        return told


class Deeds:
    """What one question has had done, on its way from server to server."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self._done: dict[str, list[Done]] = {}

    def attempt(self, extensions: AbstractSet[str]) -> Do | None:
        """Does what one server asks for; None for one that is offered nothing.

        The same call for a second time means a second one, if the server before asked for one only.
        """
        tools, asked = self.means.tools, Counter[str]()
        if tools is None or CLIENT_TOOLS not in extensions:
            return None
        reading = {spec["name"] for spec in tools.specs if spec.get("reads")}

        def do(name: str, arguments: Mapping[str, object]) -> Done:
            if name in reading:
                return tools.do(name, arguments)
            call = _meaning(name, arguments)
            before = self._done.setdefault(call, [])
            if asked[call] == len(before):
                done = tools.do(name, arguments)
                if done.error:
                    return done
                before.append(done)
            asked[call] += 1
            return before[asked[call] - 1]

        return do


def _meaning(name: str, arguments: Mapping[str, object]) -> str:
    """The same for calls that say the same: a model may write what it leaves out, or quote a number."""
    said = {key: _number(value) for key, value in arguments.items() if value not in ("", None, 0)}
    return json.dumps([name, said], sort_keys=True)


def _number(value: object) -> object:
    try:
        return float(value) if isinstance(value, int | str) else value
    except (ValueError, OverflowError):
        return value
