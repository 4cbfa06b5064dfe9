"""Puts together the tool calls of a streamed chat completion.

OpenAI cuts each call into fragments that bear its index; the first of them has the id and the name, the
others a piece of the arguments each (https://platform.openai.com/docs/guides/function-calling#streaming).
Rule: any cut of the arguments gives the same calls, whatever the server leaves out or says again. Seen
are: no index (Gemini), one index for all calls (Ollama before 0.6), no id, a new id with each fragment
(vLLM before 0.7), the name again with each fragment, a whole call in one, arguments that are null or an
object instead of JSON in a string, and the older `function_call`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wyoming_voice.handle.tools.toolbox import ToolCall

_MOST_CALLS = 128
_MOST_CHARS = 65_536
"""What no model asks for at once: calls beyond the first are passed over, arguments come to an end."""


@dataclass
class _Call:
    index: int | None
    id: str
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class _Fragment:
    index: int | None
    id: str
    name: str
    arguments: str


class StreamedCalls:
    """The calls of one answer."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def push(self, body: Mapping[str, Any]) -> bool:
        """Take the `delta` or the `message` of one chunk; whether it says anything of calls."""
        fragments = list(_fragments(body))
        for fragment in fragments:
            self._take(fragment)
        return bool(fragments)

    def finish(self) -> tuple[ToolCall, ...]:
        """The calls, in the model's order; an id that the server didn't give is empty."""
        return tuple(
            ToolCall(call.id, call.name, call.arguments) for call in self._calls if call.name
        )

    def _take(self, fragment: _Fragment) -> None:
        call = self._begun(fragment)
        if call is None:
            if len(self._calls) == _MOST_CALLS:
                return
            call = _Call(fragment.index, fragment.id)
            self._calls.append(call)
        call.id = call.id or fragment.id
        call.name = call.name or fragment.name
        if len(call.arguments) <= _MOST_CHARS:
            call.arguments += fragment.arguments

    def _begun(self, fragment: _Fragment) -> _Call | None:
        """The call that a fragment goes on with; None where it begins one."""
        if fragment.index is not None:
            same = [call for call in self._calls if call.index == fragment.index]
        else:
            same = [call for call in self._calls if call.id and call.id == fragment.id]
            same = same or self._calls
        call = same[-1] if same else None
        return None if call is None or _another(call, fragment) else call


def _another(call: _Call, fragment: _Fragment) -> bool:
    """Whether a fragment that could go on with `call` belongs to one after it."""
    if not (call.name and fragment.name):
        return False
    if fragment.name != call.name:
        return True
    if call.id and call.id == fragment.id:
        return False
    if fragment.index is None:
        return bool(call.id and fragment.id) or _is_whole(call.arguments)
    return bool(fragment.id) and _is_whole(call.arguments)


def _is_whole(arguments: str) -> bool:
    if not arguments.rstrip().endswith("}"):  # soon told, and this is asked for each fragment
        return False
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False


def _fragments(body: Mapping[str, Any]) -> Iterator[_Fragment]:
    calls = body.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            yield _fragment(call, call.get("function"))
    if isinstance(older := body.get("function_call"), dict):
        yield _fragment({"index": 0}, older)


def _fragment(call: Mapping[str, Any], function: object) -> _Fragment:
    detail = function if isinstance(function, dict) else {}
    index = call.get("index")
    return _Fragment(
        index=index if isinstance(index, int) else None,
        id=_string(call.get("id")),
        name=_string(detail.get("name")),
        arguments=_arguments(detail.get("arguments")),
    )


def _arguments(value: object) -> str:
    """As JSON; an object is put as it would have been written."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
