"""From the slots of a sentence to a tool's arguments, and from its result to what is said."""

from datetime import datetime

import pytest

from wyoming_voice.handle.fast.slots import (
    Recognised,
    Slot,
    arguments_for,
    at_the_clock,
    came_of_it,
    variant_of,
)
from wyoming_voice.handle.tools.toolbox import Tool

KNOWN = ("de", "de-CH", "en", "nb", "pt", "pt-BR", "sr", "sr-Latn", "zh-CN", "zh-HK", "zh-TW")
START = Tool("HassStartTimer", "", {"properties": {"hours": {}, "minutes": {}, "name": {}}})
VOLUME = Tool("HassSetVolume", "", {"properties": {"volume_level": {}}})


def start(*free: str, **values: Slot) -> Recognised:
    return Recognised("HassStartTimer", "default", values, values, frozenset(free))


def test_a_sentence_is_a_call_of_the_tool_with_its_intent_s_name() -> None:
    assert arguments_for(start(minutes=5.0, hours=1), (VOLUME, START)) == {"minutes": 5, "hours": 1}
    assert str(arguments_for(start(minutes=5.0), (START,))) == "{'minutes': 5}"
    assert arguments_for(start(minutes=0.5), (START,)) == {"minutes": 0.5}


def test_what_no_tool_takes_whole_is_no_call() -> None:
    assert arguments_for(start(minutes=5), ()) is None
    assert arguments_for(start(minutes=5), (VOLUME,)) is None
    assert arguments_for(start(minutes=5, seconds=3), (START,)) is None


def test_the_room_that_is_filled_in_is_the_client_s_own() -> None:
    louder = Recognised("HassSetVolume", "default", {"volume_level": 50, "area": "here"}, {})
    assert arguments_for(louder, (VOLUME,)) == {"volume_level": 50}


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("pizza", True),
        ("the big pizza", True),
        ("a tea and light", False),
        ("pasta and turn off the light", False),
        ("keinen", False),
        ("not the big", False),
        ("把厨房的灯关掉然后告诉我现在是几点钟好不好谢谢你了", False),
    ],
)
def test_a_name_is_a_short_one_where_any_words_would_match(name: str, taken: bool) -> None:
    assert (arguments_for(start("name", minutes=5, name=name), (START,)) is not None) == taken
    assert arguments_for(start(minutes=5, name=name), (START,)) is not None


def test_the_answer_about_the_clock_is_given_the_time_and_the_date() -> None:
    now = datetime(2026, 11, 21, 17, 7)
    assert at_the_clock(now) == {"time": now.time(), "date": now.date()}


def test_only_what_the_answer_tells_is_taken_from_a_result() -> None:
    assert came_of_it("HassCancelAllTimers", '{"canceled": 2, "x": 1}') == {"canceled": 2}
    assert came_of_it("HassTimerStatus", '{"timers": [], "more": 1}') == {"timers": []}
    assert came_of_it("HassStartTimer", "started") == {}
    for text in ("3 timers", "[1]", '{"timers": 3}', '{"canceled": "two"}', "[" * 100_000):
        assert came_of_it("HassCancelAllTimers", text) is None
        assert came_of_it("HassTimerStatus", text) is None


@pytest.mark.parametrize(
    ("language", "variant"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("de-CH", "de"),
        ("pt-BR", "pt-BR"),
        ("pt-PT", "pt"),
        ("PT-br", "pt-BR"),
        ("no", "nb"),
        ("sr-Latn-RS", "sr-Latn"),
        ("zh", "zh-CN"),
        ("zh-Hant", "zh-TW"),
        ("yue", "zh-HK"),
        ("", "en"),
        ("sw", "en"),
    ],
)
def test_a_language_is_served_by_the_nearest_there_is(language: str, variant: str) -> None:
    assert variant_of(language, KNOWN) == variant


def test_without_english_there_may_be_none() -> None:
    assert variant_of("sw", ("de",)) is None
