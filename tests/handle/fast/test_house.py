"""The fast path through Home Assistant, and which of the two paths a question takes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.hass.fake import SILENT, TOKEN, FakeHass, Sentence
from wyoming_voice.handle.fast import path as fast
from wyoming_voice.handle.fast.house import NOTHING_TO_SAY, HouseFast
from wyoming_voice.handle.fast.path import MOST_CHARS, NotDone, OwnOrHouse, fast_path
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import ToolResult
from wyoming_voice.hass.assist import Assist, Said
from wyoming_voice.hass.connection import Hass
from wyoming_voice.hass.errors import HassError, Trouble

LAMP = Question("turn on the lamp", "connection", "en", device_id="d", satellite_id="s")


class FakeAssist(Assist):
    """Understands what is about a lamp, and says the next thing of a script when it acts."""

    def __init__(self, *script: Said | HassError) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, ...]] = []

    async def understands(
        self, text: str, language: str, device_id: str, *, timeout_s: float = 0
    ) -> bool:
        self.asked.append(("understands", text, language, device_id))
        return "lamp" in text

    async def process(
        self, text: str, language: str, device_id: str, satellite_id: str, *, timeout_s: float = 0
    ) -> Said:
        self.asked.append(("process", text, language, device_id, satellite_id))
        said = self.script.pop(0)
        if isinstance(said, HassError):
            raise said
        return said


async def said(*script: Said | HassError) -> str:
    understood = await HouseFast(FakeAssist(*script)).look(LAMP)
    assert understood is not None
    return await understood.act()


async def test_home_assistant_acts_once_and_not_when_it_is_looked_at() -> None:
    assist = FakeAssist(Said("Turned on the light", done=True))
    understood = await HouseFast(assist).look(LAMP)
    assert assist.asked == [("understands", "turn on the lamp", "en", "d")]
    assert understood is not None
    assert await understood.act() == "Turned on the light"
    assert assist.asked[1:] == [("process", "turn on the lamp", "en", "d", "s")]
    assert understood.name == "home-assistant"


async def test_what_is_not_understood_or_no_command_is_the_model_s() -> None:
    assist = FakeAssist()
    path = HouseFast(assist)
    assert await path.look(Question("tell me a joke", "c")) is None
    assert await path.look(Question("lamp" * MOST_CHARS, "c")) is None
    assert await path.look(Question("", "c")) is None
    assert len(assist.asked) == 1


async def test_where_nothing_was_done_the_model_is_asked() -> None:
    with pytest.raises(NotDone, match="no_valid_targets"):
        await said(Said("There is no such light", done=False, error="no_valid_targets"))
    with pytest.raises(NotDone, match="away"):
        await said(HassError(Trouble.AWAY, "away"))


async def test_where_it_may_have_been_done_the_person_is_told_and_nobody_else_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await said(HassError(Trouble.LATE, "no answer in time")) == in_words(Own.UNSURE, "en")
    assert "no answer in time" in caplog.text
    assert "lamp" not in caplog.text


async def test_what_failed_is_told_in_home_assistant_s_words() -> None:
    assert await said(Said("No timers here", done=False, error="failed_to_handle")) == (
        "No timers here"
    )
    assert await said(Said("", done=False, error="failed_to_handle")) == in_words(Own.UNSURE, "en")


async def test_an_answer_of_silence_is_a_word() -> None:
    assert await said(Said("", done=True)) == NOTHING_TO_SAY


async def test_home_assistant_reads_a_language_s_sentences_before_there_is_a_question() -> None:
    assist = FakeAssist()
    path = HouseFast(assist)
    for language in ("de", "de", "fr"):
        path.warm(replace(LAMP, text="", language=language))
    await rounds()
    assert [language for _, _, language, _ in assist.asked] == ["de", "fr"]
    path.warm(replace(LAMP, text="", language="de"))
    await rounds()
    assert len(assist.asked) == 3
    path.warm(replace(LAMP, text="", language="de"))
    await path.close()
    await rounds()
    assert len(assist.asked) == 3


async def rounds() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Says:
    """A path, and the sentence that it understands all with; None: nothing."""

    def __init__(self, name: str, *, understands: bool = True) -> None:
        self.name = name
        self.understands = understands
        self.told: list[str] = []

    async def look(self, question: Question) -> "Says | None":
        self.told.append("look")
        return self if self.understands else None

    async def act(self) -> str:
        return self.name

    def warm(self, question: Question) -> None:
        self.told.append("warm")

    async def close(self) -> None:
        self.told.append("close")


class Somebody:
    """A client that can do something."""

    tools = ()

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        raise AssertionError("nobody asked for it")


@pytest.mark.parametrize(
    ("client", "own", "first", "asked"),
    [
        (Somebody(), True, "own", ["look"]),
        (Somebody(), False, "house", ["look"]),
        (None, True, "house", []),
    ],
)
async def test_a_client_s_own_timers_come_before_the_house(
    client: Somebody | None, own: bool, first: str, asked: list[str]
) -> None:
    ours, house = Says("own", understands=own), Says("house")
    understood = await OwnOrHouse(ours, house).look(replace(LAMP, client=client))
    assert understood is not None
    assert (understood.name, ours.told) == (first, asked)


async def test_who_has_no_house_to_ask_still_has_a_clock() -> None:
    path = OwnOrHouse(Says("own"), Says("house", understands=False))
    understood = await path.look(LAMP)
    assert understood is not None
    assert understood.name == "own"


class Slow(Says):
    """Takes its time."""

    async def look(self, question: Question) -> Says | None:
        await asyncio.Event().wait()
        return self


async def test_both_looks_together_are_as_long_as_one_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fast, "LOOK_WITHIN_S", 0.01)
    path = OwnOrHouse(Says("own", understands=False), Slow("house"))
    assert await path.look(replace(LAMP, client=Somebody())) is None


async def test_with_patience_home_assistant_may_read_its_sentences_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fast, "LOOK_WITHIN_S", 0.01)

    class Patient(Assist):
        def __init__(self) -> None: ...

        async def understands(
            self, text: str, language: str, device_id: str, *, timeout_s: float = 0
        ) -> bool:
            await asyncio.sleep(0.05)  # longer than a look, and no longer than it may take
            return timeout_s > 10

    for patience_s, understood in ((0.0, False), (20.0, True)):
        house = HouseFast(Patient(), patience_s)
        path = OwnOrHouse(Says("own", understands=False), house, patience_s)
        assert (await path.look(LAMP) is not None) is understood


async def test_both_are_warmed_and_closed() -> None:
    own, house = Says("own", understands=False), Says("house", understands=False)
    path = OwnOrHouse(own, house)
    path.warm(LAMP)
    assert await path.look(LAMP) is None
    await path.close()
    assert sorted(own.told) == sorted(house.told) == ["close", "look", "warm"]


async def test_home_assistant_is_asked_where_it_is_named() -> None:
    assist = FakeAssist()
    path = fast_path(assist, datetime.now)
    assert await path.look(LAMP) is not None
    assert assist.asked
    await path.close()


@asynccontextmanager
async def over_the_wire(fake: FakeHass) -> AsyncIterator[HouseFast]:
    hass = Hass(fake.url, lambda: TOKEN)
    try:
        yield HouseFast(Assist(hass))
    finally:
        await hass.close()


async def test_a_command_goes_over_the_wire_once_with_its_device_and_satellite() -> None:
    async with FakeHass() as fake, over_the_wire(fake) as path:
        fake.sentences[LAMP.text] = Sentence("Turned on the light")
        assert await path.look(replace(LAMP, text="tell me a joke")) is None
        understood = await path.look(LAMP)
        assert understood is not None
        assert "conversation/process" not in fake.commands()
        assert await understood.act() == "Turned on the light"
    (sent,) = [frame for frame in fake.asked if frame["type"] == "conversation/process"]
    assert (sent["device_id"], sent["satellite_id"], sent["language"]) == ("d", "s", "en")


async def test_a_connection_that_breaks_over_a_command_leaves_it_to_nobody() -> None:
    async with FakeHass() as fake, over_the_wire(fake) as path:
        fake.sentences[LAMP.text] = Sentence("Turned on the light")
        fake.answers["conversation/process"] = SILENT
        understood = await path.look(LAMP)
        assert understood is not None
        acting = asyncio.create_task(understood.act())
        await fake.until(lambda: "conversation/process" in fake.commands())
        await fake.hang_up()
        assert await acting == in_words(Own.UNSURE, "en")
        assert fake.commands().count("conversation/process") == 1


async def test_home_assistant_that_went_before_a_command_leaves_it_to_the_model() -> None:
    async with FakeHass() as fake, over_the_wire(fake) as path:
        fake.sentences[LAMP.text] = Sentence("Turned on the light")
        understood = await path.look(LAMP)
        assert understood is not None
        await fake.stop()
        with pytest.raises(NotDone):
            await understood.act()
        assert await path.look(LAMP) is None
