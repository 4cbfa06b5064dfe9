"""How the time of an answer is shared between its rounds, without a server."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from tests.handle.box import Box
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.history import History, HistoryLimits
from wyoming_voice.handle.llm.asking import AUTO
from wyoming_voice.handle.llm.deltas import Acting, Calls, Delta, Text
from wyoming_voice.handle.llm.warming import Prompt
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.rounds import Rounds
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.steps import Message
from wyoming_voice.handle.tool_calls import ToolCalls
from wyoming_voice.handle.tools.toolbox import Tool, ToolCall


class Llm:
    """Asks for a tool, twice, and says something then; keeps how long it was given."""

    model = "fake"

    def __init__(self) -> None:
        self.within_s: list[float] = []

    async def answer(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        tool_choice: str = AUTO,
        within_s: float = float("inf"),
    ) -> AsyncGenerator[Delta, None]:
        self.within_s.append(within_s)
        if len(self.within_s) < 3:
            yield Calls((ToolCall("", "on", f'{{"at": {len(self.within_s)}}}'),))
        else:
            yield Text("Done.")

    async def read(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """Not asked for here."""


def test_what_was_replaced_counts_as_interrupted() -> None:
    asked = Asked(Question("q", "c"), TurnRecord("handle"), Commitment.outright())
    asked.steps.said = "It is on."
    assert not asked.turn("", interrupted=False).interrupted
    asked.part_of = "t2"
    assert asked.turn("", interrupted=False).interrupted


async def test_each_round_has_the_time_that_those_before_it_left() -> None:
    llm, box, acts = Llm(), Box("on"), Acts()
    memory = Memory(History(HistoryLimits()), datetime.now)
    rounds = Rounds(llm, ToolCalls(box, acts, memory), 6)
    end_s = asyncio.get_running_loop().time() + 90.0
    asked = Asked(Question("q", "c"), TurnRecord("handle"), Commitment.outright(), end_s)
    offer = await box.offer(asked.question)
    prompt = Prompt([{"role": "user", "content": "q"}], offer.tools)
    deltas = [delta async for delta in rounds.deltas(asked, prompt)]
    assert [type(delta) for delta in deltas] == [Calls, Acting, Calls, Acting, Text]
    first, second, third = llm.within_s
    assert 90.0 >= first > second > third > 0.0
    ids = [message["tool_call_id"] for message in asked.steps.messages if "tool_call_id" in message]
    assert len(set(ids)) == 2
