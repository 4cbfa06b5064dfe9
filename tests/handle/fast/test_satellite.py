"""The fast path without a house: what is asked of the client, what is said, and which languages are kept."""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.fast import path as fast
from wyoming_voice.handle.fast import satellite as satellite_fast
from wyoming_voice.handle.fast.path import FastPath, NotDone, Understood, fast_path
from wyoming_voice.handle.fast.satellite import DONE, SatelliteFast
from wyoming_voice.handle.fast.slots import Recognised
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import Tool, ToolResult

NOON = datetime(2026, 11, 21, 12, 0)
AMOUNTS: dict[str, Any] = {"properties": {"hours": {}, "minutes": {}, "seconds": {}, "name": {}}}
TOOLS = (
    Tool("HassStartTimer", "", AMOUNTS),
    Tool("HassCancelAllTimers", "", {"properties": {}}),
    Tool("HassTimerStatus", "", {"properties": {}}),
)
TEA = {"name": "tea", "is_active": True, "total_seconds_left": 268}
TEA |= {"rounded_hours_left": 0, "rounded_minutes_left": 4, "rounded_seconds_left": 30}


class FakeClient:
    """Does what it is asked to, with one result for all."""

    def __init__(self, result: ToolResult, tools: tuple[Tool, ...] = TOOLS) -> None:
        self.tools = tools
        self.result = result
        self.called: list[tuple[str, dict[str, Any]]] = []

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.called.append((name, dict(arguments)))
        return self.result


class Echo:
    """Sentences that understand all there is, once they may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.may.set()

    def recognise(self, text: str) -> Recognised | None:
        self.may.wait(20)
        return Recognised("HassGetCurrentTime", "default", {}, {})

    def answer(self, recognised: Recognised, more: Mapping[str, Any]) -> str:
        return ""


class Shelf:
    """A library that counts; language "xx" has no sentences."""

    def __init__(self) -> None:
        self.echo = Echo()
        self.loaded: list[str] = []
        self.may = threading.Event()
        self.may.set()

    def variant(self, language: str) -> str | None:
        return language or None

    def load(self, variant: str) -> Echo | None:
        self.may.wait(20)
        self.loaded.append(variant)
        return None if variant == "xx" else self.echo


def asked(text: str, client: FakeClient | None = None, language: str = "en") -> Question:
    return Question(text, "connection", language, client=client)


@asynccontextmanager
async def ready(path: FastPath | None = None, language: str = "en") -> AsyncIterator[FastPath]:
    """A path that has the sentences of `language`; the real ones, at leisure, unless told otherwise."""
    path = path or fast_path(None, lambda: NOON, patience_s=20)
    try:
        await loaded(path, language)
        yield path
    finally:
        await path.close()


async def loaded(path: FastPath, *languages: str) -> None:
    for language in languages:
        path.warm(asked("", language=language))
        assert isinstance(path, SatelliteFast)
        while path.loading:
            await asyncio.wait(path.loading)


async def seen(path: FastPath, question: Question) -> Understood:
    understood = await path.look(question)
    assert understood is not None
    return understood


async def test_a_command_is_the_client_s_to_carry_out_once_and_not_when_it_is_looked_at() -> None:
    client = FakeClient(ToolResult("started"))
    async with ready() as path:
        understood = await seen(path, asked("set a timer for five minutes", client))
        assert client.called == []
        assert await understood.act() == "Timer set for five minutes"
    assert client.called == [("HassStartTimer", {"minutes": 5})]
    assert understood.name == "HassStartTimer"


async def test_only_what_the_client_offers_is_understood() -> None:
    async with ready() as path:
        assert await path.look(asked("set a timer for five minutes")) is None
        assert await path.look(asked("pause the timer", FakeClient(ToolResult("")))) is None
        long = "set a five minute timer for pasta and turn off the light"
        assert await path.look(asked(long, FakeClient(ToolResult("")))) is None


async def test_the_clock_needs_no_client() -> None:
    async with ready() as path:
        assert await (await seen(path, asked("what time is it"))).act() == "12:00 PM"


async def test_the_answer_tells_what_came_of_it() -> None:
    client = FakeClient(ToolResult('{"canceled": 2}'))
    async with ready() as path:
        assert await (await seen(path, asked("cancel all timers", client))).act() == (
            "Canceled 2 timers."
        )
        timers = await seen(path, asked("how much time is left on the timer", client))
        client.result = ToolResult(json.dumps({"timers": [TEA]}))
        assert await timers.act() == "4 minutes and 30 seconds left."


async def test_of_what_was_done_something_is_said_and_what_can_t_be_told_is_the_model_s() -> None:
    client = FakeClient(ToolResult("none of your business"))
    async with ready() as path:
        assert await (await seen(path, asked("cancel all timers", client))).act() == DONE
        timers = await seen(path, asked("how much time is left on the timer", client))
        with pytest.raises(NotDone, match="HassTimerStatus"):
            await timers.act()


async def test_a_client_that_did_nothing_leaves_it_to_the_model() -> None:
    client = FakeClient(ToolResult("too many timers", error=True))
    async with ready() as path:
        understood = await seen(path, asked("set a timer for five minutes", client))
        with pytest.raises(NotDone, match="too many timers"):
            await understood.act()


async def test_a_client_that_may_have_done_it_leaves_it_to_nobody() -> None:
    client = FakeClient(ToolResult("no answer", error=True, unsure=True))
    async with ready() as path:
        understood = await seen(path, asked("set a timer for five minutes", client))
        assert await understood.act() == in_words(Own.UNSURE, "en")


async def test_a_clock_without_an_answer_leaves_it_to_the_model() -> None:
    async with ready(SatelliteFast(Shelf(), lambda: NOON)) as path:
        with pytest.raises(NotDone, match="HassGetCurrentTime"):
            await (await seen(path, asked("what time is it"))).act()


async def test_the_first_question_in_a_language_has_its_sentences_loaded_and_waits_for_none() -> (
    None
):
    shelf = Shelf()
    shelf.may.clear()
    path = SatelliteFast(shelf, lambda: NOON)
    for _ in range(3):
        assert await path.look(asked("what time is it")) is None
    shelf.may.set()
    await loaded(path, "en")
    assert await path.look(asked("what time is it")) is not None
    assert shelf.loaded == ["en"]
    await path.close()


async def test_who_names_no_language_speaks_that_of_the_house() -> None:
    shelf = Shelf()
    async with opened(SatelliteFast(shelf, lambda: NOON, patience_s=20)) as path:
        for language in ("", "xx"):
            question = asked("what time is it", language=language)
            await path.look(replace(question, house_language="de"))
    assert shelf.loaded == ["de", "xx"]


async def test_with_patience_the_first_question_in_a_language_waits_for_its_sentences() -> None:
    shelf = Shelf()
    shelf.may.clear()
    async with opened(SatelliteFast(shelf, lambda: NOON, patience_s=20)) as path:
        looking = asyncio.create_task(path.look(asked("what time is it")))
        await asyncio.wait((looking,), timeout=0.01)
        assert (looking.done(), len(path.loading)) == (False, 1)
        shelf.may.set()
        assert await looking is not None
        assert await path.look(asked("what time is it", language="xx")) is None
    assert shelf.loaded == ["en", "xx"]


async def test_patience_comes_to_an_end() -> None:
    shelf = Shelf()
    shelf.may.clear()
    async with opened(SatelliteFast(shelf, lambda: NOON, patience_s=0.01)) as path:
        assert await path.look(asked("what time is it")) is None
        assert path.loading
        shelf.may.set()
        await loaded(path, "en")
        assert await path.look(asked("what time is it")) is not None
    assert shelf.loaded == ["en"]


@asynccontextmanager
async def opened(path: SatelliteFast) -> AsyncIterator[SatelliteFast]:
    try:
        yield path
    finally:
        await path.close()


async def test_the_language_that_was_spoken_longest_ago_is_let_go() -> None:
    shelf = Shelf()
    async with ready(SatelliteFast(shelf, lambda: NOON), "a") as path:
        await loaded(path, "b", "c", "d", "a", "e")
        assert shelf.loaded == ["a", "b", "c", "d", "e"]
        await loaded(path, "a", "b")
        assert shelf.loaded == ["a", "b", "c", "d", "e", "b"]


async def test_a_language_without_sentences_is_not_loaded_again() -> None:
    shelf = Shelf()
    async with ready(SatelliteFast(shelf, lambda: NOON), "xx") as path:
        assert await path.look(asked("what time is it", language="xx")) is None
        await loaded(path, "xx")
        assert await path.look(asked("what time is it", language="")) is None
    assert shelf.loaded == ["xx"]


async def test_what_is_too_long_for_a_command_is_not_looked_at() -> None:
    async with ready(SatelliteFast(Shelf(), lambda: NOON)) as path:
        assert await path.look(asked("x" * fast.MOST_CHARS)) is not None
        assert await path.look(asked("x" * (fast.MOST_CHARS + 1))) is None
        assert await path.look(asked("")) is None


async def test_a_look_that_takes_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(satellite_fast, "LOOK_WITHIN_S", 0.01)
    shelf = Shelf()
    async with ready(SatelliteFast(shelf, lambda: NOON)) as path:
        shelf.echo.may.clear()
        try:
            assert await path.look(asked("what time is it")) is None
        finally:
            shelf.echo.may.set()


async def test_what_is_closed_while_it_loads_ends() -> None:
    shelf = Shelf()
    shelf.may.clear()
    path = SatelliteFast(shelf, lambda: NOON)
    path.warm(asked(""))
    await path.close()
    assert not path.loading
    shelf.may.set()
    await loaded(path, "en")
    assert await path.look(asked("what time is it")) is None


def test_without_the_libraries_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "wyoming_voice.handle.fast.sentences", raising=False)
    monkeypatch.setitem(sys.modules, "hassil.errors", None)
    with pytest.raises(ConfigError, match=r"'hassil': pip install 'wyoming-voice\[intents\]'"):
        fast_path(None, lambda: NOON)
