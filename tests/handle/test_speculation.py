"""Questions asked before anybody knows that they are: what a client sees, and what is remembered."""

import asyncio
import logging
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.ping import Ping

from tests.handle.talking import ask, kinds, rest, say, served, talking, texts
from tests.llama_swap import END, Do, FakeLlamaSwap, Reply, delta, refusal, words
from wyoming_voice.handle import conversation
from wyoming_voice.handle.history import INTERRUPTED
from wyoming_voice.handle.llm.failures import Failure
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.server import build
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.wire import Connection, connect

BEGUN = ["handled-start", "handled-chunk"]
ENDED = ["handled", "handled-stop"]
STALLS = Reply([delta(content="It is"), Do.STALL])


async def suppose(client: Connection, text: str = "what time is it", **context: Any) -> None:
    await say(client, text, context={"conversation_id": "c", "speculative": True, **context})


async def commit(client: Connection) -> None:
    await client.write(Event(type="commit"))


async def mean(client: Connection, text: str, **context: Any) -> list[Event]:
    return await ask(client, text, context={"conversation_id": "c", **context})


async def nothing_more(client: Connection) -> None:
    """The server has read all that was sent, and has nothing more to say."""
    for _ in range(3):
        await client.write(Ping().event())
        assert await kinds(client, 1) == ["pong"]


def types(events: list[Event]) -> list[str]:
    return [event.type for event in events]


def said(fake: FakeLlamaSwap, number: int = -1) -> list[str]:
    """What the model was told by one request, after the system prompt."""
    return [message["content"] for message in fake.chats[number]["messages"][1:]]


async def remembered(fake: FakeLlamaSwap, uri: str) -> list[str]:
    """What the next question of the conversation is told about before it."""
    async with connect(uri) as client:
        await mean(client, "and")
    return said(fake)[:-1]


async def test_all_but_the_end_comes_before_the_commit() -> None:
    async with FakeLlamaSwap(words("It is ", "noon.")) as fake, talking(fake) as client:
        await suppose(client)
        assert await kinds(client, 4) == [*BEGUN, "handled-chunk", "answer-written"]
        await nothing_more(client)
        await commit(client)
        events = await rest(client)
        assert types(events) == ENDED
        assert texts(events, "handled") == ["It is noon."]
        await mean(client, "again")
    assert said(fake) == ["what time is it", "It is noon.", "again"]


async def test_a_commit_may_come_in_the_middle() -> None:
    more = asyncio.Event()
    reply = Reply([delta(content="It is"), more, delta(content=" noon."), *END])
    async with FakeLlamaSwap(reply, words("x")) as fake, talking(fake) as client:
        await suppose(client)
        assert await kinds(client, 2) == BEGUN
        await commit(client)
        await nothing_more(client)
        more.set()
        assert types(await rest(client)) == ["handled-chunk", *ENDED]
        await mean(client, "again")
    assert said(fake) == ["what time is it", "It is noon.", "again"]


async def test_a_commit_may_come_with_the_question() -> None:
    async with FakeLlamaSwap(words("Noon.")) as fake, talking(fake) as client:
        await suppose(client)
        await commit(client)
        assert types(await rest(client)) == [*BEGUN, *ENDED]
        await mean(client, "again")
    assert said(fake) == ["what time is it", "Noon.", "again"]


async def test_one_that_is_never_committed_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeLlamaSwap(STALLS, words("x")) as fake, served(llm_url=fake.url) as uri:
        with monkeypatch.context() as patched:
            patched.setattr(conversation, "COMMIT_WITHIN_S", 0.1)
            async with connect(uri) as client:
                await suppose(client)
                events = await rest(client)
                assert events[-1].data["code"] == "timeout"
                assert await client.read() is None
            if fake.stalled.is_set():  # on a machine so busy that it was never asked, it isn't
                await fake.hung_up.wait()
        assert await remembered(fake, uri) == []


async def test_one_that_is_never_committed_holds_its_end_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "COMMIT_WITHIN_S", 0.1)
    async with served(llm_url="none") as uri, connect(uri) as client:
        await suppose(client)
        assert types(await rest(client)) == [*BEGUN, "answer-written", "error"]


async def test_hanging_up_before_the_commit_takes_it_back() -> None:
    script = (words("Noon."), STALLS, words("x"))
    async with FakeLlamaSwap(*script) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client:
            await mean(client, "first")
        async with connect(uri) as client:
            await suppose(client, "again", interrupted=True, heard="No")
            assert await kinds(client, 2) == BEGUN
        await fake.hung_up.wait()
        assert said(fake) == ["first", "No…" + INTERRUPTED, "again"]
        assert await remembered(fake, uri) == ["first", "Noon."]


async def test_hanging_up_before_the_commit_when_all_is_written_takes_it_back() -> None:
    async with FakeLlamaSwap(words("Noon.")) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client:
            await suppose(client)
            assert await kinds(client, 3) == [*BEGUN, "answer-written"]
            await nothing_more(client)
        assert await remembered(fake, uri) == []


async def test_hanging_up_after_the_commit_is_an_interruption() -> None:
    async with FakeLlamaSwap(STALLS, words("x")) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client:
            await suppose(client)
            assert await kinds(client, 2) == BEGUN
            await commit(client)
            await nothing_more(client)
        await fake.hung_up.wait()
        assert await remembered(fake, uri) == ["what time is it", "It is" + INTERRUPTED]


async def test_what_interrupted_holds_from_the_commit_on() -> None:
    more = asyncio.Event()
    slow = Reply([delta(content="One"), more, *END])
    async with (
        FakeLlamaSwap(words("The sun is high."), slow, words("x"), words("y")) as fake,
        served(llm_url=fake.url) as uri,
        connect(uri) as client,
    ):
        await mean(client, "first")
        await suppose(client, "stop", interrupted=True, heard="The sun")
        assert await kinds(client, 2) == BEGUN
        assert await remembered(fake, uri) == ["first", "The sun is high."]
        await commit(client)
        await nothing_more(client)
        # Of the answer that was given meanwhile nobody said anything.
        more.set()
        await rest(client)
    assert said(fake, 1) == ["first", "The sun…" + INTERRUPTED, "stop"]


async def test_the_memory_changes_with_the_commit_not_with_the_end() -> None:
    async with (
        FakeLlamaSwap(words("The sun is high."), STALLS, words("x")) as fake,
        served(llm_url=fake.url) as uri,
        connect(uri) as client,
    ):
        await mean(client, "first")
        await suppose(client, "stop", interrupted=True, heard="The sun")
        await commit(client)
        assert await kinds(client, 2) == BEGUN
        assert await remembered(fake, uri) == ["first", "The sun…" + INTERRUPTED]


@pytest.mark.parametrize("speculative", [True, False])
async def test_another_question_takes_one_back_that_is_not_committed(speculative: bool) -> None:
    async with FakeLlamaSwap(STALLS, words("Noon.")) as fake, talking(fake) as client:
        await suppose(client, "what", turn_id="t1")
        assert await kinds(client, 2) == BEGUN
        await suppose(client, "what time is it", turn_id="t2", speculative=speculative)
        await commit(client)
        events = await rest(client)
        assert types(events) == [*BEGUN, *ENDED]
        assert events[0].data["context"]["turn_id"] == "t2"
        await fake.hung_up.wait()
        await mean(client, "again")
    assert said(fake) == ["what time is it", "Noon.", "again"]


async def test_one_that_is_taken_back_before_its_turn_is_not_asked() -> None:
    more = asyncio.Event()
    slow = Reply([delta(content="One"), more, *END])
    async with FakeLlamaSwap(slow, words("Noon.")) as fake, talking(fake) as client:
        await say(client, "first", context={"conversation_id": "c"})
        assert await kinds(client, 2) == BEGUN
        await suppose(client, "what")
        await suppose(client, "what time is it")
        await commit(client)
        await nothing_more(client)
        more.set()
        assert types(await rest(client)) == ENDED
        assert texts(await rest(client), "handled") == ["Noon."]
    assert [said(fake, number)[-1] for number in (0, 1)] == ["first", "what time is it"]
    assert len(fake.chats) == 2


async def test_a_commit_to_nothing_means_nothing() -> None:
    async with FakeLlamaSwap(words("Noon.")) as fake, talking(fake) as client:
        await commit(client)
        assert types(await mean(client, "q")) == [*BEGUN, *ENDED]
        await commit(client)
        await suppose(client)
        assert await kinds(client, 3) == [*BEGUN, "answer-written"]
        await nothing_more(client)


@pytest.mark.parametrize(
    ("text", "script", "answer"),
    [
        ("what time is it", refusal(401), in_words(Failure.KEY_REFUSED, "en")),
        ("what time is it", Reply([*END]), in_words(Failure.EMPTY, "en")),
        ("", words("x"), in_words(Own.NOTHING_HEARD, "en")),
    ],
)
async def test_not_handled_is_held_back_too(text: str, script: Reply, answer: str) -> None:
    async with FakeLlamaSwap(script) as fake, talking(fake) as client:
        await suppose(client, text)
        await nothing_more(client)
        await commit(client)
        assert texts(await rest(client), "not-handled") == [answer]


async def test_without_a_model_it_is_the_same() -> None:
    async with served(llm_url="none") as uri, connect(uri) as client:
        await suppose(client, "repeat after me the lamp is on")
        assert await kinds(client, 3) == [*BEGUN, "answer-written"]
        await nothing_more(client)
        await commit(client)
        assert types(await rest(client)) == ENDED
        await suppose(client, "why is the sky blue")
        await nothing_more(client)
        await commit(client)
        assert texts(await rest(client), "not-handled") == [in_words(Own.NO_MODEL_CONFIGURED, "en")]


async def test_the_whole_replaces_its_part() -> None:
    script = (words("zero"), words("one"), words("two"), words("three"))
    async with FakeLlamaSwap(*script) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client:
            await mean(client, "hello", turn_id="t0")
            await mean(client, "turn on", turn_id="t1")
            cut = {"interrupted": True, "heard": "o"}
            await mean(client, "turn on the light", turn_id="t2", replaces="t1", **cut)
        assert said(fake) == ["hello", "zero", "turn on the light"]
        assert await remembered(fake, uri) == ["hello", "zero", "turn on the light", "two"]


async def test_the_part_is_forgotten_with_the_commit() -> None:
    script = (words("one"), words("two"), words("three"), words("four"))
    async with FakeLlamaSwap(*script) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client:
            await mean(client, "turn on", turn_id="t1")
            await suppose(client, "turn on the light", replaces="t1")
            assert await kinds(client, 2) == BEGUN
        assert said(fake) == ["turn on the light"]
        async with connect(uri) as client:
            await suppose(client, "turn on the lamp", replaces="t1")
            await commit(client)
            await rest(client)
        assert await remembered(fake, uri) == ["turn on the lamp", "three"]


async def test_a_part_whose_answer_is_still_being_given_is_replaced_as_well() -> None:
    script = (words("zero"), STALLS, words("two"), words("x"))
    async with FakeLlamaSwap(*script) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as part, connect(uri) as whole:
            await mean(part, "hello")
            await say(part, "turn on", context={"conversation_id": "c", "turn_id": "t1"})
            assert await kinds(part, 2) == BEGUN
            # Under the same id, as who goes on has not begun anew.
            cut = {"interrupted": True, "heard": "It"}
            await mean(whole, "turn on the light", turn_id="t1", replaces="t1", **cut)
            assert said(fake) == ["hello", "zero", "turn on the light"]
        await fake.hung_up.wait()
        assert await remembered(fake, uri) == ["hello", "zero", "turn on the light", "two"]


async def test_a_part_that_others_followed_is_forgotten_and_they_are_not() -> None:
    """Two satellites may share a conversation; what was heard by one is of its own answer."""
    script = (words("zero"), words("The sun is high."), words("x"))
    async with FakeLlamaSwap(*script) as fake, talking(fake) as client:
        await mean(client, "turn on", turn_id="t1")
        await mean(client, "q", turn_id="t2")
        await mean(client, "stop", replaces="t1", interrupted=True, heard="The sun")
    assert said(fake) == ["q", "The sun is high.", "stop"]


async def test_a_part_of_another_conversation_is_left_alone() -> None:
    async with FakeLlamaSwap(STALLS, words("x")) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as client, connect(uri) as other:
            await say(client, "turn on", context={"conversation_id": "c", "turn_id": "t1"})
            assert await kinds(client, 2) == BEGUN
            await mean(other, "q", conversation_id="d", replaces="t1")
        await fake.hung_up.wait()
        assert await remembered(fake, uri) == ["turn on", "It is" + INTERRUPTED]


async def test_the_log_line_tells_what_became_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with FakeLlamaSwap(words("Noon.")) as fake, talking(fake) as client:
        await suppose(client, turn_id="hit")
        await commit(client)
        await rest(client)
        await suppose(client, turn_id="dropped")
        assert await kinds(client, 2) == BEGUN
        await mean(client, "x", turn_id="plain")
    lines = [record.getMessage() for record in caplog.records]
    hit, dropped, plain = (
        next(line for line in lines if line.startswith(f"turn={name} "))
        for name in ("hit", "dropped", "plain")
    )
    assert "speculative=1 commit=hit" in hit
    assert "uncommitted=" in hit
    assert "speculative=1 commit=dropped" in dropped
    assert "uncommitted=" not in dropped
    assert "commit" not in plain
    assert "speculative" not in plain


async def test_only_an_open_question_waits_for_its_client() -> None:
    conversation = build(HandleSettings(llm_url="none")).converse()
    plain = conversation.push(Event("transcript", {"text": "q"}))
    supposed = conversation.push(
        Event("transcript", {"text": "q", "context": {"speculative": True}})
    )
    assert plain is not None
    assert supposed is not None
    assert (plain.awaits_input(), supposed.awaits_input()) == (False, True)
    assert conversation.push(Event("commit")) is None
    assert not supposed.awaits_input()
