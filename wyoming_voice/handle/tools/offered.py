"""Reads what a client says that it can do for its question, and what came of what it was asked to do.

Rule: all of it may go to a language model, and what it offers costs its tokens with each question, so all
of it is bounded; an error names the field, never what stands in it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from wyoming_voice.errors import BadEvent, TooLarge
from wyoming_voice.extensions import TOOLS
from wyoming_voice.handle.session import kind_of
from wyoming_voice.handle.tools.toolbox import Tool, ToolResult

MAX_TOOLS = 32
"""A satellite has ten; OpenAI's API takes 128, of which others want some."""

MAX_TOOL_CHARS = 4000
"""One tool with its schema, as JSON: some thousand tokens."""

MAX_TOOLS_CHARS = 20_000
"""All of a client's: some five thousand tokens."""

MAX_RESULT_CHARS = 4000
"""The text of a result: some thousand tokens."""

MAX_CALL_ID_CHARS = 64
"""Ours have 32."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What OpenAI's API takes (https://platform.openai.com/docs/api-reference/chat/create)."""


def read_tools(kind: str, data: Mapping[str, Any]) -> tuple[Tool, ...]:
    """`context.tools` of a question, each `{"name", "description", "parameters", "reads"?}`.

    `kind` is the type of the event, whose `context` has been looked at. Raises BadEvent and TooLarge.
    """
    listed = (data.get("context") or {}).get(TOOLS)
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise BadEvent(f"'context.tools' of a {kind} must be an array, not {kind_of(listed)}")
    if len(listed) > MAX_TOOLS:
        raise TooLarge(f"'context.tools' has {len(listed)} tools; at most {MAX_TOOLS} are taken")
    tools = tuple(_tool(f"context.tools[{at}]", item) for at, item in enumerate(listed))
    _check_names(tools)
    size_chars = sum(_size(f"context.tools[{at}]", item) for at, item in enumerate(listed))
    if size_chars > MAX_TOOLS_CHARS:
        raise TooLarge(
            f"'context.tools' has {size_chars} characters; at most {MAX_TOOLS_CHARS} are taken"
        )
    return tools


def read_result(data: Mapping[str, Any]) -> tuple[str, ToolResult]:
    """The id of the call and what came of it, `{"id", "text", "error"?}`; raises BadEvent and TooLarge."""
    call_id = _text("id", data.get("id"), MAX_CALL_ID_CHARS)
    text = _text("text", data.get("text"), MAX_RESULT_CHARS)
    return call_id, ToolResult(text, error=data.get("error") is True)


def _tool(field: str, item: object) -> Tool:
    if not isinstance(item, dict):
        raise BadEvent(f"'{field}' must be an object, not {kind_of(item)}")
    name = item.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadEvent(f"'{field}.name' must be 1 to 64 letters, digits, _ or -")
    parameters = item.get("parameters", {"type": "object", "properties": {}})
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        raise BadEvent(f"'{field}.parameters' must be the JSON Schema of an object")
    description = _text(f"{field}.description", item.get("description"), MAX_TOOL_CHARS)
    return Tool(name, description.strip(), parameters, reads=item.get("reads") is True)


def _check_names(tools: tuple[Tool, ...]) -> None:
    names = [tool.name for tool in tools]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise BadEvent(f"'context.tools[{at}].name' is that of another one; each needs its own")


def _size(field: str, item: object) -> int:
    """How long a tool is, written out; one that no JSON can tell, NaN or half a character, is refused."""
    try:
        size_chars = len(json.dumps(item, ensure_ascii=False, allow_nan=False).encode().decode())
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"'{field}' holds what JSON has no word for") from error
    if size_chars > MAX_TOOL_CHARS:
        raise TooLarge(f"'{field}' has {size_chars} characters; at most {MAX_TOOL_CHARS} are taken")
    return size_chars


def _text(field: str, value: object, most_chars: int) -> str:
    if not isinstance(value, str):
        raise BadEvent(f"'{field}' must be a string, not {kind_of(value)}")
    if len(value) > most_chars:
        raise TooLarge(f"'{field}' has {len(value)} characters; at most {most_chars} are taken")
    return value
