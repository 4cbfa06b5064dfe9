"""Reads the `transcript` event that asks a question, and the `warm-up` that announces one.

What they may hold, and where the conversation is found.

Rule: nothing of an event is believed before its type and its length have been looked at, and an error
names the field, never the words in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from wyoming_voice.errors import BadEvent, TooLarge
from wyoming_voice.extensions import ACTS, AREA, REPLACES, SPECULATIVE, TOOLS
from wyoming_voice.handle.tools.toolbox import Tool, ToolResult

MAX_ID_CHARS = 256
"""Home Assistant's identifiers have 26 to 36 characters; ours are kept as keys, so they are bounded."""

MAX_PROMPT_CHARS = 8000
"""Longest system prompt of one conversation; some 2000 tokens, which every question of it costs."""

MAX_HEARD_CHARS = 50_000
"""More than the longest answer."""

MAX_AREA_CHARS = 100
"""The name of a room; it stands in the prompt."""

_OURS = {
    "turn_id",
    "system_prompt",
    "interrupted",
    "heard",
    REPLACES,
    SPECULATIVE,
    TOOLS,
    AREA,
    ACTS,
}
"""What only our own clients send; Home Assistant sends a conversation's id at least, and none of these
(homeassistant/components/wyoming/conversation.py in https://github.com/home-assistant/core)."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


class Client(Protocol):
    """Whoever asked, as far as it can do something itself."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What it can do."""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Have it done, once the question stands; what came of it, within a bounded time.

        Never raises: a client that fails, or doesn't answer, is a result with an `error`. Only while the
        replies to this question are being given; cancelled, what was begun may yet come about.
        """


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody said, and the conversation that it belongs to.

    `language` is a BCP-47 tag such as `de-CH`, or "" when it is not known, and `house_language` what its
    house speaks; ids are "" when absent.
    `system_prompt` goes before the server's own. `heard` is set when this question interrupted the
    answer before it: that much of it was heard. `replaces` is the turn id of the question that this one is
    the whole of. A `speculative` one may yet turn out not to have been asked. `area` is the room that its
    client stands in, `client` the one to have something done by, where it can do something. `from_hass`: Home
    Assistant asks, which carries out an intent that is the answer. `tells_acts`: the client wants to hear
    that something is about to be done.
    """

    text: str
    connection_id: str
    language: str = ""
    conversation_id: str = ""
    device_id: str = ""
    satellite_id: str = ""
    system_prompt: str = ""
    heard: str | None = None
    replaces: str = ""
    speculative: bool = False
    area: str = ""
    from_hass: bool = False
    tells_acts: bool = False
    house_language: str = ""
    client: Client | None = field(default=None, compare=False, repr=False)

    @property
    def answered_in(self) -> str:
        """The language that the speaker understands, as far as that is known."""
        return self.language or self.house_language

    @property
    def conversation(self) -> str:
        """The key of its conversation: the narrowest id there is, at least that of the connection."""
        return self.conversation_id or self.satellite_id or self.device_id or self.connection_id


def read_question(data: Mapping[str, Any], max_text_chars: int, connection_id: str) -> Question:
    """The question in the data of a `transcript` event.

    Home Assistant sends `{"text", "language", "context": {"conversation_id", "device_id",
    "satellite_id"}}`, each of the ids only when it has one; our own satellite adds `system_prompt`,
    `interrupted` with `heard`, `replaces`, and `speculative`. Raises BadEvent for a field of the wrong
    type and TooLarge for one that is too long.
    """
    text = data.get("text")
    if not isinstance(text, str):
        raise BadEvent(f"'text' of a transcript must be a string, not {kind_of(text)}")
    if len(text) > max_text_chars:
        raise TooLarge(f"'text' has {len(text)} characters; at most {max_text_chars} are taken")
    return _question("transcript", text.strip(), data, connection_id)


def read_warm_up(data: Mapping[str, Any], connection_id: str) -> Question:
    """What is known of a question before it: all but its text, in the fields of a `transcript`."""
    return _question("warm-up", "", data, connection_id)


def _question(kind: str, text: str, data: Mapping[str, Any], connection_id: str) -> Question:
    context = data.get("context")
    if context is None:
        context = {}
    if not isinstance(context, dict):
        raise BadEvent(f"'context' of a {kind} must be an object, not {kind_of(context)}")
    return Question(
        text=text,
        connection_id=connection_id,
        language=_language(kind, data.get("language")),
        conversation_id=_bounded(context, "conversation_id", MAX_ID_CHARS),
        device_id=_bounded(context, "device_id", MAX_ID_CHARS),
        satellite_id=_bounded(context, "satellite_id", MAX_ID_CHARS),
        system_prompt=_bounded(context, "system_prompt", MAX_PROMPT_CHARS).strip(),
        heard=_bounded(context, "heard", MAX_HEARD_CHARS) if context.get("interrupted") else None,
        replaces=_bounded(context, REPLACES, MAX_ID_CHARS),
        speculative=context.get(SPECULATIVE) is True,
        area=" ".join(_bounded(context, AREA, MAX_AREA_CHARS).split()),
        from_hass=kind == "transcript" and _is_hass(context),
        tells_acts=context.get(ACTS) is True,
    )


def _is_hass(context: Mapping[str, Any]) -> bool:
    return bool(context.get("conversation_id")) and not _OURS & context.keys()


def _language(kind: str, value: object) -> str:
    """A tag that looks like one, since it goes into the prompt; "auto" and the like mean unknown."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadEvent(f"'language' of a {kind} must be a string, not {kind_of(value)}")
    return value.replace("_", "-") if _LANGUAGE.fullmatch(value) else ""


def _bounded(context: Mapping[str, Any], name: str, most_chars: int) -> str:
    value = context.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadEvent(f"'context.{name}' must be a string, not {kind_of(value)}")
    if len(value) > most_chars:
        raise TooLarge(
            f"'context.{name}' has {len(value)} characters; at most {most_chars} are taken"
        )
    return value


def kind_of(value: object) -> str:
    """The name that JSON has for a value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
