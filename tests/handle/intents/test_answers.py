"""`--answer-intents` as Home Assistant sees it: over the wire, read with wyoming's own classes."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from wyoming.asr import Transcript
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info
from wyoming.intent import Intent, IntentsStart, IntentsStop, NotRecognized

from tests.handle import talking
from tests.handle.talking import served, texts
from tests.llama_swap import DONE, FakeLlamaSwap, Reply, asks, delta, refusal, words
from wyoming_voice.handle.intents.events import HANDED_OVER, TOLD
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.wire import connect

CONTEXT = {"conversation_id": "01J", "device_id": "d", "satellite_id": "assist_satellite.kitchen"}


LAMP_ON = ("HassTurnOn", {"name": "Kitchen lamp"})


class Read:
    """What Home Assistant 2026.11 makes of the events of an answer (components/wyoming/conversation.py)."""

    def __init__(self) -> None:
        self.intents: list[Intent] = []
        self.speech = self.error = ""

    async def answer(self, client: AsyncTcpClient) -> "Read":
        listed = False
        while True:
            event = await client.read_event()
            assert event is not None
            assert not Error.is_type(event.type)
            assert not NotRecognized.is_type(event.type)
            if IntentsStart.is_type(event.type):
                listed = True
            elif Intent.is_type(event.type):
                self.intents.append(Intent.from_event(event))
                if not listed:
                    return self
            elif IntentsStop.is_type(event.type):
                return self
            elif Handled.is_type(event.type):
                self.speech = Handled.from_event(event).text or ""
                return self
            elif NotHandled.is_type(event.type):
                self.error = NotHandled.from_event(event).text or ""
                return self


async def ask(
    uri: str, text: str = "turn on the lamp", language: str = "en", **context: Any
) -> Read:
    """One question as Home Assistant asks it: on a connection of its own, which it closes."""
    async with AsyncTcpClient(*_address(uri)) as client:
        told = Transcript(text, context={**CONTEXT, **context}, language=language)
        await client.write_event(told.event())
        async with asyncio.timeout(5):
            return await Read().answer(client)


def _address(uri: str) -> tuple[str, int]:
    host, _, port = uri.removeprefix("tcp://").rpartition(":")
    return host, int(port)


@contextlib.asynccontextmanager
async def answering(fake: FakeLlamaSwap, **values: Any) -> AsyncIterator[str]:
    async with served(llm_url=fake.url, answer_intents=True, **values) as uri:
        yield uri


async def test_a_call_is_an_intent_for_home_assistant_to_carry_out() -> None:
    script = asks(("HassLightSet", {"name": "Kitchen lamp", "brightness": 30}), text="Dimmed.")
    async with FakeLlamaSwap(script) as fake, answering(fake) as uri:
        read = await ask(uri)
    (intent,) = read.intents
    slots = {entity.name: entity.value for entity in intent.entities}
    assert (intent.name, slots, intent.text) == (
        "HassLightSet",
        {"name": "Kitchen lamp", "brightness": 30},
        "Dimmed.",
    )


async def test_several_calls_are_a_list() -> None:
    script = asks(LAMP_ON, ("HassStartTimer", {"minutes": 5}))
    async with FakeLlamaSwap(script) as fake, answering(fake) as uri:
        read = await ask(uri)
    assert [intent.name for intent in read.intents] == ["HassTurnOn", "HassStartTimer"]
    assert [intent.text for intent in read.intents] == ["Kitchen lamp: OK.", "OK."]


async def test_words_without_calls_are_handled_as_ever() -> None:
    async with FakeLlamaSwap(words("It is", " noon.")) as fake, answering(fake) as uri:
        read = await ask(uri)
    assert (read.speech, read.intents) == ("It is noon.", [])


async def test_the_model_is_offered_the_intents_and_told_about_them() -> None:
    async with FakeLlamaSwap(words("x")) as fake, answering(fake, system_prompt="Be.") as uri:
        await ask(uri)
    (chat,) = fake.chats
    names = {tool["function"]["name"] for tool in chat["tools"]}
    assert {"HassTurnOn", "HassClimateSetTemperature", "HassStartTimer"} <= names
    assert TOLD in chat["messages"][0]["content"]


@pytest.mark.parametrize(
    "wanted",
    [
        [("HassLightSet", {"name": "lamp", "brightness": 300})],
        [("HassOpenTheDoor", {"name": "door"})],
        [LAMP_ON, ("HassTurnOff", {})],
    ],
)
async def test_calls_that_don_t_fit_are_a_sentence_and_nothing_is_done(
    wanted: list[tuple[str, dict[str, Any]]],
) -> None:
    script = asks(*wanted, text="Done!")
    async with FakeLlamaSwap(script) as fake, answering(fake) as uri:
        read = await ask(uri)
    assert (read.error, read.intents) == (in_words(Own.UNFIT, "en"), [])


async def test_a_timer_without_a_device_to_have_it_is_not_asked_of_home_assistant() -> None:
    script = asks(("HassStartTimer", {"minutes": 5}), text="Done!")
    async with FakeLlamaSwap(script) as fake, answering(fake) as uri:
        read = await ask(uri, device_id=None)
    assert (read.error, read.intents) == (in_words(Own.UNFIT, "en"), [])


async def test_whoever_is_not_home_assistant_is_answered_as_ever() -> None:
    async with FakeLlamaSwap(words("It is noon.")) as fake, answering(fake) as uri:
        read = await ask(uri, turn_id="t1")
    assert read.speech == "It is noon."
    assert "tools" not in fake.chats[0]


async def test_without_the_option_home_assistant_is_answered_as_ever() -> None:
    async with FakeLlamaSwap(words("x")) as fake, served(llm_url=fake.url) as uri:
        await ask(uri)
    assert "tools" not in fake.chats[0]


async def test_what_was_handed_over_is_remembered_and_the_prompt_only_grows() -> None:
    script = (asks(LAMP_ON, text="On."), words("x"), asks(LAMP_ON), words("y"))
    async with FakeLlamaSwap(*script) as fake, answering(fake) as uri:
        for text in ("lamp on", "thanks", "again", "thanks"):
            await ask(uri, text)
    before: list[Any] = []
    for chat in fake.chats:
        assert chat["messages"][: len(before)] == before
        assert chat["tools"] == fake.chats[0]["tools"]
        before = chat["messages"]
    roles = [message["role"] for message in before]
    handed = ["user", "assistant", "tool", "assistant"]
    assert roles == ["system", *handed, "user", "assistant", *handed, "user"]
    assert {m["content"] for m in before if m["role"] == "tool"} == {HANDED_OVER}
    assert [m["content"] for m in before if m["role"] == "assistant"] == [
        "On.",
        "On.",
        "x",
        "",
        "OK.",
    ]


async def test_calls_that_don_t_fit_are_not_remembered() -> None:
    script = (asks(("HassTurnOn", {}), text="Done!"), words("x"))
    async with FakeLlamaSwap(*script) as fake, answering(fake) as uri:
        await ask(uri)
        await ask(uri)
    assert [message["role"] for message in fake.chats[1]["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (refusal(500), "Sorry, the language model failed."),
        (Reply([delta("stop"), DONE]), "Sorry, the language model gave no answer."),
    ],
)
async def test_a_model_that_fails_is_a_sentence(script: Reply, sentence: str) -> None:
    async with FakeLlamaSwap(script) as fake, answering(fake) as uri:
        assert (await ask(uri)).error == sentence


async def test_a_model_that_breaks_off_has_done_nothing() -> None:
    function = {"name": "HassTurnOn", "arguments": '{"name": "lamp"}'}
    call = delta(tool_calls=[{"index": 0, "id": "c", "type": "function", "function": function}])
    async with (
        FakeLlamaSwap(Reply([delta(content="On."), call])) as fake,
        answering(fake) as uri,
        connect(uri) as client,
    ):
        events = await talking.ask(client, context=CONTEXT)
    assert [event.type for event in events] == [
        *("handled-start", "handled-chunk", "handled-chunk", "handled", "handled-stop")
    ]
    assert texts(events, "handled") == ["On. Sorry, my answer broke off there."]


async def test_the_log_tells_how_many_and_never_what(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    script = (
        asks(("HassTurnOn", {"name": "swordfish"})),
        asks(("HassTurnOn", {"shark": 1})),
        Reply([delta("stop"), DONE]),
    )
    async with FakeLlamaSwap(*script) as fake, answering(fake) as uri:
        await ask(uri, "swordfish on")
        await ask(uri, "shark on")
        await ask(uri, "shark off")
    first, second, third = (line for line in caplog.text.splitlines() if "question_chars" in line)
    assert "intents=1" in first
    assert "failure=intent-unfit" in second
    assert "failure=empty" in third
    assert "swordfish" not in caplog.text
    assert "shark" not in caplog.text


async def test_home_assistant_knows_that_it_is_controlled() -> None:
    async with (
        FakeLlamaSwap(words("x")) as fake,
        answering(fake) as uri,
        AsyncTcpClient(*_address(uri)) as client,
    ):
        await client.write_event(Describe().event())
        event = await client.read_event()
    assert event is not None
    (program,) = Info.from_event(event).handle
    assert program.supports_home_control
