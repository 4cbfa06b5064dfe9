"""What language model servers and tools send: streams cut anywhere, calls in fragments, hostile schemas."""

import contextlib
import json
from collections.abc import Sequence
from typing import Any

from tests.fuzz.draw import Draw, cut
from tests.fuzz.target import Target, dice, spoken
from wyoming_voice.handle.llm.calls import StreamedCalls
from wyoming_voice.handle.llm.deltas import Calls, Deltas, Failed, Finished
from wyoming_voice.handle.llm.sse import SseReader
from wyoming_voice.handle.tools.arguments import Misfit, fitted, parsed
from wyoming_voice.handle.tools.disarming import MOST_CHARS, as_data, as_told, disarmed
from wyoming_voice.handle.tools.permitted import Names, Rules
from wyoming_voice.handle.tools.toolbox import Tool, ToolResult


def sse(data: bytes) -> None:
    """Any split of a body gives the same documents."""
    draw = Draw(data)
    sizes, body = draw.sizes(), draw.rest()
    pieces = SseReader()
    found = [one for piece in cut(body, sizes) for one in pieces.push(piece)] + pieces.finish()
    whole = SseReader()
    assert found == whole.push(body) + whole.finish()
    assert sum(map(len, found)) <= len(body)


def answer_stream(data: bytes) -> None:
    """A body is deltas that end once; its calls have names; a failure's kind fits in a log."""
    draw = Draw(data)
    sizes, body = draw.sizes(), draw.rest()
    reader, deltas = SseReader(), Deltas()
    documents = [one for piece in cut(body, sizes) for one in reader.push(piece)] + reader.finish()
    found = [one for document in documents for one in deltas.push(document)] + deltas.finish()
    assert sum(isinstance(one, Finished) for one in found) <= 1
    for one in found:
        match one:
            case Calls(calls):
                assert calls
                assert all(call.name for call in calls)
            case Failed(kind, message):
                assert len(kind) <= 40
                assert len(message) <= 500


def streamed_calls(data: bytes) -> None:
    """Fragments of calls of any shape, among others', are put together or passed over."""
    draw, calls = Draw(data), StreamedCalls()
    function: dict[str, Sequence[object]] = {
        "name": ("turn_on", ""),
        "arguments": ('{"a', '":1}', None, {"a": 1}),
    }
    while draw:
        fragment = draw.fields({"index": (0, 1, None), "id": ("a", "b", ""), "type": ("function",)})
        fragment["function"] = draw.fields(function)
        body: dict[str, Any] = {"tool_calls": [fragment]}
        if draw.byte() > 220:
            body = draw.fields({"tool_calls": (), "function_call": (fragment["function"],)})
        calls.push(body)
    for call in calls.finish():
        assert call.name
        with contextlib.suppress(Misfit):
            parsed(call.arguments)


_SCHEMAS = (
    {"type": "string"},
    {"type": ["integer", "null"], "minimum": 0, "maximum": 10},
    {"type": "array", "items": {"type": "number"}, "maxItems": 2},
    {"$ref": "#"},
    {"$ref": "#/properties/a"},
    {"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"type": "boolean"}]},
    {"enum": ["on", "off", 1]},
)
_SCHEMA_FIELDS: dict[str, Any] = {
    "type": ("object", "string", "integer", ["object", "null"]),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMaximum", "minLength", "maxItems"), (0, 1.5)),
    "required": (["a"], ["b", 1]),
    "enum": ([1, "a"],),
    "const": (1,),
    "items": _SCHEMAS,
    "additionalProperties": (False, *_SCHEMAS),
    "anyOf": (list(_SCHEMAS[:3]), [], list(_SCHEMAS)),
    "oneOf": (list(_SCHEMAS[:2]),),
    "description": (),
}


def tool_arguments(data: bytes) -> None:
    """Whatever a model writes for whatever schema: it is mended, and then fits, or a Misfit is told."""
    draw = Draw(data)
    properties = {name: draw.fields(_SCHEMA_FIELDS) for name in ("a", "b") if draw.flag()}
    asked = Tool("t", "", draw.fields(_SCHEMA_FIELDS) | {"properties": properties})
    schema = as_told(asked, "t").parameters
    arguments = draw.fields({"a": (1, "1", [1], "on", {}, None), "b": ("true", {"a": {"a": 1}})})
    with contextlib.suppress(Misfit):
        mended = fitted(arguments, schema)
        assert fitted(mended, schema) == mended or mended != mended
    with contextlib.suppress(Misfit):
        written = parsed(draw.rest_text())
        json.dumps(written, allow_nan=False).encode()
        with contextlib.suppress(Misfit):
            fitted(written, schema)


def tools(data: bytes) -> None:
    """Tools and results of servers: bounded, without force, fit to be sent, under names that are taken."""
    draw = Draw(data)
    schema = draw.fields(
        _SCHEMA_FIELDS | {"properties": ({"<|im_end|>": {}}, {"a": {"title": "</s>"}})}
    )
    tool = Tool(name=draw.text(70), description=draw.text(300), parameters=schema)
    names = Names()
    known = [names.of(box, tool.name) for box in (0, 1, 0)]
    assert known[0] == known[2] != known[1]
    assert all(0 < len(name) <= 64 and name.isascii() for name in known)
    told = as_told(tool, known[0])
    assert as_told(told, known[0]) == told
    json.dumps(told.parameters, allow_nan=False).encode()
    assert disarmed(told.description) == told.description
    result = as_data(ToolResult(draw.text(200) * draw.pick((1, 1, 300))))
    assert disarmed(result.text) == result.text
    assert len(result.text) <= 2 * (MOST_CHARS + 60)
    rules = Rules((draw.text(20),), (draw.text(20),))
    rules.permit(known)
    assert set(rules.idle(known)) <= {*rules.allow, *rules.deny}


_CHUNK = 'data: {"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n'
_CALL = '{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{\\"a\\""}}]}'
_BODIES = (
    ": keep-alive\r\n\r\n" + _CHUNK % ('{"content":"Hi <think>x"}', "null") + "data: [DONE]\n\n",
    _CHUNK % (_CALL, "null") + _CHUNK % ("{}", '"tool_calls"') + "data:[DONE]",
    '{"choices":[{"message":{"content":[{"type":"text","text":"Hi"}]},"finish_reason":"stop"}]}',
    'error: {"code":503,"message":"loading"}\n{"error":{"type":"busy"}}\n',
    _CHUNK % ('{"reasoning_content":"━━━━━\\nllama-swap loading model: m\\n"}', "null"),
)
_WORDS: tuple[str, ...] = (
    "data: ",
    "error: ",
    "[DONE]",
    '"choices"',
    '"delta"',
    '"content"',
    '"tool_calls"',
)
_WORDS += ('"function"', '"arguments"', '"index"', '"finish_reason"', '"length"', "\r\n", "\n\n")

TARGETS = (
    Target(sse, spoken(*_BODIES, head=b"\0\3"), _WORDS),
    Target(answer_stream, spoken(*_BODIES, head=b"\0\3"), _WORDS),
    Target(streamed_calls, dice()),
    Target(tool_arguments, dice()),
    Target(tools, dice()),
)
