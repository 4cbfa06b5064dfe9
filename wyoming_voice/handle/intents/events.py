"""Answers that Home Assistant carries out itself: a model's tool calls become Wyoming's `intent` events.

    intent{name, entities, text}
    intents-start  intent{...}+  intents-stop

A model is offered Home Assistant's own intents as tools, and what it calls isn't done here but is the
answer: `homeassistant/components/wyoming/conversation.py` (https://github.com/home-assistant/core) handles
each intent with its entities as slots, and says what went wrong in its own words; where nothing did, it says
`text`, rendered as a template where it looks like one. 2026.11 limits intents to what is exposed to Assist,
does all of a list, at the same time, and says their texts one after the other. 2026.2 limits nothing, does
the first `intent` that it reads, and hangs up.

Rules: all calls of an answer fit, or none is sent. What a model wrote is never a template: no brace of it
leaves. No tool of an MCP server is offered beside the intents: its results would need another round, after
which the intents of the first would be late or be sent twice, and Home Assistant's own server has the same
intents again. What came of an intent isn't told to us, and the model is told so.
"""

from collections.abc import Mapping, Sequence, Set

from wyoming.event import Event
from wyoming.intent import Entity, Intent, IntentsStart, IntentsStop

from wyoming_voice.handle.intents.catalogue import BY_NAME, INTENTS, TIMERS
from wyoming_voice.handle.intents.slots import ALL, HassIntent, Slots
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.arguments import Misfit
from wyoming_voice.handle.tools.toolbox import Offer, ToolCall

MAX_INTENTS = 16
"""Of one answer; a model that goes on is in a loop."""

MAX_SPOKEN_CHARS = 1000

HANDED_OVER = "Home Assistant carries this out. Whether it worked isn't known here."
"""What stands in the place of a call's result in the prompts to come."""

DONE = "OK."
"""What is said of something done where the model says nothing; short, and the same in most languages."""

TOLD = (
    "These tools are Home Assistant's own commands. It carries them out after your answer, and you see no "
    "result: beside a call write the one short sentence that the person is to hear if it works, in their "
    "language, and beside a call that answers a question write nothing, for Home Assistant answers it. "
    "Make all the calls of an answer at once. "
    "Name devices and rooms as the person did. Where they name neither, take the room that they are in; "
    "if you don't know it, ask."
)

_WITH_TIMERS = Offer(tuple(intent.tool for intent in (*INTENTS, *TIMERS)), TOLD)
_WITHOUT = Offer(tuple(intent.tool for intent in INTENTS), TOLD)

_BRACES = str.maketrans({"{": None, "}": None})


def offered(question: Question) -> Offer:
    """The intents for a question of Home Assistant's; timers only where there is a device to have them."""
    return _WITH_TIMERS if question.device_id else _WITHOUT


def intended(
    calls: Sequence[ToolCall], offered: Offer, said: str, context: Mapping[str, str]
) -> list[Event]:
    """The events of an answer with `calls`, beside which the model `said` something.

    Raises Misfit, also for an intent that wasn't `offered` for this question.
    """
    intents = _intents(calls, frozenset(tool.name for tool in offered.tools))
    texts = _texts(intents, _spoken(said))
    events = [
        Intent(
            name=intent.name,
            entities=[Entity(name, value) for name, value in slots.items()],
            text=text,
            context=dict(context),
        ).event()
        for (intent, slots), text in zip(intents, texts, strict=True)
    ]
    if len(events) == 1:
        return events
    return [IntentsStart(dict(context)).event(), *events, IntentsStop(dict(context)).event()]


def _intents(calls: Sequence[ToolCall], names: Set[str]) -> list[tuple[HassIntent, Slots]]:
    """What is called for, each once."""
    if len(calls) > MAX_INTENTS:
        raise Misfit(f"{len(calls)} calls; at most {MAX_INTENTS} are taken.")
    found: list[tuple[HassIntent, Slots]] = []
    for call in calls:
        intent = BY_NAME.get(call.name)
        if intent is None or call.name not in names:
            raise Misfit("There is no such intent.")
        one = (intent, intent.read(call.arguments))
        if one not in found:
            found.append(one)
    return found


def _texts(intents: Sequence[tuple[HassIntent, Slots]], said: str) -> list[str | None]:
    """What is said of each intent if it works.

    Questions have Home Assistant's answers. The model's sentence is for all that is done, so it comes with
    the last of it: with the first, a Home Assistant that does only one would tell of them all.
    """
    done = [number for number, (intent, _) in enumerate(intents) if not intent.answer]
    texts: list[str | None] = []
    for number, (intent, slots) in enumerate(intents):
        if intent.answer:
            texts.append(intent.answer)
        elif said:
            texts.append(said if number == done[-1] else None)
        else:
            texts.append(DONE if len(intents) == 1 else _done(slots))
    return texts


def _done(slots: Slots) -> str:
    """`Kitchen lamp: OK.`, so that it is known which of several it was."""
    name = slots.get("name", ALL)
    thing = name if name.casefold() != ALL else slots.get("area") or slots.get("floor") or ""
    return f"{_spoken(thing)}: {DONE}" if thing else DONE


def _spoken(text: str) -> str:
    """One paragraph, bounded, and no template whatever a model wrote."""
    return " ".join(text.translate(_BRACES).split())[:MAX_SPOKEN_CHARS]
