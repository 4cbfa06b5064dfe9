"""A model, tools and commands that do anything by chance, and look at what they are asked."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from wyoming_voice.handle.fast.path import NotDone
from wyoming_voice.handle.llm.asking import AUTO, NONE
from wyoming_voice.handle.llm.deltas import DONE, Delta, Deltas
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.steps import Message
from wyoming_voice.handle.tools.toolbox import Offer, Tool, ToolResult

ANYTHING = {"type": "object"}
LAMP, TIMER_SET = ("on", {"name": "lamp"}), ("timer", {"minutes": 5})

CALLS: list[tuple[str, dict[str, Any]]] = [
    LAMP,
    LAMP,
    TIMER_SET,
    ("on", {"name": "fan"}),
    ("look", {}),
]
CAME_OF_IT = [(False, False), (False, False), (True, False), (True, True)]


async def rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@dataclass
class Chance:
    """Where all that is left to chance comes from, and what is known of the questions so far."""

    rng: random.Random
    whole_of: dict[str, str] = field(default_factory=dict)
    standing: set[str] = field(default_factory=set)
    began: list[tuple[str, str]] = field(default_factory=list)
    undone: list[tuple[str, str]] = field(default_factory=list)
    wholes: bool = True

    async def while_(self, most: int = 12) -> None:
        """Some rounds of the event loop, or hardly any."""
        await rounds(self.rng.randrange(self.rng.choice([2, most])))

    def begin(self, turn_id: str, name: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
        """A call that changes something is made."""
        assert turn_id in self.standing, "something was done for what is no question yet"
        call = (self.whole_of[turn_id], f"{name} {json.dumps(dict(arguments), sort_keys=True)}")
        assert self.began.count(call) == self.undone.count(call), f"{call} was done already"
        self.began.append(call)
        return call


class ToolsByChance:
    """A `Toolbox` whose tools take their time and may fail."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._offer = Offer((Tool("on", "", ANYTHING), Tool("look", "", ANYTHING, reads=True)))

    async def offer(self, question: Question) -> Offer:
        await self._chance.while_()
        return self._offer

    async def call(self, name: str, arguments: Mapping[str, Any], question: Question) -> ToolResult:
        assert question.satellite_id in self._chance.standing
        if name == "look":
            return ToolResult("nothing")
        call = self._chance.begin(question.satellite_id, name, arguments)
        await self._chance.while_(60)
        error, unsure = self._chance.rng.choice(CAME_OF_IT)
        if error and not unsure:
            self._chance.undone.append(call)
        return ToolResult("it went so and so", error, unsure)

    async def close(self) -> None:
        pass


@dataclass
class CommandsByChance:
    """A `FastPath` that understands some questions."""

    chance: Chance
    question: Question | None = None
    name: str = "chance"

    async def look(self, question: Question) -> "CommandsByChance | None":
        await self.chance.while_()
        understood = self.chance.rng.random() < 0.3
        return CommandsByChance(self.chance, question) if understood else None

    async def act(self) -> str:
        assert self.question is not None
        words = {"words": self.question.text}
        call = self.chance.begin(self.question.satellite_id, "said", words)
        await self.chance.while_(60)
        if self.chance.rng.random() < 0.3:
            self.chance.undone.append(call)
            raise NotDone("not today")
        return "It is done."

    def warm(self, question: Question) -> None:
        pass

    async def close(self) -> None:
        pass


class ModelByChance:
    """An `Llm` that talks, calls and breaks off in fragments, and looks at what it is sent."""

    model = "chance"

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._before: list[Message] = []

    async def answer(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        tool_choice: str = AUTO,
        within_s: float = float("inf"),
    ) -> AsyncGenerator[Delta, None]:
        look_at(messages)
        if not self._chance.wholes:
            self._look_back(list(messages))
        deltas = Deltas()
        for document in self._documents(may_call=tool_choice != NONE):
            await self._chance.while_(4)
            if not within_s or self._chance.rng.random() < 0.02:
                raise LlmError(Failure.TOO_SLOW, "no time")
            for delta in deltas.push(document):
                yield delta

    async def read(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """Nothing is warmed here."""

    def _look_back(self, messages: list[Message]) -> None:
        """All that was read before stands there still, but for the question that was the last."""
        last = max((at for at, m in enumerate(self._before) if m["role"] == "user"), default=0)
        assert messages[:last] == self._before[:last]
        self._before = messages

    def _documents(self, *, may_call: bool) -> list[str]:
        rng = self._chance.rng
        bodies: list[dict[str, Any]] = [
            {"content": word} for word in rng.choices(["It ", "is "], k=rng.randrange(3))
        ]
        for index, (name, arguments) in enumerate(
            rng.choices(CALLS, k=rng.randrange(4) * may_call)
        ):
            head = {"index": index, "id": rng.choice(["", "same", f"id{index}"])}
            bodies.append({"tool_calls": [{**head, "function": {"name": name, "arguments": ""}}]})
            written = json.dumps(arguments) if rng.random() < 0.9 else "nonsense"
            cut = rng.randrange(len(written))
            bodies += [
                {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
                for piece in (written[:cut], written[cut:])
            ]
        return [*(json.dumps({"choices": [{"delta": body}]}) for body in bodies), DONE]


def look_at(messages: Sequence[Message]) -> None:
    """Fails where a server would: roles out of order, a call without its result, or with two."""
    assert messages[0]["role"] == "system"
    state, waiting = "answered", list[object]()
    for message in messages[1:]:
        assert isinstance(message["content"], str)
        match message["role"]:
            case "user":
                assert state == "answered"
                state = "asked"
            case "assistant":
                assert state == "asked"
                assert not waiting
                calls: Any = message.get("tool_calls", [])
                waiting = [call["id"] for call in calls]
                assert len(set(waiting)) == len(waiting)
                state = "asked" if waiting else "answered"
            case "tool":
                waiting.remove(message["tool_call_id"])
            case role:
                pytest.fail(f"who is {role!r}?")
    assert state == "asked"
    assert not waiting
