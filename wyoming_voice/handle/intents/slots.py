"""One of Home Assistant's intents: as a tool for a model, and what a model wrote as values of its slots.

PURE. Rule: the values are such as Home Assistant's handlers take (whole numbers, numbers, lists), or they
don't fit; what a model left blank was not given; and nothing that it wrote is dropped because nobody knows
it, since "on" without its "brightness" is another command.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from wyoming_voice.handle.tools.arguments import Misfit, fitted, parsed
from wyoming_voice.handle.tools.toolbox import Tool

MAX_CHARS = 500
"""Longest text in a slot: a message to be broadcast; names are much shorter."""

MAX_ITEMS = 20

ALL = "all"
"""As a name: all devices of a kind, to intents that do something, and in small letters only
(`DynamicServiceIntentHandler` in helpers/intent.py of https://github.com/home-assistant/core)."""

Slots = dict[str, Any]
"""By name: a text, a whole number, a number, or a list of texts."""


class Kind(Enum):
    """What a slot holds, and its type in a JSON Schema."""

    TEXT = "string"
    TEXTS = "array"
    WHOLE = "integer"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot: `choices` of a text or of each text, `least` and `most` of a number.

    `or_none`: 0 is as good as not given ("0 hours and 5 minutes").
    """

    name: str
    told: str = ""
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    or_none: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        one: dict[str, Any] = {
            "enum": list(self.choices) or None,
            "minimum": self.least,
            "maximum": self.most,
        }
        one = {word: value for word, value in one.items() if value is not None}
        told = {"description": self.told} if self.told else {}
        if self.kind is Kind.TEXTS:
            return {"type": "array", "items": {"type": "string", **one}, **told}
        return {"type": self.kind.value, **one, **told}


@dataclass(frozen=True, slots=True)
class HassIntent:
    """One intent; of each group in `needs` one slot at least has to be given.

    `narrowed_by`: without a name, or for the name "all", one of these has to be given. `answer` is the
    template that Home Assistant answers with where nobody else knows the answer; it goes by `state`, `query`
    and `slots`, as those of Home Assistant's own sentences do.
    """

    name: str
    told: str
    slots: tuple[Slot, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    narrowed_by: tuple[str, ...] = ()
    answer: str = ""

    @property
    def tool(self) -> Tool:
        """As a model is told it.

        Which combinations there have to be is told in words only: `anyOf` is left out, since servers that
        make a grammar of a schema read it in different ways.
        """
        required = [group[0] for group in self.needs if len(group) == 1]
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {slot.name: slot.schema for slot in self.slots},
        }
        if required:
            schema["required"] = required
        return Tool(self.name, self.told, schema, reads=bool(self.answer))

    def read(self, arguments: str) -> Slots:
        """The slots that a model's JSON gives, in their order; raises Misfit."""
        written = {name: value for name, value in parsed(arguments).items() if not _blank(value)}
        fit = fitted(written, {**self.tool.parameters, "additionalProperties": False})
        given = {
            slot.name: _bounded(slot.name, fit[slot.name])
            for slot in self.slots
            if slot.name in fit and not (slot.or_none and not fit[slot.name])
        }
        if given.get("name", "").casefold() == ALL:
            given["name"] = ALL
            if self.answer:  # Home Assistant answers for all where it is given no name
                del given["name"]
        self._check(given)
        return given

    def _check(self, given: Slots) -> None:
        for group in self.needs:
            if not any(name in given for name in group):
                raise Misfit(f"{self.name} needs {' or '.join(group)}.")
        named = given.get("name", ALL) != ALL
        if self.narrowed_by and not named and not any(name in given for name in self.narrowed_by):
            raise Misfit(f"{self.name} needs a name, or {' or '.join(self.narrowed_by)}.")


def _blank(value: object) -> bool:
    """What Home Assistant takes as not given, too (`is_blank_slot_value` in helpers/intent.py)."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _bounded(name: str, value: Any) -> Any:
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            raise Misfit(f"{name} has {len(value)} values; at most {MAX_ITEMS} are taken.")
        return [_bounded(name, one) for one in value]
    if isinstance(value, str) and len(value) > MAX_CHARS:
        raise Misfit(f"{name} has {len(value)} letters; at most {MAX_CHARS} are taken.")
    return value.strip() if isinstance(value, str) else value
