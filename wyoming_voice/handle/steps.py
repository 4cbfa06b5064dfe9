"""What stands between a question and its answer: what the model asked for, and what came of it.

Rule: the messages are kept word for word as the model was sent them, so that the prompt of the next
question begins with them. Each call has its result, be it that nothing was done: servers refuse a prompt
with a call that is left open.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wyoming_voice.handle.tools.arguments import Misfit, parsed
from wyoming_voice.handle.tools.toolbox import ToolCall, ToolResult

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
"""What OpenAI's API doesn't take as the name of a function, also of one that there isn't."""

Message = Mapping[str, object]

NOT_BEGUN = "Not done: the listener interrupted before this was begun."
UNDER_WAY = "This was begun; what came of it is not known yet."


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was tried, to change something: the tool, its arguments in one form, the result."""

    name: str
    arguments: str
    result: ToolResult

    def is_of(self, name: str, arguments: Mapping[str, object]) -> bool:
        """Whether the same was asked for."""
        return self.name == name and self.arguments == one_form(arguments)


class Steps:
    """The steps of one question, as they come about, and what the model has said since the last."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._open: list[ToolCall] = []
        self._under_way = ""
        self.tried: list[Deed] = []
        self.failed = False
        """Whether something of the last round failed."""
        self.said = ""
        """As much as was sent of what the model wrote after the last step."""
        self.command = ""
        """What there was to say of a command that was carried out without the model."""

    def asked(self, text: str, calls: Iterable[ToolCall], before: int) -> Sequence[ToolCall]:
        """The model asks for `calls`; what is to be done, each with an id that no other has.

        `before`: how many messages the prompt has had so far.
        """
        self._open = _with_ids(calls, before + len(self._messages))
        self._messages.append(
            {
                "role": "assistant",
                # Not null, over which some chat templates stumble.
                "content": _sendable(text.strip()),
                "tool_calls": [_as_sent(call) for call in self._open],
            }
        )
        self.said, self.failed = "", False
        return tuple(self._open)

    def begun(self, call: ToolCall) -> None:
        """From here on it can't be said that nothing was done."""
        self._under_way = call.id

    def answered(self, call: ToolCall, result: ToolResult) -> None:
        """What came of a call; it may come after the listener has gone."""
        self._open = [other for other in self._open if other.id != call.id]
        self.failed = self.failed or result.error
        self._messages.append(_result(call, result.text))

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of it; what was asked for and has no result is told so."""
        return (*self._messages, *(_result(call, self._without(call)) for call in self._open))

    @property
    def answer(self) -> str:
        """What stands after the steps."""
        return self.said.strip() or self.command

    @property
    def deeds(self) -> tuple[Deed, ...]:
        """Of what was tried, what was done, or may have been."""
        return tuple(deed for deed in self.tried if deed.result.unsure or not deed.result.error)

    @property
    def worked(self) -> bool:
        """Whether something was done, and nothing went wrong at last."""
        return bool(self.deeds) and not self.failed

    def _without(self, call: ToolCall) -> str:
        return UNDER_WAY if call.id == self._under_way else NOT_BEGUN


def one_form(arguments: Mapping[str, object]) -> str:
    """Equal arguments in equal words, however the model ordered them."""
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)


def _with_ids(calls: Iterable[ToolCall], before: int) -> list[ToolCall]:
    """Nine letters and digits where there is no id, or the same twice: Mistral's templates insist on it."""
    found: list[ToolCall] = []
    for number, call in enumerate(calls):
        taken = any(call.id == other.id for other in found)
        own = f"call{(before * 100 + number) % 100_000:05}"
        found.append(call if call.id and not taken else replace(call, id=own))
    return found


def _as_sent(call: ToolCall) -> Message:
    function = {
        "name": _NOT_IN_NAMES.sub("_", call.name)[:64],
        "arguments": _readable(call.arguments),
    }
    return {"id": _sendable(call.id), "type": "function", "function": function}


def _readable(arguments: str) -> str:
    """vLLM refuses a prompt with arguments that it can't read, and every prompt that begins with it."""
    try:
        return arguments if parsed(arguments) else "{}"
    except Misfit:
        return "{}"


def _result(call: ToolCall, text: str) -> Message:
    return {"role": "tool", "tool_call_id": _sendable(call.id), "content": _sendable(text)}


def _sendable(text: str) -> str:
    """Half a surrogate pair, which JSON can name and UTF-8 can't, would keep all of it from being sent."""
    return text.encode(errors="replace").decode()
