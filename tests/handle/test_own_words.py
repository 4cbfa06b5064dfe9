"""What the server says of its own accord: complete in each language, and in that of whoever is spoken to."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event

from tests.handle.box import Box
from tests.handle.fast.test_satellite import FakeClient, ready
from tests.handle.intents.test_answers import answering
from tests.handle.intents.test_answers import ask as ask_as_hass
from tests.handle.talking import ask, equipped, say, served, talking, texts
from tests.hass.fake import TOKEN, FakeHass
from tests.llama_swap import END, Do, FakeLlamaSwap, Reply, asks, delta, refusal, words
from wyoming_voice.core.own_languages import LANGUAGES
from wyoming_voice.core.speakable import Speakable
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.commands import Commands
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.conversation import HandleConversation
from wyoming_voice.handle.fast.house import HouseFast
from wyoming_voice.handle.history import History, HistoryLimits
from wyoming_voice.handle.llm.failures import Failure
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import ToolResult
from wyoming_voice.hass.errors import HassError, Trouble
from wyoming_voice.wire import connect

KINDS = [*Failure, *Own]
EVERY = [(language, kind) for language in LANGUAGES for kind in KINDS]
NOWHERE = "http://127.0.0.1:9"


def read_aloud(text: str, language: str) -> str:
    speakable = Speakable(language)
    return "".join(reading.spoken for reading in (*speakable.add(text), *speakable.finish()))


def test_there_is_a_file_for_each_language_and_no_other() -> None:
    names = {file.name for file in (files("wyoming_voice.handle") / "sentences").iterdir()}
    assert names == {f"{language}.toml" for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_all_sentences_and_no_other(language: str) -> None:
    shipped = files("wyoming_voice.handle") / "sentences" / f"{language}.toml"
    lines = shipped.read_text(encoding="utf-8").splitlines()
    assert [line.partition(" = ")[0] for line in lines] == [str(kind) for kind in KINDS]
    said = [in_words(kind, language) for kind in KINDS]
    assert len(set(said)) == len(KINDS)
    if language != "en":
        assert not {in_words(kind, "en") for kind in KINDS} & set(said)


@pytest.mark.parametrize(("language", "kind"), EVERY)
def test_a_sentence_is_read_aloud_as_it_stands(language: str, kind: Own | Failure) -> None:
    said = in_words(kind, language)
    assert said[-1] in ".。"
    assert not re.search(r"[{}%*_#0-9]|\s\s", said)
    assert read_aloud(said, language) == said


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de-AT", "de"),
        ("de-" + "x" * 10_000, "de"),
        ("../../own/en", "en"),
        ("de/../../secret", "en"),
        ("de\n", "en"),
        ("DE", "de"),
        ("pt-BR", "pt"),
        ("zh-Hant-TW", "zh"),
        ("fi", "en"),
        ("", "en"),
    ],
)
def test_a_language_goes_by_its_primary_subtag(tag: str, language: str) -> None:
    assert in_words(Own.DONE, tag) == in_words(Own.DONE, language)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(refusal(401), Failure.KEY_REFUSED), (Reply([*END]), Failure.EMPTY)],
)
async def test_who_asks_in_german_hears_of_a_failure_in_german(reply: Reply, kind: Failure) -> None:
    async with FakeLlamaSwap(reply) as fake, talking(fake) as client:
        events = await ask(client, "wie spät ist es", language="de-CH")
    assert texts(events, "not-handled") == [in_words(kind, "de")]


async def test_an_answer_that_breaks_off_ends_in_its_language() -> None:
    async with FakeLlamaSwap(Reply([delta(content="Il est "), Do.CUT])) as fake, talking(fake) as c:
        events = await ask(c, "quelle heure est-il", language="fr")
    assert texts(events, "handled") == [f"Il est {in_words(Own.BROKE_OFF_THERE, 'fr')}"]


async def test_who_was_not_heard_is_told_so_in_their_language() -> None:
    async with served(llm_url=NOWHERE) as uri, connect(uri) as client:
        assert texts(await ask(client, "", language="it"), "not-handled") == [
            in_words(Own.NOTHING_HEARD, "it")
        ]


async def test_without_a_model_one_is_told_so_in_ones_language() -> None:
    async with served(llm_url="none") as uri, connect(uri) as client:
        assert texts(await ask(client, "varför", language="sv"), "not-handled") == [
            in_words(Own.NO_MODEL_CONFIGURED, "sv")
        ]


@pytest.mark.parametrize(
    ("given", "said"),
    [({}, "Einen Moment."), ({"loading_notice": "One moment."}, "One moment.")],
)
async def test_one_is_asked_to_wait_in_one_s_language_unless_words_were_given(
    given: Mapping[str, Any], said: str
) -> None:
    async with (
        FakeLlamaSwap(Reply(), hold=True) as fake,
        talking(fake, loading_notice_after_s=0, first_token_timeout_s=1, **given) as client,
    ):
        await say(client, "wie spät ist es", language="de")
        while (event := await client.read()) is not None and event.type != "handled-chunk":
            pass
    assert event is not None
    assert event.data["text"] == said


@pytest.mark.parametrize(
    ("failing", "last", "kind"),
    [
        (False, Reply([*END]), Own.DONE),
        (False, Reply([Do.CUT]), Own.DONE_AND_BROKE_OFF),
        (True, Reply([*END]), Failure.NOT_DONE),
    ],
)
async def test_what_was_done_is_told_in_the_language_and_remembered_so(
    failing: bool, last: Reply, kind: Own | Failure
) -> None:
    box = Box("on")
    box.results["on"] = ToolResult("", error=failing)
    asked = {"language": "nl", "context": {"conversation_id": "c"}}
    async with (
        FakeLlamaSwap(asks(("on", {})), last, words("x")) as fake,
        equipped(fake, box) as uri,
        connect(uri) as client,
    ):
        events = await ask(client, "licht aan", **asked)
        await ask(client, "en?", **asked)
    assert events[-2 if kind in Own else -1].data["text"] == in_words(kind, "nl")
    remembered = [message["content"] for message in fake.chats[-1]["messages"]]
    assert in_words(kind, "nl") in " ".join(remembered)


async def test_calls_that_make_no_sense_are_told_of_in_the_language() -> None:
    script = asks(("HassOpenTheDoor", {"name": "door"}))
    async with FakeLlamaSwap(script) as fake, answering(fake) as uri:
        read = await ask_as_hass(uri, language="es")
    assert read.error == in_words(Own.UNFIT, "es")


class Unsure:
    """Understands everything, and nobody knows what came of it."""

    name = "unsure"

    async def understands(self, *_: object, **__: object) -> bool:
        return True

    async def process(self, *_: object) -> None:
        raise HassError(Trouble.LATE, "no answer in time")

    async def act(self) -> str:
        await asyncio.Event().wait()
        return ""


async def test_home_assistant_s_silence_is_told_in_the_language() -> None:
    understood = await HouseFast(Unsure()).look(Question("zapal światło", "c", "pl"))  # type: ignore[arg-type]
    assert understood is not None
    assert await understood.act() == in_words(Own.UNSURE, "pl")


async def test_a_satellite_s_silence_is_told_in_the_language() -> None:
    client = FakeClient(ToolResult("no answer", error=True, unsure=True))
    asked = Question("stelle einen Timer auf fünf Minuten", "c", "de-AT", client=client)
    async with ready(language="de") as path:
        understood = await path.look(asked)
        assert understood is not None
        assert await understood.act() == in_words(Own.UNSURE, "de")


async def test_a_command_that_takes_too_long_is_told_in_the_language() -> None:
    memory = Memory(History(HistoryLimits()), datetime.now)
    question = Question("明かりをつけて", "c", "ja-JP")
    asked = Asked(question, TurnRecord("handle"), Commitment.outright())
    said = await Commands(None, Acts(), memory, 0.0).act(asked, Unsure())
    assert said == in_words(Own.UNSURE, "ja")


async def test_who_names_no_language_is_told_in_that_of_the_house(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    async with FakeHass() as hass:
        hass.home.config["language"] = "de"
        given = {"hass_url": hass.url, "hass_token_file": token, "fast_intents": True}
        async with served(llm_url=NOWHERE, **given) as uri, connect(uri) as client:
            assert texts(await ask(client, "", language=None), "not-handled") == [
                in_words(Own.NOTHING_HEARD, "de")
            ]
            assert texts(await ask(client, "", language="fr"), "not-handled") == [
                in_words(Own.NOTHING_HEARD, "fr")
            ]


class Warmed:
    """Keeps the questions that were announced."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def warm(self, question: Question) -> None:
        self.questions.append(question)


async def test_a_question_that_is_announced_is_likely_to_be_in_the_language_of_the_house() -> None:
    warmed = Warmed()
    conversation = HandleConversation(warmed, 100, lambda: "de")  # type: ignore[arg-type]
    for data in ({}, {"language": "fr"}):
        conversation.push(Event("warm-up", data))
    assert [question.answered_in for question in warmed.questions] == ["de", "fr"]
