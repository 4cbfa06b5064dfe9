"""What the client of a question can do itself, such as a satellite's timers: asked of it over its connection.

Rule: it is asked once for each call, and not before its question stands. What it says of a call that is
not waited for, or says a second time, means nothing; what it doesn't say, in time or before it leaves, is
told as unknown, since it may have been done. Nobody waits for a client that has gone.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from uuid import uuid4

from wyoming.event import Event

from wyoming_voice.extensions import TOOL_CALL
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import Offer, Tool, ToolResult
from wyoming_voice.peer import end

CALL_S = 10.0
"""What a client can do it does at once; the rest is for a bad network."""

TOLD = (
    "Timers, and the volume, are those of the device that the speaker talks to, whatever is said above about "
    "timers."
)
"""About a client's tools, true of all that offer some; Home Assistant says above that there are no timers."""

Awaited = dict[str, asyncio.Future[ToolResult]]
"""The calls of one connection that are not over, by their ids."""


class Hands:
    """One question's `Client`; `awaited` is where the results of its connection come in."""

    def __init__(
        self,
        tools: tuple[Tool, ...],
        commitment: Commitment,
        awaited: Awaited,
        within_s: float = CALL_S,
    ) -> None:
        self.tools = tools
        self._commitment = commitment
        self._awaited = awaited
        self._within_s = within_s
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()  # one for each call at most
        self._open: set[str] = set()
        self._gone = False

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """See `Client`."""
        if name not in (tool.name for tool in self.tools):
            known = ", ".join(tool.name for tool in self.tools)
            return ToolResult(f"there is no tool {name[:64]!r}; there are: {known}", error=True)
        await self._commitment.wait()
        if self._gone:
            return _UNASKED
        call_id = uuid4().hex
        self._open.add(call_id)
        result: asyncio.Future[ToolResult] = asyncio.get_running_loop().create_future()
        self._awaited[call_id] = result
        asked = {"id": call_id, "name": name, "arguments": dict(arguments)}
        self._events.put_nowait(Event(TOOL_CALL, asked))
        try:
            async with asyncio.timeout(self._within_s):
                return await result
        except TimeoutError:
            return _unsure(f"didn't say within {self._within_s:g} s what came of it")
        finally:
            del self._awaited[call_id]
            self._open.discard(call_id)

    async def among(self, replies: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The events of a reply, and between them the calls that the reply waits for.

        `replies` runs in a task of its own from beginning to end, and no further than is listened to.
        """
        running = asyncio.create_task(self._run(replies))
        running.add_done_callback(lambda _: self._events.put_nowait(None))
        try:
            while (event := await self._events.get()) is not None:
                yield event
                self._events.task_done()
            await running
        finally:
            self._leave()
            await end((running,))

    def _leave(self) -> None:
        """Let nobody wait for what the client will not say."""
        self._gone, unsent = True, set()
        while not self._events.empty():
            if (event := self._events.get_nowait()) is not None:
                unsent.add(event.data.get("id"))
        for call_id in self._open:
            result = (
                _UNASKED if call_id in unsent else _unsure("left before it said what came of it")
            )
            resolve(self._awaited, call_id, result)

    async def _run(self, replies: AsyncGenerator[Event, None]) -> None:
        async with contextlib.aclosing(replies):
            async for event in replies:
                self._events.put_nowait(event)
                await self._events.join()


_UNASKED = ToolResult("the device has gone; it wasn't asked for it", error=True)


def _unsure(what: str) -> ToolResult:
    return ToolResult(f"the device {what}; it may have been done", error=True, unsure=True)


def resolve(awaited: Awaited, call_id: str, result: ToolResult) -> None:
    """Take what came of a call, if somebody waits for it."""
    waiting = awaited.get(call_id)
    if waiting is not None and not waiting.done():
        waiting.set_result(result)


class ClientToolbox:
    """A `Toolbox` of whatever the client of each question offers."""

    async def offer(self, question: Question) -> Offer:
        """The client's tools."""
        client = question.client
        return Offer(client.tools, TOLD) if client is not None and client.tools else Offer()

    async def call(self, name: str, arguments: Mapping[str, Any], question: Question) -> ToolResult:
        """Have the client do it."""
        if question.client is None:
            return ToolResult("the device that asks can do nothing itself", error=True)
        return await question.client.call(name, arguments)

    async def close(self) -> None:
        """There is nothing to be let go of."""
