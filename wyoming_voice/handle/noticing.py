"""When the listener is told that somebody is being waited for.

Rule: once for a model that loads and once for tools that take long, and only while there is nothing else to
be heard.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from wyoming_voice.handle.llm.deltas import Acting, Delta, Text, Thinking, Waiting
from wyoming_voice.handle.reply import Notice
from wyoming_voice.peer import end


@dataclass(frozen=True, slots=True)
class Notices:
    """What is said of a model that loads and of tools, each after so many seconds."""

    loading: Notice
    loading_after_s: float
    tools: Notice
    tools_after_s: float


class _Due:
    """Which notice comes when, by what has come so far.

    A model is waited for from the first Waiting until it is at work; tools from their beginning until
    something is said, be it that the model thinks on what came of them.
    """

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._loading, self._tools = notices.loading.wanted, notices.tools.wanted
        self._notice: Notice | None = None
        self._at_s = 0.0

    @property
    def left_s(self) -> float | None:
        return None if self._notice is None else max(0.0, self._at_s - _now_s())

    def take(self) -> Notice:
        """The one that is due."""
        notice, self._notice = self._notice or Notice(""), None
        self._tools = self._tools and notice is not self._notices.tools
        return notice

    def after(self, delta: Delta) -> None:
        match delta:
            case Waiting() if self._loading and self._notice is None:
                self._loading = False
                self._wait(self._notices.loading, self._notices.loading_after_s)
            case Acting() if self._tools and self._notice is None:
                self._wait(self._notices.tools, self._notices.tools_after_s)
            case Text():
                self._loading, self._notice = False, None
            case Thinking() if self._notice is self._notices.loading:
                self._notice = None

    def _wait(self, notice: Notice, after_s: float) -> None:
        self._notice, self._at_s = notice, _now_s() + after_s


async def noticing(
    deltas: AsyncGenerator[Delta, None], notices: Notices
) -> AsyncGenerator[Delta | Notice, None]:
    """`deltas`, with notices between them where they are due."""
    due = _Due(notices)
    step: asyncio.Task[Delta | None] | None = None
    try:
        while True:
            step = step or asyncio.create_task(_next(deltas))
            await asyncio.wait((step,), timeout=due.left_s)
            if not step.done():
                yield due.take()
                continue
            delta, step = step.result(), None
            if delta is None:
                return
            due.after(delta)
            yield delta
    finally:
        if step is not None:
            await end((step,))
        await deltas.aclose()


async def _next(deltas: AsyncGenerator[Delta, None]) -> Delta | None:
    return await anext(deltas, None)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
