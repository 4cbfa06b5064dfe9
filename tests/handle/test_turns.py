"""Tools and the course of a conversation: guesses, hang-ups, parts and wholes, two at once, memory."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest
from wyoming.event import Event

from tests.handle.box import FAN, LAMP, Box
from tests.handle.talking import ask, equipped, kinds, nothing_more, ping, rest, results, say, texts
from tests.llama_swap import Do, FakeLlamaSwap, Reply, asks, words
from wyoming_voice.handle.history import INTERRUPTED
from wyoming_voice.handle.llm.failures import Failure
from wyoming_voice.handle.own_words import in_words
from wyoming_voice.handle.steps import NOT_BEGUN
from wyoming_voice.handle.tool_calls import AGAIN
from wyoming_voice.handle.tools.toolbox import ToolResult
from wyoming_voice.wire import Connection, connect


async def mean(client: Connection, text: str, **context: Any) -> list[Event]:
    return await ask(client, text, context={"conversation_id": "c", **context})


def after_system(fake: FakeLlamaSwap, number: int = -1) -> list[Any]:
    return list(fake.chats[number]["messages"][1:])


async def until_gone(client: Connection, turn_id: str, caplog: pytest.LogCaptureFixture) -> None:
    """The server has seen that the listener of a turn has hung up; at info level."""
    while f"turn={turn_id} " not in caplog.text:
        await ping(client)


@pytest.mark.parametrize("calls", [[LAMP], [FAN, LAMP]])
async def test_the_time_for_an_answer_holds_for_its_tools(calls: list[Any]) -> None:
    box = Box("on", "off")
    box.hold["on"] = asyncio.Event()
    async with (
        FakeLlamaSwap(asks(*calls), words("x")) as fake,
        equipped(fake, box, llm_timeout_s=0.3) as uri,
        connect(uri) as client,
    ):
        events = await mean(client, "turn it on")
        assert texts(events, "not-handled") == [in_words(Failure.UNFINISHED, "en")]
        box.hold["on"].set()
        # It wasn't stopped, and the next question knows of it.
        await mean(client, "and?")
    assert box.begun == calls
    assert results(fake) == [f"{name} is done" for name, _ in calls]


async def test_nothing_is_done_for_a_question_that_is_withdrawn() -> None:
    box = Box("on")
    script = (asks(LAMP, text="Well."), words("No."))
    async with FakeLlamaSwap(*script) as fake, equipped(fake, box) as uri, connect(uri) as client:
        await say(client, "turn it", context={"conversation_id": "c", "speculative": True})
        assert await kinds(client, 2) == ["handled-start", "handled-chunk"]
        await nothing_more(client)
        events = await mean(client, "what time is it")
        assert texts(events, "handled") == ["No."]
    assert box.begun == []
    assert len(after_system(fake)) == 1


async def test_tools_begin_with_the_commit() -> None:
    box = Box("on")
    script = (asks(LAMP, text="Well."), words("On."))
    async with FakeLlamaSwap(*script) as fake, equipped(fake, box) as uri, connect(uri) as client:
        await say(client, "turn it on", context={"speculative": True})
        assert await kinds(client, 2) == ["handled-start", "handled-chunk"]
        await nothing_more(client)
        assert box.begun == []
        await client.write(Event("commit"))
        assert texts(await rest(client), "handled") == ["Well. On."]
    assert box.begun == [LAMP]


async def test_what_was_begun_ends_when_the_listener_has_gone_and_is_remembered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    box = Box("on", "off")
    box.hold["on"] = asyncio.Event()
    async with (
        FakeLlamaSwap(asks(LAMP, FAN), words("Yes.")) as fake,
        equipped(fake, box) as uri,
        connect(uri) as client,
    ):
        async with connect(uri) as gone:
            await say(gone, "turn it on", context={"conversation_id": "c", "turn_id": "t1"})
            await box.started.wait()
        await say(client, "is it on", context={"conversation_id": "c"})
        await until_gone(client, "t1", caplog)
        assert len(fake.chats) == 1  # the next question waits for it
        box.hold["on"].set()
        assert texts(await rest(client), "handled") == ["Yes."]
    assert box.begun == [LAMP]  # and what wasn't begun, wasn't
    assert results(fake) == ["on is done", NOT_BEGUN]
    told = after_system(fake)
    assert [message["role"] for message in told] == [
        *("user", "assistant", "tool", "tool", "assistant", "user")
    ]
    assert told[-2]["content"] == INTERRUPTED.strip()


async def test_a_server_that_ends_stops_what_nobody_waits_for() -> None:
    box = Box("on")
    box.hold["on"] = asyncio.Event()
    async with FakeLlamaSwap(asks(LAMP)) as fake:
        async with equipped(fake, box) as uri, connect(uri) as client:
            await say(client, "turn it on")
            await box.started.wait()
        assert box.at_work == 0
    assert box.done == []


async def test_what_was_done_for_a_part_is_not_done_again_for_the_whole() -> None:
    box = Box("on", "off")
    script = (asks(LAMP), words("On."), asks(LAMP, FAN), words("Both."), words("x"))
    async with FakeLlamaSwap(*script) as fake, equipped(fake, box) as uri, connect(uri) as client:
        await mean(client, "turn on the lamp", turn_id="t1")
        whole = "turn on the lamp and turn off the fan"
        await mean(client, whole, turn_id="t2", replaces="t1")
        await mean(client, "and")
    assert box.begun == [LAMP, FAN]
    assert results(fake, 3)[1:] == [f"{AGAIN}on is done", "off is done"]
    said = [m["content"] for m in after_system(fake) if m["role"] != "tool" and m["content"]]
    assert said == ["turn on the lamp", "On." + INTERRUPTED, whole, "Both.", "and"]


async def test_what_was_done_for_a_part_of_a_part_is_not_done_again() -> None:
    box = Box("on")
    script = [part for _ in range(3) for part in (asks(LAMP), words("On."))]
    async with FakeLlamaSwap(*script) as fake, equipped(fake, box) as uri, connect(uri) as client:
        await mean(client, "turn on", turn_id="t1")
        await mean(client, "turn on the lamp", turn_id="t2", replaces="t1")
        await mean(client, "turn on the lamp please", turn_id="t3", replaces="t2")
    assert box.begun == [LAMP]
    assert results(fake)[-1] == f"{AGAIN}on is done"


async def test_who_waits_for_the_question_before_waits_no_longer_than_there_is_time() -> None:
    box = Box("on")
    box.hold["on"] = asyncio.Event()
    async with (
        FakeLlamaSwap(asks(LAMP), words("x")) as fake,
        equipped(fake, box, llm_timeout_s=0.2, tool_notice="") as uri,
        connect(uri) as one,
    ):
        async with connect(uri) as gone:
            await say(gone, "turn it on", context={"conversation_id": "c"})
            await box.started.wait()
        events = await mean(one, "is it on")
        assert texts(events, "not-handled") == [in_words(Failure.UNFINISHED, "en")]
        assert len(fake.chats) == 1


async def test_what_failed_for_a_part_may_be_done_for_the_whole() -> None:
    box = Box("on")
    box.results["on"] = ToolResult("nothing was done", error=True)
    script = (asks(LAMP), words("No."), asks(LAMP), words("x"))
    async with FakeLlamaSwap(*script) as fake, equipped(fake, box) as uri, connect(uri) as client:
        await mean(client, "turn on", turn_id="t1")
        await mean(client, "turn on the lamp", turn_id="t2", replaces="t1")
    assert len(box.begun) == 2
    assert len(results(fake)) == 1


async def test_a_part_that_is_still_being_done_is_waited_for() -> None:
    box = Box("on", "off")
    box.hold["on"] = asyncio.Event()
    script = (asks(LAMP, FAN), asks(LAMP), words("On."))
    async with (
        FakeLlamaSwap(*script) as fake,
        equipped(fake, box) as uri,
        connect(uri) as part,
        connect(uri) as whole,
    ):
        await say(part, "turn on", context={"conversation_id": "c", "turn_id": "t1"})
        await box.started.wait()
        cut = {"conversation_id": "c", "turn_id": "t1", "replaces": "t1", "speculative": True}
        await say(whole, "turn on the lamp", context=cut)
        await whole.write(Event("commit"))
        await ping(whole)
        await part.close()
        box.hold["on"].set()
        assert texts(await rest(whole), "handled") == ["On."]
    assert box.begun == [LAMP]


async def test_two_at_once_in_one_conversation_do_one_thing_at_a_time() -> None:
    box, go, asked = Box("on", "off"), asyncio.Event(), asyncio.Event()
    box.hold = {"on": go, "off": go}
    first, second = asks(LAMP, FAN), asks(FAN, LAMP)
    slow = replace(first, parts=[asked, *first.parts])
    async with (
        FakeLlamaSwap(slow, second, words("Done.")) as fake,
        equipped(fake, box) as uri,
        connect(uri) as one,
        connect(uri) as other,
    ):
        for client in (one, other):
            await say(client, "both", context={"conversation_id": "c"})
            await fake.chatted.wait()
            fake.chatted.clear()
        asked.set()
        await box.started.wait()
        await nothing_more(one)
        assert len(box.begun) == 1
        go.set()
        assert texts(await rest(one), "handled") == ["Done."]
        assert texts(await rest(other), "handled") == ["Done."]
        await mean(one, "and")
    assert sorted(name for name, _ in box.begun) == ["off", "off", "on", "on"]
    assert box.most_at_work == 1
    roles = [message["role"] for message in after_system(fake)]
    assert roles.count("tool") == 4
    assert roles.count("user") == 3


@pytest.mark.parametrize("context", [{"replaces": "t1"}, {}])
async def test_what_is_done_for_a_question_that_is_still_answered_is_known(
    context: dict[str, str],
) -> None:
    box = Box("on")
    script = (asks(LAMP), Reply([Do.STALL]), asks(LAMP), words("On."))
    async with (
        FakeLlamaSwap(*script) as fake,
        equipped(fake, box) as uri,
        connect(uri) as part,
        connect(uri) as whole,
    ):
        await say(part, "turn on", context={"conversation_id": "c", "turn_id": "t1"})
        await fake.stalled.wait()
        await mean(whole, "turn on the lamp", turn_id="t2", **context)
    assert results(fake, 2) == ["on is done"]
    assert len(box.begun) == (1 if context else 2)
    assert results(fake)[-1] == (f"{AGAIN}on is done" if context else "on is done")


async def test_what_was_heard_of_a_part_that_is_waited_for_says_nothing_of_older_ones() -> None:
    box = Box("look", reads="look")
    box.hold["look"] = asyncio.Event()
    script = (words("The sun is high."), asks(("look", {})), words("x"))
    async with (
        FakeLlamaSwap(*script) as fake,
        equipped(fake, box) as uri,
        connect(uri) as part,
        connect(uri) as whole,
    ):
        await mean(part, "hello")
        await say(part, "look", context={"conversation_id": "c", "turn_id": "t1"})
        await box.started.wait()
        cut = {"conversation_id": "c", "replaces": "t1", "interrupted": True, "heard": ""}
        await say(whole, "look again", context=cut)
        await ping(whole)
        await part.close()
        await nothing_more(whole)
        box.hold["look"].set()
        await rest(whole)
    assert [message["content"] for message in after_system(fake)] == [
        *("hello", "The sun is high.", "look again")
    ]


async def test_who_hangs_up_while_something_is_looked_up_has_asked_all_the_same() -> None:
    box = Box("look", reads="look")
    box.hold["look"] = asyncio.Event()
    script = (asks(("look", {}), text="Let me see."), words("x"))
    async with FakeLlamaSwap(*script) as fake, equipped(fake, box) as uri, connect(uri) as client:
        async with connect(uri) as gone:
            await say(gone, "is it on", context={"conversation_id": "c"})
            await box.started.wait()
        await say(client, "well", context={"conversation_id": "c"})
        await nothing_more(client)
        box.hold["look"].set()
        await rest(client)
    said = [message["content"] for message in after_system(fake)]
    assert said == ["is it on", "Let me see.", "look is done", INTERRUPTED.strip(), "well"]
