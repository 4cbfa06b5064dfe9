"""Streamed tool calls, put together from whatever fragments a server sends."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.handle.llm.calls import StreamedCalls
from wyoming_voice.handle.tools.toolbox import ToolCall

ON = '{"name": "lamp"}'
OFF = '{"name": "fan"}'


def fragment(
    name: str | None = None, arguments: object = "", index: int | None = 0, id: str | None = None
) -> dict[str, Any]:
    found: dict[str, Any] = {"function": {"arguments": arguments}}
    if name is not None:
        found["function"]["name"] = name
    if index is not None:
        found["index"] = index
    if id is not None:
        found["id"] = id
    return found


def read(*fragments: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each fragment in a chunk of its own."""
    calls = StreamedCalls()
    for one in fragments:
        assert calls.push({"tool_calls": [one]})
    return [(call.id, call.name, call.arguments) for call in calls.finish()]


def test_fragments_are_put_together_by_their_index() -> None:
    assert read(
        fragment("on", "", 0, "a"),
        fragment("off", "", 1, "b"),
        fragment(None, ON[:4], 0),
        fragment(None, OFF[:7], 1),
        fragment(None, ON[4:], 0),
        fragment(None, OFF[7:], 1),
    ) == [("a", "on", ON), ("b", "off", OFF)]


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        # no index: one by one, and whole in one chunk
        (
            [
                fragment("on", ON[:3], None, "a"),
                fragment(None, ON[3:], None),
                fragment("off", OFF, None, "b"),
            ],
            [("a", "on", ON), ("b", "off", OFF)],
        ),
        (
            [fragment("on", ON, None, "a"), fragment("on", ON, None, "b")],
            [("a", "on", ON), ("b", "on", ON)],
        ),
        # neither index nor id
        (
            [fragment("on", ON, None), fragment("off", OFF, None)],
            [("", "on", ON), ("", "off", OFF)],
        ),
        ([fragment("on", ON, None), fragment("on", OFF, None)], [("", "on", ON), ("", "on", OFF)]),
        ([fragment("on", ON[:5], None), fragment("on", ON[5:], None)], [("", "on", ON)]),
        # the name, and the id too, with each fragment
        ([fragment("on", ON[:5], 0), fragment("on", ON[5:], 0)], [("", "on", ON)]),
        ([fragment("on", ON[:5], 0, "a"), fragment("on", ON[5:], 0, "a")], [("a", "on", ON)]),
        ([fragment("on", "", 0), fragment("on", ON, 0), fragment("on", "", 0)], [("", "on", ON)]),
        # a new id with each fragment
        ([fragment("on", "", 0, "a"), fragment(None, ON, 0, "b")], [("a", "on", ON)]),
        ([fragment("on", ON[:5], 0, "a"), fragment("on", ON[5:], 0, "b")], [("a", "on", ON)]),
        # one index for all
        (
            [fragment("on", ON, 0, "a"), fragment("on", OFF, 0, "b")],
            [("a", "on", ON), ("b", "on", OFF)],
        ),
        (
            [fragment("on", "", 0, "a"), fragment("off", "", 0, "b")],
            [("a", "on", ""), ("b", "off", "")],
        ),
        # the id comes late, or only with the name
        ([fragment("on", "", 0), fragment(None, ON, 0, "a")], [("a", "on", ON)]),
        # arguments that are null, or an object
        ([fragment("on", None, 0, "a")], [("a", "on", "")]),
        ([fragment("on", {"name": "lämp"}, 0, "a")], [("a", "on", '{"name": "lämp"}')]),
        # nothing to be called
        ([fragment(None, ON, 0)], []),
        ([{"index": "x", "function": None}], []),
        ([{"index": 0, "id": 7, "function": {"name": 8}}], []),
    ],
)
def test_servers_differ(
    fragments: list[dict[str, Any]], expected: list[tuple[str, str, str]]
) -> None:
    assert read(*fragments) == expected


def test_several_may_come_in_one_chunk() -> None:
    calls = StreamedCalls()
    assert calls.push({"tool_calls": [fragment("on", ON, 0, "a"), fragment("off", OFF, 1, "b")]})
    assert calls.finish() == (ToolCall("a", "on", ON), ToolCall("b", "off", OFF))


def test_the_older_form_is_understood() -> None:
    calls = StreamedCalls()
    assert calls.push({"function_call": {"name": "on", "arguments": ""}})
    assert calls.push({"function_call": {"arguments": ON}})
    assert calls.finish() == (ToolCall("", "on", ON),)


@pytest.mark.parametrize(
    "body", [{}, {"tool_calls": None}, {"tool_calls": {}}, {"tool_calls": [7]}, {"content": "x"}]
)
def test_what_holds_no_calls_says_so(body: dict[str, Any]) -> None:
    calls = StreamedCalls()
    assert not calls.push(body)
    assert calls.finish() == ()


ARGUMENTS = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=8), max_size=3)
CALLS = st.lists(st.tuples(st.sampled_from(["on", "off", "play"]), ARGUMENTS), max_size=4)


@given(CALLS, st.data())
def test_any_cut_gives_the_same_calls(
    calls: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    """By index: the fragments of different calls may even come mixed."""
    expected, queues = [], []
    name_again = data.draw(st.booleans())
    for index, (name, arguments) in enumerate(calls):
        written = json.dumps(arguments)
        expected.append((f"id{index}", name, written))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=5)))
        pieces = [written[a:b] for a, b in zip([0, *cuts], [*cuts, len(written)], strict=True)]
        rest = [fragment(name if name_again else None, piece, index) for piece in pieces]
        queues.append([fragment(name, "", index, f"id{index}"), *rest])
    order = data.draw(st.permutations([n for n, queue in enumerate(queues) for _ in queue]))
    order = sorted(set(order)) + order if calls else []
    found = [queues[n].pop(0) for n in order if queues[n]]
    assert read(*found) == expected


@given(CALLS, st.data())
def test_any_cut_without_an_index_gives_the_same_calls(
    calls: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    """One after the other, each begun by its id and its name."""
    expected, found = [], []
    for number, (name, arguments) in enumerate(calls):
        written = json.dumps(arguments)
        expected.append((f"id{number}", name, written))
        cut = data.draw(st.integers(0, len(written)))
        found.append(fragment(name, written[:cut], None, f"id{number}"))
        found.append(fragment(None, written[cut:], None))
    assert read(*found) == expected
