"""Handle servers that want something done, and fail, or are interrupted: each thing is done once."""

import asyncio
from collections.abc import Mapping

from wyoming.event import Event
from wyoming.handle import Handled, HandledStop

from satellite.events import ReplyEnded, WakeWord
from satellite.standalone.means import Means
from tests.satellite.standalone.guesses import HANDLE_EXTENSIONS, guessed, guessing, over
from tests.satellite.standalone.stage import answered, asking, said, standalone
from tests.satellite.standalone.wyoming_servers import Caller, FakeAsr, FakeHandle, FakeTts, Left
from wyoming_voice.errands import Done
from wyoming_voice.extensions import CLIENT_TOOLS

FIVE: tuple[str, dict[str, object]] = ("HassStartTimer", {"minutes": 5})
TEN: tuple[str, dict[str, object]] = ("HassStartTimer", {"minutes": 10})


class Hands:
    """Remembers what it was told to do."""

    specs = ({"name": "HassStartTimer", "description": "", "parameters": {"type": "object"}},)

    def __init__(self) -> None:
        self.done: list[object] = []

    def do(self, name: str, arguments: Mapping[str, object]) -> Done:
        self.done.append(arguments.get("minutes"))
        return Done(f"timer {len(self.done)}")


class Wanting(FakeHandle):
    """Wants `calls` done before it answers; leaves, or stops, once call number such and such is done."""

    def __init__(self, *calls: tuple[str, object], **how: object) -> None:
        how.setdefault("extensions", (*HANDLE_EXTENSIONS, CLIENT_TOOLS))
        super().__init__(**how)  # type: ignore[arg-type]
        self.calls = list(calls)
        self.ids = [f"call-{number}" for number in range(len(calls))]
        self.leaves_at_call = self.stops_at_call = -1
        self.rash = False
        self.results: list[tuple[str, bool]] = []

    async def until_told(self) -> None:
        """Wait until something was done."""
        async with self._changed, asyncio.timeout(10):
            await self._changed.wait_for(lambda: self.results)

    async def work(self, caller: Caller) -> None:
        while True:
            self.questions.append(question := await caller.read_until("transcript"))
            uncertain = question.data["context"].get("speculative", False)
            if uncertain and not self.rash:
                await self.committed(caller)
            for number, (name, arguments) in enumerate(self.calls):
                call = {"id": self.ids[number], "name": name, "arguments": arguments}
                await caller.send(Event("tool-call", call))
                result = (await caller.read_until("tool-result")).data
                assert result["id"] == call["id"]
                self.results.append((result["text"], result["error"]))
                await self.tell()
                if number == self.leaves_at_call:
                    raise Left
                if number == self.stops_at_call:
                    await caller.silence()
            await self._write(caller, None)
            if uncertain and self.rash:
                await self.committed(caller)
            await caller.send(Handled(text="".join(self.deltas)).event(), HandledStop().event())


def offering(hands: Hands) -> Means:
    return Means(hands, "Kitchen")


async def test_what_the_server_asks_for_is_done_and_told() -> None:
    hands, handle = Hands(), Wanting(FIVE, TEN)
    async with standalone(FakeAsr(), handle, FakeTts(), means=offering(hands)) as (direct, posts):
        await answered(direct, posts)
        assert posts.of(ReplyEnded) == [ReplyEnded(1)]
    assert hands.done == [5, 10]
    assert handle.results == [("timer 1", False), ("timer 2", False)]
    (context,) = handle.contexts
    assert (context["tools"], context["area"]) == ([dict(*Hands.specs)], "Kitchen")


async def test_a_warm_up_tells_of_the_same_tools_as_the_question() -> None:
    handle = Wanting()
    async with guessing(handle, means=offering(Hands())) as (direct, posts, _):
        await answered(direct, posts)
    (warmed,) = handle.warmed
    assert warmed.data["context"]["tools"] == handle.contexts[0]["tools"]


async def test_a_server_that_knows_nothing_of_it_is_offered_nothing_and_has_nothing_done() -> None:
    hands, handle = Hands(), FakeHandle(extensions=HANDLE_EXTENSIONS)
    async with standalone(FakeAsr(), handle, FakeTts(), means=offering(hands)) as (direct, posts):
        await answered(direct, posts)
    assert not {"tools", "area"} & set(handle.contexts[0])

    class Impudent(FakeHandle):
        async def _write(self, caller: Caller, until: object) -> None:
            await caller.send(
                Event("tool-call", {"id": "x", "name": "HassStartTimer", "arguments": {}})
            )
            await super()._write(caller, until)

    impudent = Impudent()
    async with standalone(FakeAsr(), impudent, FakeTts(), means=offering(hands)) as (direct, posts):
        await answered(direct, posts)
        assert posts.of(ReplyEnded) == [ReplyEnded(1)]
    assert hands.done == []
    assert "tool-result" not in {event.type for event in impudent.seen}


async def test_a_server_that_fails_between_two_calls_is_followed_by_one_that_does_the_rest() -> (
    None
):
    hands, first, second = Hands(), Wanting(FIVE), Wanting(FIVE, TEN)
    first.leaves_at_call = 0
    async with standalone(FakeAsr(), first, second, FakeTts(), means=offering(hands)) as (
        direct,
        posts,
    ):
        await answered(direct, posts)
        assert posts.of(ReplyEnded) == [ReplyEnded(1)]
    assert hands.done == [5, 10]
    assert second.results == [("timer 1", False), ("timer 2", False)]


async def test_the_same_server_asked_once_more_does_nothing_twice() -> None:
    hands, handle = Hands(), Wanting(FIVE)
    handle.leaves_at_call = 0
    async with standalone(FakeAsr(), handle, FakeTts(), means=offering(hands)) as (direct, posts):
        asking(direct)
        said(direct)
        await handle.until(asked=2)
        handle.leaves_at_call = -1
        await posts.until(ReplyEnded)
    assert hands.done == [5]
    assert handle.results == [("timer 1", False)] * 2


async def test_a_call_that_is_sent_twice_is_done_once() -> None:
    hands, handle = Hands(), Wanting(FIVE, FIVE)
    handle.ids = ["one", "one"]
    async with standalone(FakeAsr(), handle, FakeTts(), means=offering(hands)) as (direct, posts):
        await answered(direct, posts)
    assert hands.done == [5]
    assert handle.results == [("timer 1", False)] * 2


async def test_a_call_that_makes_no_sense_is_refused() -> None:
    hands, handle = Hands(), Wanting(("HassStartTimer", "five minutes"))
    async with standalone(FakeAsr(), handle, FakeTts(), means=offering(hands)) as (direct, posts):
        await answered(direct, posts)
    assert handle.results == [("'arguments' of a tool-call must be an object", True)]
    assert hands.done == []


async def test_a_question_that_goes_on_has_nothing_done_again() -> None:
    hands, handle = Hands(), Wanting(FIVE, TEN)
    handle.stops_at_call = 0
    async with standalone(FakeAsr(), handle, FakeTts(), means=offering(hands)) as (direct, posts):
        asking(direct)
        said(direct)
        await handle.until_told()
        direct.cancel(1)  # somebody speaks on, between two calls
        handle.stops_at_call = -1
        await answered(direct, posts, 2, replaces=1)
        assert handle.contexts[-1]["replaces"] == handle.contexts[0]["turn_id"]
        await answered(direct, posts, 3, word=WakeWord("another", "another", prompt="Be a butler."))
    assert hands.done == [5, 10, 5, 10]  # the last question is one of its own
    assert handle.results[-4:-2] == [("timer 1", False), ("timer 2", False)]


async def test_nothing_is_done_before_the_question_has_been_asked() -> None:
    hands, handle = Hands(), Wanting(FIVE)
    handle.rash = True
    async with guessing(handle, means=offering(hands)) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until_told()
        assert handle.results == [("nothing is done before the question has been asked", True)]
        assert hands.done == []
        handle.rash = False
        await over(direct, posts)
    assert hands.done == []


async def test_what_was_foreseen_acts_once_it_was_asked() -> None:
    hands, handle = Hands(), Wanting(FIVE)
    async with guessing(handle, means=offering(hands)) as (direct, posts, asr):
        await guessed(direct, posts, asr)
        await handle.until(asked=1)
        assert hands.done == []
        await over(direct, posts)
        assert posts.of(ReplyEnded) == [ReplyEnded(1)]
    assert hands.done == [5]
    assert handle.commits == 1
