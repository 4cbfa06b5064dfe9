"""The `warm-up` event over the wire: a token is asked of the model server, and nobody waits for it."""

import logging
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.ping import Ping

from tests.handle.talking import ask, kinds, rest, say, served, talking, texts
from tests.llama_swap import Do, FakeLlamaSwap, Reply, refusal, words
from wyoming_voice.handle.llm import patience
from wyoming_voice.handle.llm.failures import Failure
from wyoming_voice.handle.own_words import in_words
from wyoming_voice.wire import Connection, connect


async def warm(client: Connection, **data: Any) -> None:
    """Announce a question, and be sure that the server has read it."""
    await client.write(Event("warm-up", {"context": {"conversation_id": "c"}, **data}))
    await ping(client)


async def ping(client: Connection) -> None:
    await client.write(Ping().event())
    assert await kinds(client, 1) == ["pong"]


async def until_asked(client: Connection, fake: FakeLlamaSwap, count: int) -> None:
    while len(fake.chats) < count:
        await ping(client)


async def test_the_model_is_asked_for_one_token_and_nobody_hears_of_it() -> None:
    context = {"conversation_id": "c"}
    async with FakeLlamaSwap(words("x")) as fake, served(llm_url=fake.url, max_tokens=99) as uri:
        async with connect(uri) as client:
            await ask(client, "first", context=context)
        async with connect(uri) as client:
            await warm(client)
            await until_asked(client, fake, 2)
        async with connect(uri) as client:
            assert texts(await ask(client, "second", context=context), "handled") == ["x"]
    _, warmed, question = fake.chats
    assert (warmed["max_tokens"], question["max_tokens"]) == (1, 99)
    assert warmed["messages"][:-1] == question["messages"][:-1]
    assert len(warmed["messages"]) == 4
    without = {**warmed, "messages": [], "max_tokens": 99}
    assert without == {**question, "messages": []}


async def test_it_outlives_its_connection_and_ends_with_the_server() -> None:
    async with FakeLlamaSwap(Reply(), hold=True) as fake:
        async with served(llm_url=fake.url) as uri:
            async with connect(uri) as client:
                await warm(client)
                await fake.stalled.wait()
            async with connect(uri) as client:
                await ping(client)
            assert not fake.hung_up.is_set()
        await fake.hung_up.wait()


async def test_a_question_does_not_wait_for_it() -> None:
    script = (Reply([Do.STALL]), words("Noon."))
    async with FakeLlamaSwap(*script) as fake, talking(fake) as client:
        await warm(client)
        await fake.stalled.wait()
        assert texts(await ask(client), "handled") == ["Noon."]
        assert not fake.hung_up.is_set()  # for all we know the model is still being loaded


async def test_a_question_takes_the_place_of_one_that_is_being_read() -> None:
    script = (words("x"), Reply([Do.STALL]), words("Noon."))
    async with FakeLlamaSwap(*script) as fake, talking(fake) as client:
        await ask(client)
        await warm(client)
        await fake.stalled.wait()
        assert texts(await ask(client), "handled") == ["Noon."]
        await fake.hung_up.wait()


async def test_none_while_a_question_is_answered() -> None:
    script = (Reply([Do.STALL]), words("Noon."))
    async with FakeLlamaSwap(*script) as fake, served(llm_url=fake.url) as uri:
        async with connect(uri) as asking, connect(uri) as client:
            await say(asking, "what time is it")
            await fake.stalled.wait()
            await warm(client)
        await fake.hung_up.wait()
        async with connect(uri) as client:
            await ask(client)
    assert len(fake.chats) == 2
    assert all("max_tokens" not in chat for chat in fake.chats)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
async def test_a_refusal_is_not_asked_again_and_harms_nothing(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    script = (refusal(status, Retry_After="0"), words("Noon."))
    async with FakeLlamaSwap(*script) as fake, talking(fake) as client:
        await warm(client)
        await until_asked(client, fake, 1)
        await warm(client)
        assert texts(await ask(client), "handled") == ["Noon."]
    assert len(fake.chats) == 2
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


async def test_a_model_server_that_is_down_or_hangs_harms_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "UNREACHABLE_S", 0.3)
    async with served(llm_url="http://127.0.0.1:9") as uri, connect(uri) as client:
        await warm(client)
        assert texts(await ask(client), "not-handled") == [in_words(Failure.UNREACHABLE, "en")]
    async with (
        FakeLlamaSwap(words("x"), hold=True) as fake,
        talking(fake, first_token_timeout_s=0.05) as client,
    ):
        await warm(client)
        assert texts(await ask(client), "not-handled") == [in_words(Failure.TOO_SLOW, "en")]


async def test_one_that_makes_no_sense_is_told() -> None:
    async with served(llm_url="none") as uri, connect(uri) as client:
        await client.write(Event("warm-up", {"context": {"conversation_id": 7}}))
        (error,) = await rest(client)
        assert error.data["code"] == "bad-event"
