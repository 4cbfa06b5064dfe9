"""Tools as a client of the handle server sees them: what is done, how often, and what is said of it."""

import asyncio
import json
import logging
import re
from typing import Any

import pytest
from wyoming.event import Event

from tests.handle.box import FAN, LAMP, Box
from tests.handle.talking import ask, equipped, kinds, rest, results, say, texts
from tests.llama_swap import DONE as DONE_MARK
from tests.llama_swap import END, Do, FakeLlamaSwap, Reply, asks, delta, refusal, words
from wyoming_voice.handle.llm.failures import Failure
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.rounds import MOST_CALLS
from wyoming_voice.handle.tool_calls import AGAIN
from wyoming_voice.handle.tools.toolbox import ToolResult
from wyoming_voice.wire import Connection, connect


async def heard(
    fake: FakeLlamaSwap, box: Box, text: str = "turn it on", **values: Any
) -> list[Event]:
    async with equipped(fake, box, **values) as uri, connect(uri) as client:
        return await ask(client, text, context={"conversation_id": "c"})


async def mean(client: Connection, text: str, **context: Any) -> list[Event]:
    return await ask(client, text, context={"conversation_id": "c", **context})


def last_line(caplog: pytest.LogCaptureFixture) -> str:
    lines = [record.getMessage() for record in caplog.records]
    return next(line for line in reversed(lines) if "kind=handle" in line)


async def test_what_the_model_wants_is_done_and_it_says_what_came_of_it() -> None:
    box = Box("on", "off")
    async with FakeLlamaSwap(asks(LAMP), words("It is on.")) as fake:
        events = await heard(fake, box)
    assert texts(events, "handled") == ["It is on."]
    assert box.begun == [LAMP]
    first, second = fake.chats
    assert [tool["function"]["name"] for tool in first["tools"]] == ["on", "off"]
    assert first["tools"] == second["tools"]
    assert second["messages"][: len(first["messages"])] == first["messages"]
    call, result = second["messages"][-2:]
    assert call["role"] == "assistant"
    assert call["tool_calls"][0]["function"] == {"name": "on", "arguments": '{"name": "lamp"}'}
    assert result == {"role": "tool", "tool_call_id": "id_on_0", "content": "on is done"}
    assert "tool_choice" not in second


async def test_without_tools_none_are_sent() -> None:
    async with FakeLlamaSwap(words("x")) as fake:
        await heard(fake, Box())
    assert "tools" not in fake.chats[0]


async def test_calls_of_tools_that_there_are_not_any_of_mean_nothing() -> None:
    box = Box()
    async with FakeLlamaSwap(asks(LAMP, text="Well.")) as fake:
        assert texts(await heard(fake, box), "handled") == ["Well."]
    assert len(fake.chats) == 1
    async with FakeLlamaSwap(asks(LAMP)) as fake:
        assert texts(await heard(fake, box), "not-handled") == [in_words(Failure.NO_TOOLS, "en")]
    assert box.begun == []
    assert len(fake.chats) == 1


async def test_several_calls_are_done_one_after_another_in_the_model_s_order() -> None:
    box = Box("on", "off")
    async with FakeLlamaSwap(asks(FAN, LAMP), words("Both.")) as fake:
        assert texts(await heard(fake, box), "handled") == ["Both."]
    assert box.begun == [FAN, LAMP]
    assert box.most_at_work == 1
    assert results(fake) == ["off is done", "on is done"]


async def test_text_before_the_calls_is_spoken_and_kept_apart() -> None:
    async with FakeLlamaSwap(asks(LAMP, text="Let me see."), words("It is on.")) as fake:
        events = await heard(fake, Box("on"))
    assert texts(events, "handled") == ["Let me see. It is on."]
    assert fake.chats[1]["messages"][-2]["content"] == "Let me see."


async def test_calls_that_stand_in_the_text_are_not_spoken() -> None:
    text = '<tool_call>{"name": "on"}</tool_call><function=on>{}</function>[TOOL_CALLS]on{}'
    async with FakeLlamaSwap(words("Well. ", *text)) as fake:
        assert texts(await heard(fake, Box("on")), "handled") == ["Well."]


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "function_call", None])
async def test_calls_count_whatever_the_end_is_called(finish: str | None) -> None:
    call = {"index": 0, "function": {"name": "on", "arguments": '{"name": "lamp"}'}}
    end = [delta(finish)] if finish else []
    reply = Reply([delta(tool_calls=[call]), *end, DONE_MARK])
    box = Box("on")
    async with FakeLlamaSwap(reply, words("On.")) as fake:
        assert texts(await heard(fake, box), "handled") == ["On."]
    assert box.begun == [LAMP]
    assert len(fake.chats[1]["messages"][-1]["tool_call_id"]) == 9


@pytest.mark.parametrize("end", [[delta("length"), DONE_MARK], [Do.CUT]])
async def test_half_an_answer_asks_for_nothing(end: list[Any]) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "on", "arguments": '{"name": "lamp"}'}}
    box = Box("on")
    async with FakeLlamaSwap(Reply([delta(tool_calls=[call]), *end])) as fake:
        events = await heard(fake, box)
    assert [event.type for event in events] == ["not-handled"]
    assert box.begun == []


async def test_a_loop_of_calls_comes_to_an_end_in_words() -> None:
    box = Box("look", reads="look")
    script = [asks(("look", {"at": number})) for number in range(3)]
    async with FakeLlamaSwap(*script, words("I looked.")) as fake:
        events = await heard(fake, box, tool_rounds=3)
    assert texts(events, "handled") == ["I looked."]
    assert len(box.begun) == 3
    assert [chat.get("tool_choice") for chat in fake.chats] == [None, None, None, "none"]
    assert all("tools" in chat for chat in fake.chats)


async def test_a_model_that_finds_no_end_is_told_so() -> None:
    async with FakeLlamaSwap(asks(("look", {}))) as fake:
        events = await heard(fake, Box("look", reads="look"), tool_rounds=2)
    assert texts(events, "not-handled") == [in_words(Failure.ENDLESS, "en")]
    assert len(fake.chats) == 3
    async with FakeLlamaSwap(asks(LAMP)) as fake:
        events = await heard(fake, Box("on"), tool_rounds=1)
    assert texts(events, "handled") == [in_words(Own.DONE_AND_BROKE_OFF, "en")]


async def test_a_model_that_wants_far_too_much_at_once_is_given_nothing() -> None:
    box = Box("on")
    calls = [("on", {"number": number}) for number in range(MOST_CALLS + 1)]
    async with FakeLlamaSwap(asks(*calls)) as fake:
        assert texts(await heard(fake, box), "not-handled") == [in_words(Failure.ENDLESS, "en")]
    assert box.begun == []
    async with FakeLlamaSwap(asks(*calls[:-1]), words("All on.")) as fake:
        assert texts(await heard(fake, box), "handled") == ["All on."]


async def test_the_same_is_not_done_twice_in_one_answer() -> None:
    box = Box("on")
    again = ("on", {"name": "lamp"})
    async with FakeLlamaSwap(asks(LAMP, LAMP), asks(again), words("On.")) as fake:
        await heard(fake, box)
    assert box.begun == [LAMP]
    assert results(fake) == ["on is done", f"{AGAIN}on is done", f"{AGAIN}on is done"]


async def test_what_only_reads_may_be_asked_for_again() -> None:
    box = Box("look", reads="look")
    async with FakeLlamaSwap(asks(("look", {})), asks(("look", {})), words("x")) as fake:
        await heard(fake, box)
    assert len(box.begun) == 2


@pytest.mark.parametrize("written", ["nonsense", "[1]", '{"a": NaN}'])
async def test_arguments_that_are_no_object_are_told_to_the_model(written: str) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "on", "arguments": written}}
    box = Box("on")
    async with FakeLlamaSwap(Reply([delta(tool_calls=[call]), *END]), words("Hm.")) as fake:
        assert texts(await heard(fake, box), "handled") == ["Hm."]
    assert box.begun == []
    sent, result = fake.chats[1]["messages"][-2:]
    assert sent["tool_calls"][0]["function"]["arguments"] == "{}"
    assert "Not done." in result["content"]


async def test_what_no_server_would_take_back_is_mended_in_the_prompt() -> None:
    call = {"index": 0, "id": "a\ud800", "function": {"name": "on the light!", "arguments": "{}"}}
    chunk = json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]})
    reply = Reply([f"data: {chunk}\n\n".encode(), *END])
    async with FakeLlamaSwap(reply, words("Hm.")) as fake:
        await heard(fake, Box("on"))
    sent, result = fake.chats[1]["messages"][-2:]
    assert sent["tool_calls"][0]["function"]["name"] == "on_the_light_"
    assert result["tool_call_id"] == sent["tool_calls"][0]["id"] == "a?"


async def test_a_tool_that_there_is_not_is_told_to_the_model() -> None:
    async with FakeLlamaSwap(asks(("onn", {})), words("Hm.")) as fake:
        assert texts(await heard(fake, Box("on")), "handled") == ["Hm."]
    assert "There is no tool 'onn'" in results(fake)[0]


@pytest.mark.parametrize(
    ("failing", "last", "kind", "said"),
    [
        (False, Reply([*END]), "handled", in_words(Own.DONE, "en")),
        (True, Reply([*END]), "not-handled", in_words(Failure.NOT_DONE, "en")),
        (False, Reply([Do.CUT]), "handled", in_words(Own.DONE_AND_BROKE_OFF, "en")),
        (False, refusal(500), "handled", in_words(Own.DONE_AND_BROKE_OFF, "en")),
        (True, Reply([Do.CUT]), "not-handled", in_words(Failure.BROKE_OFF, "en")),
    ],
)
async def test_where_the_model_leaves_off_it_is_said_what_was_done(
    failing: bool, last: Reply, kind: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = Box("on")
    box.results["on"] = ToolResult("no such lamp", error=failing)
    caplog.set_level(logging.INFO)
    async with FakeLlamaSwap(asks(LAMP), last) as fake:
        assert texts(await heard(fake, box), kind) == [said]
    assert "--max-tokens" not in caplog.text


async def test_what_only_was_looked_up_is_no_deed() -> None:
    async with FakeLlamaSwap(asks(("look", {})), Reply([*END])) as fake:
        events = await heard(fake, Box("look", reads="look"))
    assert texts(events, "not-handled") == [in_words(Failure.EMPTY, "en")]


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (500, b'{"error": {"message": "tools param requires --jinja flag"}}'),
        (400, b'{"error": {"message": "registry/gemma does not support tools"}}'),
    ],
)
async def test_a_server_that_takes_no_tools_is_told_of(
    status: int, detail: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    refused = Reply([detail], status, {"Content-Type": "application/json"})
    async with FakeLlamaSwap(refused) as fake:
        events = await heard(fake, Box("on"))
    assert texts(events, "not-handled") == [in_words(Failure.NO_TOOLS, "en")]
    assert "--jinja" in caplog.text


async def test_a_tool_has_its_own_time() -> None:
    box = Box("on")
    box.hold["on"] = asyncio.Event()
    async with FakeLlamaSwap(asks(LAMP), words("Hm.")) as fake:
        assert texts(await heard(fake, box, tool_timeout_s=0.05), "handled") == ["Hm."]
    assert "not known whether it was done" in results(fake)[0]


async def test_who_waits_for_tools_is_told_once() -> None:
    box, more = Box("on"), asyncio.Event()
    box.hold["on"] = asyncio.Event()
    last = Reply([delta(reasoning_content="hm"), more, delta(content="On."), *END])
    async with (
        FakeLlamaSwap(asks(LAMP), last) as fake,
        equipped(fake, box, tool_notice="One moment.", tool_notice_after_s=0) as uri,
        connect(uri) as client,
    ):
        await say(client, "turn it on")
        assert await kinds(client, 2) == ["handled-start", "handled-chunk"]
        box.hold["on"].set()
        more.set()
        assert texts(await rest(client), "handled") == ["One moment. On."]


async def test_the_record_tells_how_many_and_never_what(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    box = Box("on", "off")
    box.results["off"] = ToolResult("swordfish", error=True)
    call = ("on", {"password": "swordfish"})
    async with FakeLlamaSwap(asks(call, FAN), words("x")) as fake:
        await heard(fake, box)
    line = last_line(caplog)
    assert "failure=" not in line
    for part in ("tool_calls=2", "tool_rounds=1", "tool_failures=1"):
        assert part in line
    assert re.search(r" tools=[0-9.]+ms", line)
    assert "swordfish" not in caplog.text


async def test_a_warm_up_reads_what_the_question_will_begin_with() -> None:
    async with (
        FakeLlamaSwap(words("x")) as fake,
        equipped(fake, Box("on", told="There is a lamp.")) as uri,
        connect(uri) as client,
    ):
        await client.write(Event("warm-up", {"context": {"conversation_id": "c"}}))
        await fake.chatted.wait()
        await mean(client, "hello")
    warmed, question = fake.chats
    assert warmed["tools"] == question["tools"]
    assert warmed["messages"][:-1] == question["messages"][:-1]
    assert "There is a lamp." in question["messages"][0]["content"]
