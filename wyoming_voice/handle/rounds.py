"""The model, what it wants to have done, and the model again, until it has said what there is to say.

Rule: what fails is told to the model, which may try something else, but not for ever: after so many rounds it
is asked for words alone, and all of it, the tools included, ends when the question's time is up.
"""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from wyoming_voice.handle.llm.asking import AUTO, NONE
from wyoming_voice.handle.llm.deltas import Acting, Calls, Delta, Text
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.llm.warming import Prompt
from wyoming_voice.handle.memory import Asked
from wyoming_voice.handle.steps import Message
from wyoming_voice.handle.tool_calls import ToolCalls
from wyoming_voice.handle.tools.toolbox import Tool, ToolCall

MOST_CALLS = 64
"""Of one round; a model that calls for more has lost its way, and nothing of it is done."""


class Llm(Protocol):
    """Whoever continues a list of messages."""

    @property
    def model(self) -> str:
        """The name of the model, for the log."""

    def answer(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        tool_choice: str = AUTO,
        within_s: float = float("inf"),
    ) -> AsyncGenerator[Delta, None]:
        """The answer as it is written; raises LlmError."""

    async def read(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """Have the model loaded and all of it read; raises LlmError."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often the model may ask for tools, and how many seconds a whole answer may take."""

    rounds: int = 6
    answer_s: float = 120.0


class Rounds:
    """Carries questions between a model and whoever does what it calls for, `most` times at most."""

    def __init__(self, llm: Llm, tool_calls: ToolCalls, most: int) -> None:
        self._llm = llm
        self._tool_calls = tool_calls
        self._most = most

    async def deltas(self, asked: Asked, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """What the model says to a question, round by round; raises LlmError."""
        for left in range(self._most, -1, -1):
            calls: tuple[ToolCall, ...] = ()
            text = ""
            async with contextlib.aclosing(self._asked(asked, prompt, left)) as deltas:
                async for delta in deltas:
                    match delta:
                        case Calls():
                            calls = delta.calls
                            continue
                        case Text():
                            text += delta.text
                    yield delta
            if not calls:
                return
            if not (left and prompt.tools):
                break
            if len(calls) > MOST_CALLS:
                raise _endless(f"the model asks for {len(calls)} things at once")
            to_do = asked.steps.asked(text, calls, len(prompt.messages))
            yield Calls(calls)
            await asked.stands()
            yield Acting(changes=_changes(asked, calls, prompt.tools))
            asked.record.note(tool_rounds=self._most - left + 1)
            await self._tool_calls.carry_out(asked, to_do, prompt.tools)
        if not text.strip():
            if not prompt.tools:
                raise _no_tools()
            raise _endless(f"the model asks for tools after {self._most} rounds (--tool-rounds)")

    def _asked(self, asked: Asked, prompt: Prompt, left: int) -> AsyncGenerator[Delta, None]:
        messages = [*prompt.messages, *asked.steps.messages]
        return self._llm.answer(messages, prompt.tools, AUTO if left else NONE, asked.left_s)


def _changes(asked: Asked, calls: Sequence[ToolCall], tools: Sequence[Tool]) -> bool:
    """Whether anything may be changed by these calls that the client doesn't do itself, which knows then."""
    client = asked.question.client
    harmless = {tool.name for tool in (client.tools if client is not None else ())}
    harmless |= {tool.name for tool in tools if tool.reads}
    return any(call.name not in harmless for call in calls)


def _endless(remedy: str) -> LlmError:
    return LlmError(Failure.ENDLESS, remedy)


def _no_tools() -> LlmError:
    remedy = "the model asks for tools, and there are none at the moment (--mcp-server)"
    return LlmError(Failure.NO_TOOLS, remedy)
