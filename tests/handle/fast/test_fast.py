"""Simple commands from one end to the other: a satellite's own tools, Home Assistant, and no model."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event

from tests.handle.fast.test_satellite import loaded, ready
from tests.handle.talking import ask, kinds, rest, say, settings, talking, texts
from tests.hass.fake import TOKEN, FakeHass, Sentence
from tests.llama_swap import FakeLlamaSwap, words
from tests.satellite.around.test_tools import Kitchen
from wyoming_voice.handle.fast.path import FastPath, NotDone
from wyoming_voice.handle.server import build
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.offered import read_tools
from wyoming_voice.handle.tools.toolbox import ToolResult
from wyoming_voice.service import serving
from wyoming_voice.wire import connect


class Satellite:
    """The client that a satellite is, with its own tools."""

    def __init__(self, kitchen: Kitchen) -> None:
        self.kitchen = kitchen
        offered = [dict(spec) for spec in kitchen.tools.specs]
        self.tools = read_tools("transcript", {"context": {"tools": offered}})

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        done = self.kitchen.tools.do(name, arguments)
        return ToolResult(done.text, error=done.error)


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path / "timers.json")


@pytest.fixture
async def path() -> AsyncIterator[FastPath]:
    async with ready() as path:
        yield path


async def said(path: FastPath, kitchen: Kitchen, text: str) -> str:
    understood = await path.look(Question(text, "c", "en", client=Satellite(kitchen)))
    assert understood is not None
    return await understood.act()


async def test_an_afternoon_of_timers(path: FastPath, kitchen: Kitchen) -> None:
    for text, answer in (
        ("how much time is left on my timer", "No timers."),
        ("Set a timer for ten minutes.", "Timer set for ten minutes"),
        ("set a 3 minute timer for tea", "Timer set for 3 minutes named tea"),
        ("add two minutes to the tea timer", "two minutes added to timer named tea"),
        ("pause the ten minute timer", "Timer paused"),
        ("how much time is left on the tea timer", "5 minutes left."),
        ("how long is left on my timers", "1 paused timer. 5 minutes left on 5 minute tea timer."),
        ("resume the 10 minute timer", "Timer resumed"),
        ("cancel the tea timer", "Timer cancelled"),
        ("take 60 seconds off my timer", "60 seconds removed from timer"),
        ("cancel all timers", "Canceled 1 timer."),
    ):
        assert await said(path, kitchen, text) == answer, text
    assert kitchen.names == []


async def test_the_volume(path: FastPath, kitchen: Kitchen) -> None:
    for text, volume in (
        ("set the volume to thirty percent", 0.3),
        ("turn the volume up", 0.4),
        ("decrease the volume by 15%", 0.25),
    ):
        assert await said(path, kitchen, text) == "Volume set"
        assert kitchen.mouth.volume == pytest.approx(volume)


async def test_what_fits_no_timer_or_two_is_the_model_s_to_talk_about(
    path: FastPath, kitchen: Kitchen
) -> None:
    with pytest.raises(NotDone, match="there is no timer"):
        await said(path, kitchen, "cancel the timer")
    await said(path, kitchen, "set a timer for one minute")
    await said(path, kitchen, "set a timer for two minutes")
    with pytest.raises(NotDone, match="2 timers fit"):
        await said(path, kitchen, "pause the timer")
    assert len(kitchen.names) == 2


async def test_over_the_wire_a_satellite_s_timer_needs_no_model(kitchen: Kitchen) -> None:
    async with FakeLlamaSwap(words("I am the model.")) as fake:
        given = settings(llm_url=fake.url, fast_intents=True)
        program = build(given)
        async with serving(program, given) as address, connect(str(address)) as client:
            assert program._parts.fast is not None
            await loaded(program._parts.fast, "en")
            context = {"tools": [dict(spec) for spec in kitchen.tools.specs]}
            await say(client, "Set a timer for five minutes.", language="en", context=context)
            call = await client.read()
            assert call is not None
            assert (call.type, call.data["name"]) == ("tool-call", "HassStartTimer")
            assert call.data["arguments"] == {"minutes": 5}
            done = kitchen.tools.do(call.data["name"], call.data["arguments"])
            await client.write(Event("tool-result", {"id": call.data["id"], "text": done.text}))
            assert texts(await rest(client), "handled") == ["Timer set for five minutes"]
            assert fake.chats == []
            assert texts(await ask(client, "why?"), "handled") == ["I am the model."]


async def test_over_the_wire_home_assistant_s_light_needs_no_model(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    async with FakeLlamaSwap(words("I am the model.")) as fake, FakeHass() as hass:
        hass.sentences["turn on the lamp"] = Sentence("Turned on the light")
        token = tmp_path / "token"
        options = {"fast_intents": True, "hass_url": hass.url, "hass_token_file": token}
        async with talking(fake, **options) as client:
            said = await ask(client, "turn on the lamp", language="en")
            assert texts(said, "handled") == ["Turned on the light"]
            assert fake.chats == []
            assert texts(await ask(client, "why?"), "handled") == ["I am the model."]
    assert hass.commands().count("conversation/process") == 1


async def test_a_command_is_looked_at_on_speculation_and_done_once_it_stands(
    tmp_path: Path,
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    async with FakeLlamaSwap(words("I am the model.")) as fake, FakeHass() as hass:
        hass.sentences["turn on the lamp"] = Sentence("Turned on the light")
        token = tmp_path / "token"
        options = {"fast_intents": True, "hass_url": hass.url, "hass_token_file": token}
        async with talking(fake, **options) as client:
            await say(client, "turn on the lamp", language="en", context={"speculative": True})
            looked = "conversation/agent/homeassistant/debug"
            await hass.until(lambda: looked in hass.commands())
            for _ in range(20):  # it has heard by then that it is understood
                await client.write(Event("ping", {"text": "still there"}))
                assert await kinds(client, 1) == ["pong"]
            assert "conversation/process" not in hass.commands()
            await client.write(Event("commit"))
            assert texts(await rest(client), "handled") == ["Turned on the light"]
