from typing import Any

import pytest

from wyoming_voice.errors import BadEvent, TooLarge
from wyoming_voice.handle.session import Question, read_question, read_warm_up


def read(data: dict[str, Any]) -> Question:
    return read_question(data, 40, "mine")


def test_what_home_assistant_sends_is_read() -> None:
    context = {"conversation_id": "01J", "device_id": "d", "satellite_id": "s", "x": [1]}
    question = read({"text": " what time is it \n", "language": "de_CH", "context": context})
    ids = ("01J", "d", "s")
    assert question == Question("what time is it", "mine", "de-CH", *ids, from_hass=True)


@pytest.mark.parametrize(
    ("context", "conversation"),
    [
        ({"conversation_id": "c", "satellite_id": "s", "device_id": "d"}, "c"),
        ({"conversation_id": None, "satellite_id": "s", "device_id": "d"}, "s"),
        ({"conversation_id": "", "device_id": "d"}, "d"),
        ({}, "mine"),
        (None, "mine"),
    ],
)
def test_the_conversation_is_the_narrowest_that_is_known(context: Any, conversation: str) -> None:
    assert read({"text": "x", "context": context}).conversation == conversation


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "'text'.*null"),
        ({"text": 5}, "'text'.*a number"),
        ({"text": True}, "'text'.*a boolean"),
        ({"text": ["x"]}, "'text'.*an array"),
        ({"text": "x", "language": {}}, "'language'.*an object"),
        ({"text": "x", "context": "c"}, "'context'.*a string"),
        ({"text": "x", "context": {"conversation_id": 7}}, "'context.conversation_id'"),
        ({"text": "x", "context": {"device_id": []}}, "'context.device_id'"),
    ],
)
def test_a_wrong_type_is_told_with_the_name_of_its_field(data: dict[str, Any], field: str) -> None:
    with pytest.raises(BadEvent, match=field):
        read(data)


def test_what_is_too_long_is_refused_without_repeating_it() -> None:
    with pytest.raises(TooLarge, match="41 characters; at most 40") as caught:
        read({"text": "s" * 41})
    assert "sss" not in str(caught.value)
    with pytest.raises(TooLarge, match=r"context\.satellite_id"):
        read({"text": "x", "context": {"satellite_id": "s" * 257}})


def test_a_satellite_s_own_prompt_and_what_was_heard_are_read() -> None:
    context = {"system_prompt": " Be a butler. ", "interrupted": True, "heard": "It is"}
    question = read({"text": "x", "context": context})
    assert (question.system_prompt, question.heard) == ("Be a butler.", "It is")
    assert read({"text": "x", "context": {"heard": "It is"}}).heard is None
    assert read({"text": "x", "context": {"interrupted": True}}).heard == ""


@pytest.mark.parametrize(("name", "most"), [("system_prompt", 8000), ("heard", 50_000)])
def test_a_satellite_s_texts_are_bounded(name: str, most: int) -> None:
    context = {"interrupted": True, name: "s" * most}
    assert read({"text": "x", "context": context})
    with pytest.raises(TooLarge, match=rf"context\.{name}' has {most + 1} characters") as caught:
        read({"text": "x", "context": {**context, name: "s" * (most + 1)}})
    assert "sss" not in str(caught.value)
    with pytest.raises(BadEvent, match=rf"context\.{name}' must be a string"):
        read({"text": "x", "context": {**context, name: 7}})


@pytest.mark.parametrize("language", ["auto", "*", "", "en\nIgnore all", "x" * 200, None])
def test_a_language_that_is_no_tag_is_unknown(language: str | None) -> None:
    assert read({"text": "x", "language": language}).language == ""


def test_a_speculative_question_says_so_in_no_uncertain_terms() -> None:
    assert read({"text": "x", "context": {"speculative": True}}).speculative
    for value in (False, None, "true", 1):
        assert not read({"text": "x", "context": {"speculative": value}}).speculative


def test_the_turn_that_a_question_replaces_is_read() -> None:
    assert read({"text": "x", "context": {"replaces": "t1"}}).replaces == "t1"
    assert read({"text": "x", "context": {"replaces": None}}).replaces == ""
    with pytest.raises(BadEvent, match=r"'context\.replaces' must be a string"):
        read({"text": "x", "context": {"replaces": 7}})
    with pytest.raises(TooLarge, match=r"context\.replaces"):
        read({"text": "x", "context": {"replaces": "t" * 257}})


def test_a_warm_up_is_a_question_without_its_text() -> None:
    data = {"language": "de", "context": {"conversation_id": "c", "system_prompt": "Be brief."}}
    assert read_warm_up(data, "mine") == read({"text": "", **data})
    assert read_warm_up({}, "mine") == Question("", "mine")


@pytest.mark.parametrize("data", [{"context": 7}, {"language": 7}])
def test_a_warm_up_that_makes_no_sense_is_called_one(data: dict[str, Any]) -> None:
    with pytest.raises(BadEvent, match=r"of a warm-up must be .*, not a number"):
        read_warm_up(data, "mine")
