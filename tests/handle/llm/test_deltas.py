import json
from typing import Any

import pytest

from tests.llama_swap import banner
from wyoming_voice.handle.llm.deltas import (
    Calls,
    Delta,
    Deltas,
    Failed,
    Finished,
    Text,
    Thinking,
    Waiting,
)
from wyoming_voice.handle.tools.toolbox import ToolCall


def chunk(finish: str | None = None, **delta: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def read(*documents: str) -> list[Delta]:
    deltas = Deltas()
    return [delta for document in documents for delta in deltas.push(document)] + deltas.finish()


def test_content_is_text_and_the_end_is_told_once() -> None:
    documents = [chunk(role="assistant"), chunk(content="It is "), chunk(content="noon.")]
    assert read(*documents, chunk("stop"), "[DONE]") == [
        Text("It is "),
        Text("noon."),
        Finished("stop"),
    ]


def test_an_end_that_only_done_tells_is_an_end() -> None:
    assert read(chunk(content="Noon."), "[DONE]") == [Text("Noon."), Finished("stop")]


def test_a_missing_end_is_not_invented() -> None:
    assert read(chunk(content="Noo")) == [Text("Noo")]


@pytest.mark.parametrize(
    "content",
    ["Noon.", ["Noon."], [{"type": "text", "text": "No"}, {"type": "image_url"}, {"text": "on."}]],
)
def test_content_may_be_a_string_or_parts(content: Any) -> None:
    expected = [] if content == ["Noon."] else [Text("Noon.")]
    assert read(chunk(content=content)) == expected


@pytest.mark.parametrize(
    "document",
    [
        "",
        "no json",
        "[]",
        "3",
        "{}",
        '{"choices": null}',
        '{"choices": []}',
        '{"choices": [7]}',
        '{"choices": [{}]}',
        '{"choices": [{"delta": null, "finish_reason": 3}]}',
        '{"choices": [{"delta": {"content": null, "role": "assistant"}}]}',
        '{"choices": [{"delta": {"content": 5, "reasoning_content": {}}}]}',
        '{"choices": [], "usage": {"total_tokens": 9}}',
        "[" * 100_000,
    ],
)
def test_what_makes_no_sense_means_nothing(document: str) -> None:
    assert read(document) == []


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_thoughts_in_their_own_field_are_not_text(name: str) -> None:
    assert read(chunk(**{name: "hm"}), chunk(content="Noon.")) == [Thinking(), Text("Noon.")]


def test_thoughts_between_tags_are_not_text() -> None:
    pieces = ["<th", "ink>hm", " so</thi", "nk>", "Noon."]
    found = read(*(chunk(content=piece) for piece in pieces))
    assert [delta for delta in found if isinstance(delta, Text)] == [Text("Noon.")]
    assert Thinking() in found


def test_a_tag_that_is_none_after_all_comes_before_the_end() -> None:
    assert read(chunk(content="a <th"), chunk("length")) == [
        Text("a "),
        Text("<th"),
        Finished("length"),
    ]


def test_the_loading_banner_is_waiting_and_what_follows_is_thinking() -> None:
    deltas = Deltas()
    seen = [delta for raw in banner() for delta in deltas.push(raw[6:].decode())]
    assert set(seen) == {Waiting()}
    assert deltas.push(chunk(reasoning_content=" \n")) == []
    assert deltas.push(chunk(reasoning_content="The user")) == [Thinking()]
    assert deltas.push(chunk(content="Noon.")) == [Text("Noon.")]


def test_a_banner_is_told_before_it_ends() -> None:
    deltas = Deltas()
    start = [delta for raw in banner()[:8] for delta in deltas.push(raw[6:].decode())]
    assert start
    assert set(start) == {Waiting()}


@pytest.mark.parametrize("thoughts", ["l", "llama-swap is", "━", "So: llama-swap loading model"])
def test_thoughts_that_begin_like_the_banner_are_thoughts(thoughts: str) -> None:
    found = read(*(chunk(reasoning_content=piece) for piece in [*thoughts, "x", "y"]))
    assert set(found) == {Thinking()}


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ('{"error": {"message": "m", "type": "server_error", "code": 500}}', "server_error"),
        ('{"error": {"message": "m", "code": 500}}', "500"),
        ('{"error": "m"}', "unnamed"),
        ('{"code": 500, "message": "m", "type": "unavailable_error"}', "unavailable_error"),
    ],
)
def test_errors_in_the_stream_are_failures(document: str, kind: str) -> None:
    assert read(document) == [Failed(kind, "m")]


def test_an_answer_that_came_in_one_piece_is_read_too() -> None:
    whole = {"choices": [{"message": {"content": "Noon."}, "finish_reason": "stop"}]}
    assert read(json.dumps(whole)) == [Text("Noon."), Finished("stop")]


CALL = {"index": 0, "id": "a", "function": {"name": "on", "arguments": "{}"}}


@pytest.mark.parametrize("reason", ["stop", "tool_calls"])
def test_calls_come_whole_before_the_end_and_are_signs_of_life(reason: str) -> None:
    more = {"index": 0, "function": {"arguments": ""}}
    found = read(
        chunk(content="Well."), chunk(tool_calls=[CALL]), chunk(tool_calls=[more]), chunk(reason)
    )
    assert found == [
        Text("Well."),
        Thinking(),
        Thinking(),
        Calls((ToolCall("a", "on", "{}"),)),
        Finished(reason),
    ]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_an_answer_that_was_cut_asks_for_nothing(reason: str) -> None:
    assert read(chunk(tool_calls=[CALL]), chunk(reason)) == [Thinking(), Finished(reason)]


def test_calls_without_an_end_are_none() -> None:
    assert read(chunk(tool_calls=[CALL])) == [Thinking()]
