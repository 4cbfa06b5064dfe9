"""Takes the force out of text that comes from elsewhere before a language model reads it.

A chat template marks who speaks by tokens that are written as text: `<|im_start|>` (Qwen), `<start_of_turn>`
(Gemma), `[INST]` and `</s>` (Mistral, Llama 2), `<tool_call>` and `<think>` (many), `<｜User｜>` (DeepSeek),
`]~b]` (MiniMax). A server that fills a template with a tool's result reads them there, too, so that a
calendar entry could end the result and go on as the person or as the model. No list of them is complete:
whatever could begin or end one is taken apart by a space instead, which a reader hardly sees.

Rule: the words stay as they are, and what says "ignore your instructions" still says it; that results are
data is for the prompt to tell. What was disarmed once isn't changed any more. Names and values, which a
model has to repeat to the letter, are not changed but left out.
"""

import re
from dataclasses import replace
from typing import Any

from wyoming_voice.handle.tools.toolbox import Tool, ToolResult

MOST_CHARS = 8000
"""Longest text of a result: some 2000 tokens, which every further round of the answer reads again."""

MOST_TOLD_CHARS = 2000
"""Longest description of a tool."""

_WORDS = ("description", "title")
"""What a schema says to readers; all else in it is names and values."""

_MOST_NUMBER = 2**63
_MOST_DEPTH = 60

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
"""Control characters, and those that hide text or turn it around; whoever can't see them can't object."""

_TOKENS = re.compile(
    r"<(?=[^\s=])"  # <|…|>, <｜…｜>, <s>, </s>, <<SYS>>, <think>, <function=…>
    r"|(?<=[|｜])(?=>)"  # the end of the first two
    r"|\[(?=/?[A-Z][A-Z_]*\])"  # [INST], [/INST], [TOOL_CALLS]
    r"|\](?=~)|~(?=\[)"  # ]~b] and [e~[
)


def disarmed(text: str) -> str:
    """`text` without anything that a chat template could take for one of its tokens."""
    readable = text.encode("utf-8", "replace").decode()
    return _TOKENS.sub(lambda found: f"{found.group()} ", _UNSEEN.sub("", readable))


def shortened(text: str, most_chars: int = MOST_CHARS) -> str:
    """At most `most_chars` of it, and how much is missing."""
    if len(text) <= most_chars:
        return text
    return f"{text[:most_chars]}… (cut off: {len(text) - most_chars} more characters)"


def as_told(tool: Tool, name: str) -> Tool:
    """A tool as a model is told of it, under `name`."""
    return replace(
        tool,
        name=name,
        description=disarmed(shortened(tool.description, MOST_TOLD_CHARS)).strip(),
        parameters=_schema(tool.parameters),
    )


def as_data(result: ToolResult) -> ToolResult:
    """A result as a model may read it: bounded, and without force."""
    return replace(result, text=disarmed(shortened(result.text)))


def _schema(schema: Any, at: str = "", depth: int = 0) -> Any:
    """A schema, with what stands under the name `at` in another."""
    match schema:
        case dict() | list() if depth > _MOST_DEPTH:
            return {}
        case str():
            return disarmed(schema) if at in _WORDS else schema
        case dict():
            return {
                name: _schema(held, name, depth + 1)
                for name, held in schema.items()
                if not _unfit(name) and (_is_word(name, held) or not _unfit(held))
            }
        case list():
            return [_schema(one, depth=depth + 1) for one in schema if not _unfit(one)]
    return schema


def _is_word(name: str, held: object) -> bool:
    return name in _WORDS and isinstance(held, str)


def _unfit(value: object) -> bool:
    """What has force, or is a number that JSON, or Python's writer of it, has no words for."""
    if isinstance(value, int | float):
        return not abs(value) < _MOST_NUMBER
    return isinstance(value, str) and disarmed(value) != value
