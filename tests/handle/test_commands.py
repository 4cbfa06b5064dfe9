"""Commands that need no model, as a client sees them: when they act, what is said, and what is remembered."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from wyoming.event import Event

from tests.handle.box import Box
from tests.handle.talking import ask, equipped, kinds, nothing_more, rest, say, texts
from tests.llama_swap import FakeLlamaSwap, asks, words
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.answers import LocalAnswers
from wyoming_voice.handle.commands import Commands
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.fast.path import NotDone
from wyoming_voice.handle.history import History, HistoryLimits
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.session import Question
from wyoming_voice.wire import Connection, connect

LAMP = ("on", {"name": "lamp"})


@dataclass
class Fast:
    """Understands what begins with "turn on"; `name` is what the log says."""

    name: str = "fake"
    refuses: bool = False
    hold: asyncio.Event | None = None
    begun: int = 0
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self, question: Question) -> "Fast | None":
        return self if question.text.startswith("turn on") else None

    async def act(self) -> str:
        self.begun += 1
        self.started.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.refuses:
            raise NotDone("there is no lamp")
        return "It is on."

    def warm(self, question: Question) -> None:
        pass

    async def close(self) -> None:
        pass


async def mean(client: Connection, text: str, **context: str) -> list[Event]:
    return await ask(client, text, context={"conversation_id": "c", **context})


def said(fake: FakeLlamaSwap) -> list[str]:
    return [message["content"] for message in fake.chats[-1]["messages"][1:]]


async def test_it_acts_without_the_model_which_hears_of_it_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    fast = Fast()
    async with (
        FakeLlamaSwap(words("Yes.")) as fake,
        equipped(fake, Box(), fast) as uri,
        connect(uri) as client,
    ):
        events = await mean(client, "turn on the lamp")
        assert texts(events, "handled") == ["It is on."]
        assert fake.chats == []
        assert " command=fake " in caplog.text
        await mean(client, "is it on")
    assert said(fake) == ["turn on the lamp", "It is on.", "is it on"]
    assert fast.begun == 1


async def test_the_model_is_asked_where_nothing_was_done() -> None:
    fast = Fast(refuses=True)
    async with (
        FakeLlamaSwap(words("Which?")) as fake,
        equipped(fake, Box(), fast) as uri,
        connect(uri) as client,
    ):
        assert texts(await mean(client, "turn on the lamp"), "handled") == ["Which?"]
        assert texts(await mean(client, "what else"), "handled") == ["Which?"]
    assert fast.begun == 1
    assert len(fake.chats) == 2


async def test_it_acts_with_the_commit_and_not_for_what_is_withdrawn() -> None:
    fast = Fast()
    async with (
        FakeLlamaSwap(words("x")) as fake,
        equipped(fake, Box(), fast) as uri,
        connect(uri) as client,
    ):
        await say(client, "turn on the lamp", context={"speculative": True})
        await say(client, "turn on the lamps", context={"speculative": True})
        await nothing_more(client)
        assert fast.begun == 0
        await client.write(Event("commit"))
        assert texts(await rest(client), "handled") == ["It is on."]
    assert fast.begun == 1


async def test_what_takes_too_long_is_not_tried_again() -> None:
    fast = Fast(hold=asyncio.Event())
    async with (
        FakeLlamaSwap(words("x")) as fake,
        equipped(fake, Box(), fast, tool_timeout_s=0.05, tool_notice="") as uri,
        connect(uri) as client,
    ):
        assert texts(await mean(client, "turn on the lamp"), "handled") == [
            in_words(Own.UNSURE, "en")
        ]
    assert fake.chats == []


async def test_a_listener_who_goes_leaves_it_to_its_end_and_it_is_remembered() -> None:
    fast = Fast(hold=asyncio.Event())
    assert fast.hold is not None
    async with FakeLlamaSwap(words("x")) as fake, equipped(fake, Box(), fast) as uri:
        async with connect(uri) as client:
            await say(client, "turn on the lamp", context={"conversation_id": "c"})
            await fast.started.wait()
        async with connect(uri) as client:
            await say(client, "is it on", context={"conversation_id": "c"})
            fast.hold.set()
            await rest(client)
    assert fast.begun == 1
    assert said(fake)[0] == "turn on the lamp"
    assert said(fake)[1].startswith("It is on.")


async def test_who_waits_for_it_is_told() -> None:
    fast = Fast(hold=asyncio.Event())
    assert fast.hold is not None
    async with (
        FakeLlamaSwap(words("x")) as fake,
        equipped(fake, Box(), fast, tool_notice_after_s=0) as uri,
        connect(uri) as client,
    ):
        await say(client, "turn on the lamp")
        assert await kinds(client, 2) == ["handled-start", "handled-chunk"]
        fast.hold.set()
        assert texts(await rest(client), "handled") == ["One moment. It is on."]


async def test_what_is_left_of_a_whole_is_the_model_s_when_it_has_tools() -> None:
    fast, box = Fast(), Box("on")
    async with (
        FakeLlamaSwap(asks(LAMP), words("Both.")) as fake,
        equipped(fake, box, fast) as uri,
        connect(uri) as client,
    ):
        await mean(client, "turn on the fan", turn_id="t1")
        whole = await mean(client, "turn on the fan and the lamp", turn_id="t2", replaces="t1")
        assert texts(whole, "handled") == ["Both."]
    assert fast.begun == 1
    assert [name for name, _ in box.begun] == ["on"]
    assert [m["role"] for m in fake.chats[0]["messages"]] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize("llm_url", [{}, {"llm_url": "none"}])
async def test_the_same_words_again_in_place_of_themselves_do_nothing_more(
    llm_url: dict[str, str],
) -> None:
    fast = Fast()
    async with (
        FakeLlamaSwap(words("x")) as fake,
        equipped(fake, Box(), fast, **llm_url) as uri,
        connect(uri) as client,
    ):
        await mean(client, "turn on the fan", turn_id="t1")
        again = await mean(client, "turn on  the fan.", replaces="t1")
        assert texts(again, "handled") == ["It is on."]
    assert fast.begun == 1


async def test_without_a_model_it_acts_too() -> None:
    fast = Fast()
    async with (
        FakeLlamaSwap(words("x")) as fake,
        equipped(fake, Box(), fast, llm_url="none") as uri,
        connect(uri) as client,
    ):
        await say(client, "turn on the lamp", context={"speculative": True})
        await client.write(Event("commit"))
        events = await rest(client)
        assert texts(events, "handled") == ["It is on."]
        assert texts(await mean(client, "why"), "not-handled") == [
            in_words(Own.NO_MODEL_CONFIGURED, "en")
        ]
    assert fast.begun == 1


async def test_who_is_told_to_try_again_got_no_answer_and_none_is_remembered() -> None:
    fast, acts, kept = Fast(), Acts(), memory()
    acts.begin("c", asyncio.Event().wait())
    answers = LocalAnswers(Commands(fast, acts, kept, 0.0), acts, kept, datetime.now)
    question, record = Question("turn on the lamp", "c", "sv"), TurnRecord("handle")
    events = [event async for event in answers.replies(question, record, Commitment.outright())]
    assert [event.type for event in events] == ["not-handled"]
    assert texts(events, "not-handled") == [in_words(Failure.STILL_ACTING, "sv")]
    assert record.facts["failure"] == Failure.STILL_ACTING
    await answers.close()
    assert kept.look(question)[1] == ()
    assert fast.begun == 0


def memory() -> Memory:
    return Memory(History(HistoryLimits()), datetime.now)


@pytest.mark.parametrize(("part_of", "said"), [("t2", ""), ("", "It is on.")])
async def test_a_command_waits_its_turn_and_may_be_out_of_date_then(
    part_of: str, said: str
) -> None:
    fast, acts, go = Fast(), Acts(), asyncio.Event()
    acts.begin("c", go.wait())
    asked = Asked(Question("q", "c"), TurnRecord("handle"), Commitment.outright())
    acting = asyncio.create_task(Commands(fast, acts, memory(), 60.0).act(asked, fast))
    await asyncio.sleep(0)
    assert fast.begun == 0
    asked.part_of = part_of
    go.set()
    assert await acting == said
    assert fast.begun == (1 if said else 0)


@pytest.mark.parametrize(("end_s", "act_s"), [(0.0, 60.0), (float("inf"), 0.0)])
async def test_a_command_waits_no_longer_than_there_is_time(end_s: float, act_s: float) -> None:
    fast, acts = Fast(), Acts()
    acts.begin("c", asyncio.Event().wait())
    asked = Asked(Question("q", "c"), TurnRecord("handle"), Commitment.outright(), end_s)
    with pytest.raises(LlmError) as refused:
        await Commands(fast, acts, memory(), act_s).act(asked, fast)
    assert refused.value.failure is Failure.STILL_ACTING
    assert fast.begun == 0
    await acts.close()
