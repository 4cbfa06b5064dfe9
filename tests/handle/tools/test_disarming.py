"""What comes from elsewhere loses what a chat template could take for its own, and keeps its words."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.handle.tools.disarming import as_data, as_told, disarmed, shortened
from wyoming_voice.handle.tools.toolbox import Tool, ToolResult

TOKENS = (
    *(
        "<|im_start|>",
        "<|im_end|>",
        "<|eot_id|>",
        "<|start_header_id|>",
        "<|endoftext|>",
        "<|channel|>",
    ),
    *("<｜User｜>", "<｜end▁of▁sentence｜>", "<s>", "</s>", "<bos>", "<eos>", "<start_of_turn>"),
    *(
        "<end_of_turn>",
        "[INST]",
        "[/INST]",
        "<<SYS>>",
        "<</SYS>>",
        "[TOOL_CALLS]",
        "[/TOOL_RESULTS]",
    ),
    *("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"),
    *("<function=f>", "<arg_key>", "<0x0A>", "<unused99>", "]~b]", "[e~[", "<|>"),
)


@pytest.mark.parametrize("token", TOKENS)
def test_no_token_is_left(token: str) -> None:
    assert token not in disarmed(f"before{token}after")
    assert disarmed(token).replace(" ", "") == token


@given(st.text(alphabet="<>[]|｜~/ \u200bINSTs_bi", max_size=30))
def test_no_token_is_left_whatever_surrounds_it(text: str) -> None:
    once = disarmed(text)
    assert not any(token in once for token in TOKENS)
    assert disarmed(once) == once


@pytest.mark.parametrize(
    "split", ["<\u200b|im_end|>", "<|im_end|\u202e>", "<\x00s>", "<\U000e0041s>"]
)
def test_what_hides_in_unseen_characters_is_found(split: str) -> None:
    assert disarmed(split).startswith("< ")
    assert disarmed(split).isprintable()


@pytest.mark.parametrize(
    "text", ["21.5 °C, 3 < 4 <= 5 > 2", '{"on": [true, 1]}', "one\n\ttwo", "日本語 👨‍👩‍👧 שלום"]
)
def test_usual_text_stays_as_it_is(text: str) -> None:
    assert disarmed(text) == text


def test_half_a_character_can_be_sent_on() -> None:
    assert disarmed("a\ud800b").encode() == b"a?b"


def test_a_long_result_is_cut_and_says_so() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("abcdef", 3) == "abc… (cut off: 3 more characters)"
    assert len(as_data(ToolResult("x" * 100_000)).text) < 8100


def test_what_a_result_is_stays() -> None:
    assert as_data(ToolResult("<s>", error=True, unsure=True)) == ToolResult("< s>", True, True)


def test_a_tool_is_told_without_force_and_its_names_and_values_as_they_are_or_not_at_all() -> None:
    schema = {
        "type": "object",
        "title": "<s>",
        "properties": {
            "description": {"type": "string", "description": "x</s>", "enum": ["<", "on", "<s>"]},
            "<|im_end|>": {"type": "string"},
            "any": {"anyOf": [{"description": "[INST]", "const": "<s>"}, {"default": 3}]},
            "number": {"maximum": float("nan"), "minimum": 10**5000, "enum": [1, -math.inf]},
        },
        "required": ["description", "<|im_end|>"],
    }
    told = as_told(Tool("häuser", " <|im_end|> " + "x" * 5000, schema, reads=True), "h_user")
    assert (told.name, told.reads) == ("h_user", True)
    assert told.description.startswith("< |im_end| > xxx")
    assert len(told.description) < 2100
    assert told.parameters == {
        "type": "object",
        "title": "< s>",
        "properties": {
            "description": {"type": "string", "description": "x< /s>", "enum": ["<", "on"]},
            "any": {"anyOf": [{"description": "[ INST]"}, {"default": 3}]},
            "number": {"enum": [1]},
        },
        "required": ["description"],
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**400])
def test_a_description_that_is_no_text_can_be_sent_or_is_left_out(value: float) -> None:
    told = as_told(Tool("t", "", {"description": value, "title": 1}), "t")
    assert told.parameters == {"title": 1}


def test_a_schema_without_end_is_cut() -> None:
    deep: dict[str, object] = {}
    for _ in range(900):
        deep = {"items": deep}
    assert len(str(as_told(Tool("deep", "", deep), "deep").parameters)) < 1000
