"""Calls that a client is sent between the events of its answer, and what it says of them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from wyoming.event import Event
from wyoming.info import Info

from tests.handle.talking import rest, say, settings, texts
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import UpstreamError
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.conversation import HandleConversation
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import Tool, ToolResult
from wyoming_voice.service import serving
from wyoming_voice.wire import Connection, connect

TOOL: dict[str, Any] = {
    "name": "HassStartTimer",
    "description": "Start a timer",
    "parameters": {"type": "object", "properties": {}},
}
OFFER = {"tools": [TOOL]}
START = Tool(**TOOL)

Answered = Callable[[Question, Commitment], AsyncGenerator[Event, None]]


class Scripted:
    """Answers as a test's generator does; `ended` is set when the last one has come to its end."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self.warmed: list[Question] = []
        self.ended = asyncio.Event()

    async def replies(
        self, question: Question, record: TurnRecord, commitment: Commitment
    ) -> AsyncGenerator[Event, None]:
        try:
            async with contextlib.aclosing(self._answered(question, commitment)) as events:
                async for event in events:
                    yield event
        finally:
            self.ended.set()

    def warm(self, question: Question) -> None:
        self.warmed.append(question)

    async def close(self) -> None:
        pass


class Scene:
    """A program around scripted answers."""

    kind = "handle"
    info = Info()
    busy = False
    healthy = True

    def __init__(self, answers: Scripted) -> None:
        self._answers = answers

    async def load(self) -> None:
        pass

    def converse(self) -> HandleConversation:
        return HandleConversation(self._answers, 1000)

    async def close(self) -> None:
        pass


@contextlib.asynccontextmanager
async def talking(answered: Answered) -> AsyncIterator[tuple[Connection, Scripted]]:
    answers = Scripted(answered)
    async with serving(Scene(answers), settings()) as address, connect(str(address)) as client:
        yield client, answers


async def next_event(client: Connection) -> Event:
    event = await client.read()
    assert event is not None
    return event


async def told(client: Connection, call: Event, text: str = "{}", **data: Any) -> None:
    await client.write(Event("tool-result", {"id": call.data["id"], "text": text, **data}))


def chunk(text: str) -> Event:
    return Event("handled-chunk", {"text": text})


END = Event("handled-stop")


async def calling(question: Question, _: Commitment) -> AsyncGenerator[Event, None]:
    """Says what came of one call."""
    yield chunk("One moment.")
    assert question.client is not None
    result = await question.client.call("HassStartTimer", {"minutes": 5})
    yield chunk(f"{result.text} {result.error}")
    yield END


async def test_a_call_goes_out_between_the_events_and_its_result_comes_in() -> None:
    async with talking(calling) as (client, _):
        await say(client, "tea", context=OFFER)
        assert (await next_event(client)).data == {"text": "One moment."}
        call = await next_event(client)
        assert call.type == "tool-call"
        assert call.data == {
            "id": call.data["id"],
            "name": "HassStartTimer",
            "arguments": {"minutes": 5},
        }
        await told(client, call, "done")
        assert texts(await rest(client), "handled-chunk") == ["done False"]
        await say(client, "tea", context=OFFER)  # and the connection is good for more
        await next_event(client)
        await told(client, await next_event(client), "broken", error=True)
        assert texts(await rest(client), "handled-chunk") == ["broken True"]


async def test_results_that_nobody_waits_for_mean_nothing() -> None:
    async with talking(calling) as (client, _):
        await client.write(Event("tool-result", {"id": "none", "text": "x"}))
        await say(client, "tea", context=OFFER)
        await next_event(client)
        call = await next_event(client)
        await client.write(Event("tool-result", {"id": "other", "text": "of none"}))
        await told(client, call, "first")
        await told(client, call, "second")
        assert texts(await rest(client), "handled-chunk") == ["first False"]
        await told(client, call, "late")
        await say(client, "tea", context=OFFER)
        await next_event(client)
        again = await next_event(client)
        assert again.data["id"] != call.data["id"]
        await told(client, again, "its own")
        assert texts(await rest(client), "handled-chunk") == ["its own False"]


async def test_calls_at_once_each_get_their_own_result() -> None:
    async def both(question: Question, _: Commitment) -> AsyncGenerator[Event, None]:
        assert question.client is not None
        calls = [question.client.call("HassStartTimer", {"n": n}) for n in (1, 2)]
        results = await asyncio.gather(*calls)
        yield chunk(" ".join(result.text for result in results))
        yield END

    async with talking(both) as (client, _):
        await say(client, "tea", context=OFFER)
        calls = [await next_event(client), await next_event(client)]
        for call in reversed(calls):
            await told(client, call, str(call.data["arguments"]["n"]))
        assert texts(await rest(client), "handled-chunk") == ["1 2"]


async def test_a_client_that_offers_nothing_has_no_hands() -> None:
    async def saying(question: Question, _: Commitment) -> AsyncGenerator[Event, None]:
        yield chunk(str(question.client))
        yield END

    async with talking(saying) as (client, _):
        await say(client, "tea")
        assert texts(await rest(client), "handled-chunk") == ["None"]


async def test_nothing_is_asked_for_before_the_question_stands() -> None:
    waits = asyncio.Event()

    async def early(question: Question, commitment: Commitment) -> AsyncGenerator[Event, None]:
        assert question.client is not None
        yield chunk("begun")
        call = asyncio.ensure_future(question.client.call("HassStartTimer", {}))
        await asyncio.sleep(0)
        yield chunk("asked" if commitment.made else "not asked")
        waits.set()
        yield chunk((await call).text)
        yield END

    async with talking(early) as (client, _):
        await say(client, "tea", context={**OFFER, "speculative": True})
        await waits.wait()
        assert [(await next_event(client)).data["text"] for _ in "12"] == ["begun", "not asked"]
        await client.write(Event("ping", {"text": ""}))
        assert (await next_event(client)).type == "pong"  # no call before it
        await client.write(Event("commit"))
        await told(client, await next_event(client), "done")
        assert texts(await rest(client), "handled-chunk") == ["done"]


async def test_a_question_that_is_taken_back_asks_for_nothing() -> None:
    async with talking(calling) as (client, answers):
        await say(client, "tea", context={**OFFER, "speculative": True})
        assert (await next_event(client)).data["text"] == "One moment."
        await say(client, "coffee", context=OFFER)
        await answers.ended.wait()
        assert (await next_event(client)).data["text"] == "One moment."
        await told(client, await next_event(client), "done")
        assert texts(await rest(client), "handled-chunk") == ["done False"]


async def test_nobody_waits_for_a_client_that_hangs_up() -> None:
    results: list[ToolResult] = []
    acts: list[asyncio.Task[None]] = []

    async def act(question: Question) -> None:
        assert question.client is not None
        results.append(await question.client.call("HassStartTimer", {"minutes": 5}))
        results.append(await question.client.call("HassStartTimer", {"minutes": 6}))

    async def acting(question: Question, _: Commitment) -> AsyncGenerator[Event, None]:
        acts.append(asyncio.create_task(act(question)))
        await asyncio.shield(acts[0])  # what has begun goes on, whoever listens
        yield END

    async with talking(acting) as (client, answers):
        await say(client, "tea", context=OFFER)
        assert (await next_event(client)).type == "tool-call"
        await client.close()
        await answers.ended.wait()
        await acts[0]
    assert [(result.error, result.unsure) for result in results] == [(True, True), (True, False)]


async def test_an_answer_that_fails_behind_a_call_is_told() -> None:
    async def failing(question: Question, _: Commitment) -> AsyncGenerator[Event, None]:
        assert question.client is not None
        await question.client.call("HassStartTimer", {})
        raise UpstreamError("no more")
        yield END

    async with talking(failing) as (client, _):
        await say(client, "tea", context=OFFER)
        await told(client, await next_event(client))
        assert texts(await rest(client), "error") == ["no more"]


async def test_a_malformed_result_ends_the_connection_with_the_name_of_its_field() -> None:
    async with talking(calling) as (client, answers):
        await say(client, "tea", context=OFFER)
        await next_event(client)
        call = await next_event(client)
        await client.write(Event("tool-result", {"id": call.data["id"], "text": 7}))
        error = await next_event(client)
        assert error.data["code"] == "bad-event"
        assert "'text'" in error.data["text"]
        await answers.ended.wait()


async def test_a_warm_up_tells_what_will_be_offered() -> None:
    async with talking(calling) as (client, answers):
        await client.write(Event("warm-up", {"context": {**OFFER, "area": "Kitchen"}}))
        await client.write(Event("ping", {"text": ""}))
        await next_event(client)
        (question,) = answers.warmed
        assert question.client is not None
        assert (question.client.tools, question.area) == ((START,), "Kitchen")
