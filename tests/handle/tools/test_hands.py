"""The hands of one question, without a server around them: calls, results, and those who have gone."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from wyoming.event import Event

from tests.handle.tools.test_client_tools import END, START, chunk
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.client_tools import Awaited, ClientToolbox, Hands, resolve
from wyoming_voice.handle.tools.toolbox import Offer, ToolResult


async def test_a_call_that_was_not_sent_yet_was_not_made() -> None:
    async def waiting() -> AsyncGenerator[Event, None]:
        await asyncio.Event().wait()
        yield END

    hands = Hands((START,), Commitment.outright(), {})
    calls = [asyncio.create_task(hands.call("HassStartTimer", {"n": n})) for n in (1, 2)]
    await asyncio.sleep(0)
    events = hands.among(waiting())
    assert (await anext(events)).data["arguments"] == {"n": 1}
    await events.aclose()
    assert [(await call).unsure for call in calls] == [True, False]


async def test_a_reply_goes_no_further_than_is_listened_to() -> None:
    made = []

    async def counting() -> AsyncGenerator[Event, None]:
        for number in range(3):
            made.append(number)
            yield chunk(str(number))

    hands = Hands((START,), Commitment.outright(), {})
    async with contextlib.aclosing(hands.among(counting())) as events:
        async for event in events:
            for _ in range(5):  # what could go on would
                await asyncio.sleep(0)
            assert event.data["text"] == str(made[-1])


async def test_a_second_result_means_nothing_however_soon_it_comes() -> None:
    result = asyncio.get_running_loop().create_future()
    awaited: Awaited = {"a": result}
    for text in ("first", "second"):
        resolve(awaited, "a", ToolResult(text))
    assert (await result).text == "first"


async def test_a_client_that_says_nothing_is_waited_for_no_longer_than_that() -> None:
    hands = Hands((START,), Commitment.outright(), {}, within_s=0)
    result = await hands.call("HassStartTimer", {})
    assert (result.error, result.unsure) == (True, True)
    assert "may have been done" in result.text


async def test_a_tool_that_isn_t_offered_is_not_asked_for() -> None:
    hands = Hands((START,), Commitment.outright(), {})
    result = await hands.call("HassTurnOn", {})
    assert result == ToolResult(
        "there is no tool 'HassTurnOn'; there are: HassStartTimer", error=True
    )


async def test_a_toolbox_of_what_each_client_offers() -> None:
    box = ClientToolbox()
    hands = Hands((START,), Commitment.outright(), {}, within_s=0)
    question = Question("x", "mine", client=hands)
    assert (await box.offer(question)).tools == (START,)
    assert (await box.call("HassStartTimer", {}, question)).unsure
    assert await box.offer(Question("x", "mine")) == Offer()
    assert (await box.call("HassStartTimer", {}, Question("x", "mine"))).error
    await box.close()
