"""When the listener is told that a model is waited for, and what is closed with an answer."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

from wyoming_voice.handle.llm.deltas import Acting, Delta, Finished, Text, Thinking, Waiting
from wyoming_voice.handle.noticing import Notices, noticing
from wyoming_voice.handle.reply import Notice

NOTICE = Notice("One moment.")
TOOLS = Notice("I'm at it.")
ROUNDS = 10


def _notices(after_s: float) -> Notices:
    return Notices(NOTICE, after_s, TOOLS, after_s)


class Scripted:
    """Gives each delta at once, None after some rounds of the event loop."""

    def __init__(self, *script: Delta | None) -> None:
        self._script = script
        self.closed = False

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        try:
            for step in self._script:
                if step is not None:
                    yield step
                    continue
                for _ in range(ROUNDS):
                    await asyncio.sleep(0)
        finally:
            self.closed = True


async def heard(*script: Delta | None, after_s: float = 0.0) -> Sequence[Delta | Notice]:
    return [delta async for delta in noticing(Scripted(*script).deltas(), _notices(after_s))]


async def test_a_notice_comes_once_while_a_model_is_waited_for() -> None:
    assert await heard(Waiting(), None, Waiting(), None, Text("x")) == [
        Waiting(),
        NOTICE,
        Waiting(),
        Text("x"),
    ]


async def test_no_notice_for_a_model_that_only_takes_its_time() -> None:
    assert await heard(None, Thinking(), None, Text("x")) == [Thinking(), Text("x")]


async def test_no_notice_once_the_model_is_at_work() -> None:
    assert NOTICE not in await heard(Waiting(), Thinking(), None, Text("x"))


async def test_no_notice_before_its_time() -> None:
    assert NOTICE not in await heard(Waiting(), None, Text("x"), after_s=3600)


async def test_no_notice_once_there_is_text() -> None:
    assert await heard(Waiting(), Text("x"), None, Finished("stop")) == [
        Waiting(),
        Text("x"),
        Finished("stop"),
    ]


async def test_tools_are_waited_for_until_something_is_said() -> None:
    assert await heard(Thinking(), Acting(), None, Waiting(), Thinking(), None, Text("x")) == [
        Thinking(),
        Acting(),
        TOOLS,
        Waiting(),
        Thinking(),
        Text("x"),
    ]
    assert TOOLS in await heard(Acting(), Waiting(), Thinking(), None, Text("x"))
    assert TOOLS not in await heard(Acting(), Text("x"), None, Finished("stop"))


async def test_tools_are_told_of_once() -> None:
    told = await heard(Acting(), None, Text("x"), Acting(), None, Text("y"))
    assert told.count(TOOLS) == 1
    later = await heard(Acting(), Text("x"), Acting(), None, Text("y"))
    assert later.count(TOOLS) == 1


async def test_a_model_that_loads_and_its_tools_are_told_of_both() -> None:
    told = await heard(Waiting(), None, Thinking(), Acting(), None, Text("x"))
    assert [delta for delta in told if isinstance(delta, Notice)] == [NOTICE, TOOLS]


async def test_closing_between_two_deltas_closes_the_source() -> None:
    source = Scripted(Text("x"), Text("y"))
    async with contextlib.aclosing(noticing(source.deltas(), _notices(0.0))) as deltas:
        assert await anext(deltas) == Text("x")
    assert source.closed
