"""What a client may offer, and what it may say of a call."""

from typing import Any

import pytest

from wyoming_voice.errors import BadEvent, TooLarge
from wyoming_voice.handle.session import read_question
from wyoming_voice.handle.tools.offered import (
    MAX_RESULT_CHARS,
    MAX_TOOL_CHARS,
    MAX_TOOLS,
    read_result,
    read_tools,
)
from wyoming_voice.handle.tools.toolbox import Tool, ToolResult

SCHEMA = {"type": "object", "properties": {"minutes": {"type": "number"}}}
TIMER = {"name": "HassStartTimer", "description": " Start a timer ", "parameters": SCHEMA}


def offering(*tools: Any) -> dict[str, Any]:
    return {"text": "x", "context": {"tools": list(tools)}}


def test_what_a_client_offers_is_read() -> None:
    status = {"name": "HassTimerStatus", "description": "", "reads": True}
    assert read_tools("transcript", offering(TIMER, status)) == (
        Tool("HassStartTimer", "Start a timer", SCHEMA),
        Tool("HassTimerStatus", "", {"type": "object", "properties": {}}, reads=True),
    )


@pytest.mark.parametrize("context", [None, {}, {"tools": None}, {"tools": []}])
def test_a_client_may_offer_nothing(context: Any) -> None:
    assert read_tools("transcript", {"text": "x", "context": context}) == ()


@pytest.mark.parametrize(
    ("tools", "field"),
    [
        ("all", r"'context\.tools' of a warm-up must be an array, not a string"),
        ([7], r"'context\.tools\[0\]' must be an object, not a number"),
        ([TIMER, {**TIMER, "name": "a b"}], r"'context\.tools\[1\]\.name'"),
        ([{**TIMER, "name": "x" * 65}], r"'context\.tools\[0\]\.name'"),
        ([{**TIMER, "name": None}], r"'context\.tools\[0\]\.name'"),
        ([TIMER, TIMER], r"'context\.tools\[1\]\.name' is that of another"),
        ([{**TIMER, "description": None}], r"tools\[0\]\.description' must be a string, not null"),
        ([{**TIMER, "parameters": []}], r"tools\[0\]\.parameters' must be the JSON Schema"),
        ([{**TIMER, "parameters": {"type": "array"}}], r"tools\[0\]\.parameters' must be"),
        ([{**TIMER, "parameters": {**SCHEMA, "x": float("nan")}}], r"tools\[0\]' holds what JSON"),
        ([{**TIMER, "description": "\ud83d"}], r"tools\[0\]' holds what JSON"),
    ],
)
def test_what_can_t_be_offered_is_told_with_the_name_of_its_field(tools: Any, field: str) -> None:
    with pytest.raises(BadEvent, match=field):
        read_tools("warm-up", {"context": {"tools": tools}})


@pytest.mark.parametrize(
    ("tools", "field"),
    [
        ([{**TIMER, "name": f"t{n}"} for n in range(MAX_TOOLS + 1)], "33 tools; at most 32"),
        ([{**TIMER, "description": "s" * (MAX_TOOL_CHARS + 1)}], r"tools\[0\]\.description' has"),
        ([{**TIMER, "parameters": {**SCHEMA, "x": "s" * MAX_TOOL_CHARS}}], r"tools\[0\]' has"),
        (
            [{**TIMER, "name": f"t{n}", "description": "s" * 3000} for n in range(7)],
            r"'context\.tools' has \d+ characters; at most 20000",
        ),
    ],
)
def test_too_much_is_refused_without_repeating_it(tools: Any, field: str) -> None:
    with pytest.raises(TooLarge, match=field) as caught:
        read_tools("transcript", offering(*tools))
    assert "sss" not in str(caught.value)


def test_the_room_is_read_and_bounded() -> None:
    read = read_question({"text": "x", "context": {"area": " Living\n room "}}, 40, "mine")
    assert read.area == "Living room"
    with pytest.raises(TooLarge, match=r"'context\.area'"):
        read_question({"text": "x", "context": {"area": "s" * 101}}, 40, "mine")
    with pytest.raises(BadEvent, match=r"'context\.area'"):
        read_question({"text": "x", "context": {"area": 7}}, 40, "mine")


def test_what_came_of_a_call_is_read() -> None:
    assert read_result({"id": "a", "text": "{}"}) == ("a", ToolResult("{}"))
    assert read_result({"id": "a", "text": "no", "error": True}) == ("a", ToolResult("no", True))


@pytest.mark.parametrize(
    ("data", "error", "field"),
    [
        ({"text": "x"}, BadEvent, "'id'"),
        ({"id": 1, "text": "x"}, BadEvent, "'id'"),
        ({"id": "s" * 65, "text": "x"}, TooLarge, "'id'"),
        ({"id": "a", "text": {}}, BadEvent, "'text'"),
        ({"id": "a", "text": "s" * (MAX_RESULT_CHARS + 1)}, TooLarge, "'text' has 4001"),
    ],
)
def test_a_result_that_makes_no_sense_is_told(
    data: Any, error: type[Exception], field: str
) -> None:
    with pytest.raises(error, match=field):
        read_result(data)
