"""What was done for the parts of a question, over wholes that turn out to be parts in their turn."""

from datetime import datetime

import pytest

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.history import History, HistoryLimits
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.steps import Deed
from wyoming_voice.handle.tools.toolbox import ToolResult

ON = Deed("on", '{"name": "lamp"}', ToolResult("done"))


@pytest.fixture
def memory() -> Memory:
    return Memory(History(HistoryLimits()), lambda: datetime(2026, 7, 1))


def asked(turn_id: str, replaces: str = "") -> Asked:
    question = Question("q", "c", replaces=replaces)
    return Asked(question, TurnRecord("handle", turn_id), Commitment.outright())


def done_for(memory: Memory, whole: Asked) -> bool:
    return memory.done(whole, "on", {"name": "lamp"}) is not None


@pytest.mark.parametrize("over", ["the first", "the second", "both", "neither"])
async def test_a_part_of_a_part_is_a_part(memory: Memory, over: str) -> None:
    first, second, third = asked("t1"), asked("t2", "t1"), asked("t3", "t2")
    memory.expect(first)
    first.steps.tried.append(ON)
    first.steps.said = "It is on."
    if over in ("the first", "both"):
        memory.remember(first, "It is on.", interrupted=False)
    memory.expect(second)
    if over in ("the second", "both"):
        memory.remember(second, "", interrupted=True)
    memory.expect(third)
    assert done_for(memory, third)
    for one in (first, second):
        memory.remember(one, "", interrupted=True)
    assert done_for(memory, third)
    assert done_for(memory, asked("t4", "t3"))
    assert not done_for(memory, asked("t4"))
    assert not done_for(memory, asked("t4", "t0"))


async def test_what_was_done_is_known_though_the_whole_never_stood(memory: Memory) -> None:
    first, guess = asked("t1"), asked("t2", "t1")
    memory.expect(first)
    first.steps.tried.append(ON)
    guess.commitment = Commitment()
    memory.expect(guess)
    assert memory.acted_before(guess)
    assert not first.part_of
    memory.leave(first)
    assert memory.answering == 0
