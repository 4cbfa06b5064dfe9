"""Home Assistant's sentences as they are: which match, with which slots, and what is said to them."""

from datetime import datetime
from functools import cache
from typing import Any

import pytest

from wyoming_voice.handle.fast.sentences import Sentences
from wyoming_voice.handle.fast.slots import Recognised, at_the_clock

FIVE = {"minutes": 5}


@cache
def of(language: str) -> Sentences:
    sentences = Sentences.load(language)
    assert sentences is not None
    return sentences


@pytest.mark.parametrize(
    ("language", "text", "intent", "values"),
    [
        ("en", "set a timer for five minutes", "HassStartTimer", FIVE),
        ("en", "Set a timer for 5 minutes.", "HassStartTimer", FIVE),
        ("en", "please set a 5-minute timer", "HassStartTimer", FIVE),
        ("en", "90 second timer", "HassStartTimer", {"seconds": 90}),
        (
            "en",
            "set a one hour and thirty minute timer for me",
            "HassStartTimer",
            {"hours": 1, "minutes": 30},
        ),
        ("en", "set a timer for half an hour", "HassStartTimer", {"minutes": 30}),
        ("en", "set a five minute timer for tea", "HassStartTimer", {"minutes": 5, "name": "tea"}),
        ("en", "cancel the tea timer", "HassCancelTimer", {"name": "tea"}),
        ("en", "cancel all timers", "HassCancelAllTimers", {}),
        ("en", "how much time is left on my timer", "HassTimerStatus", {}),
        ("en", "add two minutes to the timer", "HassIncreaseTimer", {"minutes": 2}),
        ("en", "pause my timer", "HassPauseTimer", {}),
        ("en", "resume the 10 minute timer", "HassUnpauseTimer", {"start_minutes": 10}),
        ("en", "set the volume to fifty percent", "HassSetVolume", {"volume_level": 50}),
        ("en", "set volume to 50%", "HassSetVolume", {"volume_level": 50}),
        ("en", "turn the volume up", "HassSetVolumeRelative", {"volume_step": "up"}),
        ("en", "decrease the volume by 20", "HassSetVolumeRelative", {"volume_step": -20}),
        ("en", "What's the time?", "HassGetCurrentTime", {}),
        ("en", "what is today's date", "HassGetCurrentDate", {}),
        ("de", "Stelle einen Timer auf fünf Minuten.", "HassStartTimer", FIVE),
        ("de", "wie spät ist es", "HassGetCurrentTime", {}),
        ("fr", "mets un minuteur de cinq minutes", "HassStartTimer", FIVE),
        ("es", "pon un temporizador de 5 minutos", "HassStartTimer", FIVE),
        ("nl", "zet een timer voor vijf minuten", "HassStartTimer", FIVE),
        ("zh-CN", "设置一个五分钟的计时器", "HassStartTimer", FIVE),
        ("th", "ตั้งจับเวลา5นาที", "HassStartTimer", FIVE),
    ],
)
def test_a_command_in_people_s_words(
    language: str, text: str, intent: str, values: dict[str, Any]
) -> None:
    found = of(language).recognise(text)
    assert found is not None
    known = {name: value for name, value in found.values.items() if name != "area"}
    assert (found.intent, known) == (intent, values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tell me a joke",
        "turn off the kitchen light",
        "set a timer",
        "set a timer for five minutes and turn off the light",
        "could you perhaps tell me what time it is in Tokyo",
        "cancel the timer in the kitchen",
        "set the volume to fifty in the kitchen",
        "set the radio volume to fifty",
        "turn off the light in five minutes",
        "hello",
        "{name}",
    ],
)
def test_what_is_not_matched_in_full_or_wants_a_house_is_left(text: str) -> None:
    assert of("en").recognise(text) is None


def test_words_that_may_be_anything_are_told_apart() -> None:
    found = of("en").recognise("set a five minute timer called pasta and turn off the light")
    assert found is not None
    assert found.free == {"name"}
    found = of("en").recognise("set a five minute timer")
    assert found is not None
    assert not found.free


def said(language: str, text: str, **more: Any) -> str:
    found = of(language).recognise(text)
    assert found is not None
    return of(language).answer(found, more)


def test_an_answer_tells_the_slots_as_they_were_spoken() -> None:
    assert (
        said("en", "set a timer for one hour and 5 minutes")
        == "Timer set for one hour and 5 minutes"
    )
    assert said("de", "Timer fünf Minuten") == "Timer für fünf Minuten gestartet"


def test_an_answer_tells_what_came_of_it() -> None:
    assert said("en", "cancel all timers", canceled=1) == "Canceled 1 timer."
    now = datetime(2026, 11, 21, 17, 7)
    assert said("en", "what time is it", **at_the_clock(now)) == "5:07 PM"
    assert said("en", "what is the date", **at_the_clock(now)) == "November 21st, 2026"
    assert said("de", "wie spät ist es", **at_the_clock(now)) == "Es ist 17:07"


def test_the_answers_of_the_languages_that_need_more_than_most_can_be_put() -> None:
    assert "5" in said("th", "ตั้งจับเวลา5นาที")  # its template builds a list


def test_an_answer_that_lacks_something_is_none() -> None:
    assert said("en", "what time is it") == ""
    assert of("en").answer(Recognised("HassStartTimer", "no such", {}, {}), {}) == ""


def test_a_language_nobody_has_written_is_none() -> None:
    assert Sentences.load("xx") is None


def test_a_language_that_can_t_be_used_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {
        "language": "xx",
        "intents": {"HassStartTimer": {"data": [{"sentences": ["<no such rule>"]}]}},
        "responses": {"intents": {}},
    }
    monkeypatch.setattr("wyoming_voice.handle.fast.sentences.get_intents", lambda _: broken)
    assert Sentences.load("xx") is None
    monkeypatch.setattr(
        "wyoming_voice.handle.fast.sentences.get_intents", lambda _: {"language": "xx"}
    )
    assert Sentences.load("xx") is None
    assert caplog.text.count("the sentences for 'xx' can't be used") == 2
