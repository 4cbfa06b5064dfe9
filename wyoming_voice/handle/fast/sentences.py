"""The sentences of one language that Home Assistant's project has collected, matched and answered.

The only importer of `hassil`, `home_assistant_intents` and `jinja2`. Loading a language takes 100 to 300 ms
and 3 to 5 MB, a sentence 1 to 2 ms and rarely 100, so both are done in a thread.

Rule: only a sentence that matches in full counts, and only with what is known without a house: rooms, floors
and the names of devices match nothing. The templates may compute, and reach nothing.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

import jinja2
from hassil.errors import HassilError
from hassil.intents import Intents, SlotList, TextSlotList
from hassil.recognize import RecognizeResult, recognize_best
from home_assistant_intents import get_intents, get_languages
from jinja2.sandbox import SandboxedEnvironment

from wyoming_voice.handle.fast.slots import HERE, INTENTS, Recognised, Slot, variant_of

_log = logging.getLogger(__name__)

_HOUSE: dict[str, SlotList] = {
    name: TextSlotList(name=name, values=[]) for name in ("area", "floor", "name")
}

_FOREIGN = re.compile(r"\{(area|floor|name)[:}]|:conversation_command\}")
"""Sentences about a house, and those that are to be carried out later, which need one."""

_PLACE = {HERE: {"value": "here", "text": ""}}
"""The volume without a room is that of the room one is in; who is asked, is there."""

_TEMPLATES = SandboxedEnvironment()


class Sentences:
    """One language."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """`data`: a language of home_assistant_intents. Raises HassilError and jinja2's TemplateError."""
        self._intents = Intents.from_dict(dict(data) | {"intents": _without_house(data["intents"])})
        answers = data["responses"]["intents"]
        self._answers = {
            (intent, key): _TEMPLATES.from_string(answer)
            for intent in INTENTS & answers.keys()
            for key, answer in answers[intent].items()
        }
        self.recognise("1")  # what hassil reads at the first sentence, it reads here

    @staticmethod
    def variant(language: str) -> str | None:
        """The name under which the sentences for a BCP-47 tag, or "", are loaded."""
        return variant_of(language, get_languages())

    @classmethod
    def load(cls, variant: str) -> "Sentences | None":
        """The sentences of a `variant`; None, and a line in the log, where they can't be used."""
        try:
            data = get_intents(variant)
            return cls(data) if data else None
        except (HassilError, jinja2.TemplateError, OSError, ValueError, LookupError) as error:
            _log.warning("the sentences for %r can't be used: %s", variant, error)
            return None

    def recognise(self, text: str) -> Recognised | None:
        """The best full match, as Home Assistant ranks them."""
        result = recognize_best(text, self._intents, slot_lists=_HOUSE, intent_context=_PLACE)
        return None if result is None or result.unmatched_entities else _recognised(result)

    def answer(self, recognised: Recognised, more: Mapping[str, Any]) -> str:
        """What is said to it, on one line; "" where there is no such answer, or it lacks something."""
        template = self._answers.get((recognised.intent, recognised.response))
        if template is None:
            return ""
        try:
            said = template.render(slots={**recognised.spoken, **more}, state=None, query=_QUERY)
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            _log.warning("the answer to %s can't be put: %s", recognised.intent, error)
            return ""
        return " ".join(said.split())


_QUERY: Mapping[str, Any] = {"matched": [], "unmatched": []}


def _without_house(intents: Mapping[str, Any]) -> dict[str, Any]:
    """The intents that are ours to match, less their sentences about a house."""
    return {name: {"data": _kept(intents[name]["data"])} for name in INTENTS & intents.keys()}


def _kept(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = (
        block | {"sentences": [text for text in block["sentences"] if not _FOREIGN.search(text)]}
        for block in blocks
    )
    return [block for block in kept if block["sentences"]]


def _recognised(result: RecognizeResult) -> Recognised:
    entities = result.entities_list
    values: dict[str, Slot] = {entity.name: entity.value for entity in entities}
    return Recognised(
        intent=result.intent.name,
        response=result.response or "default",
        values=values,
        spoken={entity.name: entity.text or entity.value for entity in entities},
        free=frozenset(entity.name for entity in entities if entity.is_wildcard),
    )
