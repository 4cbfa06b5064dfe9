"""The model, what it wants to have done, and the model again, until it has said what there is to say.

Rule: what fails is told to the model, which may try something else, but not for ever: after so many rounds it
is asked for words alone, and all of it, the tools included, has one deadline.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from wyoming_voice.handle.handwork import Handwork
from wyoming_voice.handle.llm.asking import AUTO, NONE
from wyoming_voice.handle.llm.deltas import Acting, Calls, Delta, Text
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.llm.warming import Prompt
from wyoming_voice.handle.memory import Asked
from wyoming_voice.handle.steps import Message
from wyoming_voice.handle.tools.toolbox import Tool, ToolCall


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
    total_s: float = 120.0


class Rounds:
    """Carries questions between a model and whoever does what it wants."""

    def __init__(self, llm: Llm, handwork: Handwork, limits: Limits) -> None:
        self._llm = llm
        self._handwork = handwork
        self._limits = limits

    async def deltas(self, asked: Asked, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """What the model says to a question, round by round; raises LlmError."""
        end_s = _now_s() + self._limits.total_s
        for left in range(self._limits.rounds, -1, -1):
            calls: tuple[ToolCall, ...] = ()
            text = ""
            async with contextlib.aclosing(self._asked(asked, prompt, left, end_s)) as deltas:
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
            to_do = asked.steps.asked(text, calls, len(prompt.messages))
            yield Calls(calls)
            end_s += await _committed(asked)
            yield Acting()
            asked.record.note(tool_rounds=self._limits.rounds - left + 1)
            await self._handwork.do(asked, to_do, prompt.tools, end_s)
        if not text.strip():
            raise self._wants_more() if prompt.tools else _wants_tools()

    def _wants_more(self) -> LlmError:
        rounds = self._limits.rounds
        remedy = f"the model still asks for tools after {rounds} rounds (--tool-rounds)"
        return LlmError(Failure.ENDLESS, remedy)

    def _asked(
        self, asked: Asked, prompt: Prompt, left: int, end_s: float
    ) -> AsyncGenerator[Delta, None]:
        messages = [*prompt.messages, *asked.steps.messages]
        choice = AUTO if left else NONE
        return self._llm.answer(messages, prompt.tools, choice, max(0.0, end_s - _now_s()))


def _wants_tools() -> LlmError:
    remedy = "the model asks for tools, and there are none at the moment (--mcp-server)"
    return LlmError(Failure.NO_TOOLS, remedy)


async def _committed(asked: Asked) -> float:
    """Wait until the question stands; the seconds that this took, which are nobody's fault."""
    start_s = _now_s()
    await asked.commitment.wait()
    return _now_s() - start_s


def _now_s() -> float:
    return asyncio.get_running_loop().time()
