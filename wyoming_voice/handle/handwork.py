"""Does what a model asks for in one round: each call once, one after another, in the model's order.

Rule: a call that was done before, for this question or for the part that it is the whole of, isn't done
again unless it only reads; the model is given what came of it then. A call that has begun runs to its end,
and what came of it is kept, when the listener has gone or the time is up. The log tells the names of the
tools and their times (debug), and never their arguments or results.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wyoming_voice.handle.acting import Acts
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.steps import Deed, one_form
from wyoming_voice.handle.tools.arguments import Misfit, parsed
from wyoming_voice.handle.tools.toolbox import Tool, Toolbox, ToolCall, ToolResult

_log = logging.getLogger(__name__)

AGAIN = "This was asked for before, and is not done a second time. What came of it: "
ASKED_ANEW = ToolResult("Not done: the question was asked anew.", error=True)
LATE = ToolResult("No answer in time; it may have been done.", error=True, unsure=True)


class Handwork:
    """Whoever does what models ask for; `tool_s`: how long one call may take."""

    def __init__(self, toolbox: Toolbox, acts: Acts, memory: Memory, tool_s: float) -> None:
        self._toolbox = toolbox
        self._acts = acts
        self._memory = memory
        self._tool_s = tool_s

    async def do(
        self, asked: Asked, calls: Sequence[ToolCall], tools: Sequence[Tool], end_s: float
    ) -> None:
        """Do `calls` and keep what comes of them in `asked.steps`; raises LlmError when the time is up."""
        offered = {tool.name: tool for tool in tools}
        start_s = _now_s()
        try:
            for call in calls:
                await self._turn_of(asked, end_s)
                try:
                    work = self._work(asked, call, offered)
                except _NotToBeDone as known:
                    asked.steps.answered(call, known.result)
                    continue
                await self._act(asked, work, end_s)
        finally:
            asked.record.spent("tools", start_s, _now_s())

    async def _turn_of(self, asked: Asked, end_s: float) -> None:
        """Wait until nothing else is being done in the conversation."""
        try:
            async with asyncio.timeout_at(end_s):
                await self._acts.free(asked.conversation)
        except TimeoutError:
            raise _late() from None
        if _now_s() >= end_s:
            raise _late()

    def _work(self, asked: Asked, call: ToolCall, offered: Mapping[str, Tool]) -> "_Work":
        """What is to be done; raises _NotToBeDone where the result is known without that."""
        tool = offered.get(call.name)
        if asked.replaced:
            raise _NotToBeDone(ASKED_ANEW)
        try:
            arguments = parsed(call.arguments)
        except Misfit as misfit:
            raise _NotToBeDone(ToolResult(f"Not done. {misfit}", error=True)) from misfit
        reads = tool is not None and tool.reads
        done = None if reads else self._memory.done(asked, call.name, arguments)
        if done is not None:
            raise _NotToBeDone(replace(done.result, text=f"{AGAIN}{done.result.text}"))
        return _Work(call, arguments, reads)

    async def _act(self, asked: Asked, work: "_Work", end_s: float) -> None:
        asked.steps.begun(work.call)
        _count(asked, "tools")
        task = self._acts.begin(asked.conversation, lambda: self._done(asked, work))
        await asyncio.wait((task,), timeout=max(0.0, end_s - _now_s()))
        if not task.done():
            raise _late()
        task.result()

    async def _done(self, asked: Asked, work: "_Work") -> None:
        """Do one call, and keep what came of it, whether or not somebody still waits."""
        name, start_s = work.call.name, _now_s()
        try:
            async with asyncio.timeout(self._tool_s):
                result = await self._toolbox.call(name, work.arguments, asked.question)
        except TimeoutError:
            result = LATE
        if not work.reads:
            asked.steps.tried.append(Deed(name, one_form(work.arguments), result))
        asked.steps.answered(work.call, result)
        if result.error:
            _count(asked, "tool_failures")
        outcome = "failed" if result.error else "done"
        spent_ms = (_now_s() - start_s) * 1000
        _log.debug("turn=%s tool %s: %s, %.0f ms", asked.turn_id, name, outcome, spent_ms)


@dataclass(frozen=True, slots=True)
class _Work:
    """A call that is to be done."""

    call: ToolCall
    arguments: Mapping[str, object]
    reads: bool


class _NotToBeDone(Exception):
    """A call whose result is known without doing it."""

    def __init__(self, result: ToolResult) -> None:
        super().__init__(result.text)
        self.result = result


def _count(asked: Asked, fact: str) -> None:
    asked.record.note(**{fact: int(asked.record.facts.get(fact, 0)) + 1})


def _late() -> LlmError:
    remedy = "the tools took longer than --llm-timeout-s leaves them"
    return LlmError(Failure.UNFINISHED, remedy)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
