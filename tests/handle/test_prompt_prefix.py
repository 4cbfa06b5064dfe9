"""What a model has read of a conversation, it doesn't read again: each request begins with the one before."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.handle.box import Box
from tests.handle.talking import ask, equipped
from tests.llama_swap import FakeLlamaSwap, asks, words
from wyoming_voice.handle.history import (
    History,
    HistoryLimits,
    Message,
    Revision,
    Turn,
    prompt,
)
from wyoming_voice.handle.prompting import Prompting
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import Offer, Tool
from wyoming_voice.hass.registry import House
from wyoming_voice.wire import connect

TURNS = 30
OFFER = Offer((Tool("HassTurnOn", "Turns on", {"type": "object"}),), "Areas: Kitchen.")
HOUSE = House(rooms={"d": "Kitchen"}, units="metric")


def steps(count: int, result: str) -> tuple[Message, ...]:
    """`count` rounds of one call each."""
    found: list[Message] = []
    for number in range(count):
        function = {"name": "HassTurnOn", "arguments": json.dumps({"name": f"lamp {number}"})}
        call: dict[str, Any] = {"id": f"c{number}", "type": "function", "function": function}
        found.append({"role": "assistant", "content": "", "tool_calls": [call]})
        found.append({"role": "tool", "tool_call_id": f"c{number}", "content": result})
    return tuple(found)


@dataclass
class Talk:
    """One conversation, and where its requests didn't begin with the one before."""

    limits: HistoryLimits
    system: Prompting = field(default_factory=lambda: Prompting("Be brief.", None, lambda: HOUSE))
    cuts: list[int] = field(default_factory=list)
    asked: int = 0
    most_tokens: int = 0

    def __post_init__(self) -> None:
        self.history = History(self.limits)
        self.before: list[Message] = []

    def ask(
        self,
        *,
        tools: int = 0,
        result: str = "Done.",
        answer: str = "It is on.",
        revision: Revision = Revision(),  # noqa: B008
        interrupted: bool = False,
    ) -> None:
        """One question and its answer, with as many requests as there are rounds, and one."""
        text = f"question {self.asked}"
        opened_at, turns = self.history.open("k", 0.0, f"minute {self.asked}", revision)
        self.most_tokens = max(self.most_tokens, sum(turn.tokens for turn in turns))
        system = self.system.system(Question(text, "k", device_id="d"), OFFER, opened_at)
        messages = prompt(system, turns, text)
        replaced = 1 if revision.replaces else 0
        self._request(messages, self.before[: len(self.before) - replaced])
        done = steps(tools, result)
        for number in range(0, len(done), 2):
            self._request([*messages, *done[: number + 2]], self.before)
        turn = Turn(text, answer, interrupted, f"t{self.asked}", steps=done)
        self.history.add("k", turn, 0.0)
        self.asked += 1

    def _request(self, messages: list[Message], before: list[Message]) -> None:
        if messages[: len(before)] != before:
            self.cuts.append(self.asked)
        self.before = messages


async def test_over_the_wire_each_request_begins_with_the_one_before() -> None:
    script = []
    for number in range(TURNS):
        rounds = number % 3
        script += [asks(("on", {"name": f"{number} {n}"}), text="Well.") for n in range(rounds)]
        script.append(words("It is ", f"on {number}."))
    box = Box("on", told="Areas: Kitchen.")
    context: dict[str, Any] = {"conversation_id": "c", "area": "Kitchen"}
    spoken = itertools.cycle(("en", "en", "cy", None))  # a recogniser may be mistaken
    async with (
        FakeLlamaSwap(*script) as fake,
        equipped(fake, box, history_turns=100) as uri,
        connect(uri) as client,
    ):
        for number in range(TURNS):
            heard = {"interrupted": True, "heard": "It"} if number % 4 == 1 else {}
            await ask(
                client, f"question {number}", language=next(spoken), context={**context, **heard}
            )
    assert len(fake.chats) == 2 * TURNS
    assert len(box.done) == TURNS
    for before, chat in itertools.pairwise(fake.chats):
        assert chat["messages"][: len(before["messages"])] == before["messages"]
        assert chat["tools"] == before["tools"]


def between(cuts: list[int]) -> list[int]:
    return [later - earlier for earlier, later in itertools.pairwise(cuts)]


def test_thirty_turns_with_tools_interruptions_and_replacements_only_grow() -> None:
    talk = Talk(HistoryLimits(turns=100, tokens=100_000))
    for number in range(TURNS):
        heard = Revision(heard="It") if number % 4 == 1 else Revision()
        replaced = Revision(replaces=f"t{number - 1}") if number % 7 == 6 else heard
        # What is replaced has no steps, or they would stay.
        rounds = 0 if number % 7 == 5 else number % 3
        talk.ask(tools=rounds, revision=replaced, interrupted=number % 5 == 3)
    assert talk.cuts == []
    assert len(talk.before) > 2 * TURNS


def test_a_cut_comes_once_in_half_of_the_turns_at_most() -> None:
    limits = HistoryLimits(turns=10, tokens=100_000)
    talk = Talk(limits)
    for number in range(TURNS):
        heard = Revision(heard="It") if number % 4 == 1 else Revision()
        talk.ask(tools=number % 3, revision=heard)
    assert len(talk.cuts) == 4
    assert min(between(talk.cuts)) > limits.turns // 2


def test_what_tools_returned_counts_and_a_cut_makes_room_for_several_turns() -> None:
    limits = HistoryLimits(turns=100, tokens=1000)
    talk = Talk(limits)
    for _ in range(TURNS):
        talk.ask(tools=1, result="x" * 300)
    per_turn = Turn("question 0", "It is on.", steps=steps(1, "x" * 300)).tokens
    assert talk.most_tokens <= limits.tokens
    assert min(between(talk.cuts)) >= limits.tokens // 2 // per_turn
    assert len(talk.cuts) >= 3


@pytest.mark.parametrize("role", ["assistant", "tool"])
def test_a_turn_has_the_tokens_of_its_calls_and_of_their_results(role: str) -> None:
    bare = Turn("q", "a").tokens
    (one,) = (message for message in steps(1, "x" * 400) if message["role"] == role)
    more = Turn("q", "a", steps=(one,)).tokens - bare
    assert more >= {"assistant": 20, "tool": 100}[role]


def test_a_turn_goes_whole_so_that_no_result_is_left_without_its_call() -> None:
    talk = Talk(HistoryLimits(turns=4, tokens=100_000))
    for _ in range(TURNS):
        talk.ask(tools=2)
        said = talk.history.look("k", 0.0, "")[1]
        assert all(len(turn.steps) == 4 for turn in said)
        assert prompt("", said, "q")[0]["role"] == "user"


def test_a_turn_that_is_long_by_its_results_alone_keeps_what_was_said() -> None:
    talk = Talk(HistoryLimits(turns=10, tokens=1000))
    talk.ask()
    talk.ask(tools=2, result="x" * 4000)
    ((_, turns),) = [talk.history.look("k", 0.0, "")]
    assert [(turn.question, turn.answer, turn.steps) for turn in turns] == [
        ("question 1", "It is on.", ())
    ]


def test_a_long_turn_stays_for_the_question_after_it() -> None:
    talk = Talk(HistoryLimits(turns=10, tokens=1000))
    for _ in range(8):
        talk.ask()
    talk.ask(tools=1, result="x" * 2800)
    ((_, turns),) = [talk.history.look("k", 0.0, "")]
    assert [turn.question for turn in turns][-1] == "question 8"
    assert len(turns[-1].steps) == 2
