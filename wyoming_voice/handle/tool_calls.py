"""Carries out what a model calls for in one round: each call once, one after another, in the model's order.

Rule: a call that was tried before, for this question, or that did something for a part of it, isn't made
again unless it only reads; the model is given what came of it then. A call that has begun runs to its end,
and what came of it is kept, when the listener has gone or the time is up. The log tells the names of the
tools and their times (debug), and never their arguments or results.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.steps import Deed, one_form
from wyoming_voice.handle.tools.arguments import Misfit, parsed
from wyoming_voice.handle.tools.toolbox import Tool, Toolbox, ToolCall, ToolResult

_log = logging.getLogger(__name__)

AGAIN = "This was asked for before, and is not done a second time. What came of it: "
ASKED_ANEW = ToolResult("Not done: the question was asked anew.", error=True)


class ToolCalls:
    """Whoever carries out the calls of models."""

    def __init__(self, toolbox: Toolbox, acts: Acts, memory: Memory) -> None:
        self._toolbox = toolbox
        self._acts = acts
        self._memory = memory

    async def carry_out(
        self, asked: Asked, calls: Sequence[ToolCall], tools: Sequence[Tool]
    ) -> None:
        """Keep what comes of `calls` in `asked.steps`; raises LlmError when the question's time is up."""
        offered = {tool.name: tool for tool in tools}
        start_s = _now_s()
        try:
            for call in calls:
                # Checked even where nobody is waited for: calls may come to an end without any waiting.
                if not await self._acts.free(asked.conversation, asked.end_s) or asked.late:
                    raise late()
                match self._made_out(asked, call, offered):
                    case ToolResult() as known:
                        asked.steps.answered(call, known)
                    case _Work() as work:
                        await self._begin(asked, work)
        finally:
            asked.record.spent("tools", start_s, _now_s())

    def _made_out(
        self, asked: Asked, call: ToolCall, offered: Mapping[str, Tool]
    ) -> "_Work | ToolResult":
        """What is to be done; the result where that is known without doing it."""
        if asked.part_of:
            return ASKED_ANEW
        try:
            arguments = parsed(call.arguments)
        except Misfit as misfit:
            return ToolResult(f"Not done. {misfit}", error=True)
        reads = call.name in offered and offered[call.name].reads
        done = None if reads else self._memory.done(asked, call.name, arguments)
        if done is not None:
            return replace(done.result, text=f"{AGAIN}{done.result.text}")
        return _Work(call, arguments, reads)

    async def _begin(self, asked: Asked, work: "_Work") -> None:
        """Have it done, and wait for that as long as there is time."""
        asked.steps.begun(work.call)
        _count(asked, "tool_calls")
        task = self._acts.begin(asked.conversation, self._do(asked, work))
        await asyncio.wait((task,), timeout=asked.left_s)
        if not task.done():
            raise late()
        task.result()

    async def _do(self, asked: Asked, work: "_Work") -> None:
        """Make one call, and keep what came of it, whether or not somebody still waits."""
        name, start_s = work.call.name, _now_s()
        result = await self._toolbox.call(name, work.arguments, asked.question)
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
    """A call that is to be made."""

    call: ToolCall
    arguments: Mapping[str, object]
    reads: bool


def late() -> LlmError:
    """The time for a question is up while something is being done, for it or for the one before."""
    return LlmError(Failure.UNFINISHED, "the tools took longer than --llm-timeout-s leaves them")


def _count(asked: Asked, fact: str) -> None:
    asked.record.note(**{fact: int(asked.record.facts.get(fact, 0)) + 1})


def _now_s() -> float:
    return asyncio.get_running_loop().time()
