"""Talks by chance: guesses, commits, hang-ups, wholes of parts, tools of all kinds, and a model that errs.

Whatever happens: no call is made twice for a question and its parts, and none before the question stands;
every question ends; a model is asked what servers take, and in the order in which it has read it.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

import pytest
from wyoming.event import Event

from tests.handle.chance import Chance, CommandsByChance, ModelByChance, ToolsByChance, rounds
from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.commands import Commands
from wyoming_voice.handle.conversation import HandleConversation
from wyoming_voice.handle.history import History, HistoryLimits
from wyoming_voice.handle.memory import Memory
from wyoming_voice.handle.model_answers import Doing, Manner, ModelAnswers
from wyoming_voice.handle.noticing import Notices
from wyoming_voice.handle.prompting import Prompting
from wyoming_voice.handle.reply import Notice
from wyoming_voice.handle.rounds import Limits
from wyoming_voice.handle.tools.client_tools import ClientToolbox
from wyoming_voice.handle.tools.toolboxes import Toolboxes
from wyoming_voice.peer import end

TIMER = {"name": "timer", "description": "sets a timer", "parameters": {"type": "object"}}
SEEDS = 30
BEGUN = 10
"""Rounds of the event loop after which the server has begun with a question that nothing is before."""

ENDS = ("handled-stop", "not-handled")


class ClientByChance:
    """One client; it talks over one connection until it hangs up, perhaps later than it asks the next."""

    def __init__(self, name: str, answers: ModelAnswers, chance: Chance) -> None:
        self._name = name
        self._answers = answers
        self._chance = chance
        self._last = ""
        self._left: list[asyncio.Task[None]] = []
        self._connect()

    async def talk(self, questions: int) -> None:
        for number in range(questions):
            await self._ask(f"{self._name}-{number}")
            await self._chance.while_(40)
        await end([*self._left, *self._listening])

    def _connect(self) -> None:
        self._conversation = HandleConversation(self._answers, 4000)
        self._listening: list[asyncio.Task[None]] = []

    async def _ask(self, turn_id: str) -> None:
        rng, chance = self._chance.rng, self._chance
        goes_on = chance.wholes and bool(self._last) and rng.random() < 0.5
        chance.whole_of[turn_id] = chance.whole_of[self._last] if goes_on else turn_id
        guess = rng.random() < 0.5
        if not guess:
            chance.standing.add(turn_id)
        if goes_on and not all(listening.done() for listening in self._listening):
            self._go_on_elsewhere()
        self._push("transcript", self._question(turn_id, goes_on=goes_on, guess=guess))
        await rounds(BEGUN)
        await chance.while_(40)
        if guess and rng.random() < 0.7:
            chance.standing.add(turn_id)
            self._push("commit", {})
        if turn_id in chance.standing:
            self._last = turn_id
        await self._end_of_the_last()
        await chance.while_(60)
        if rng.random() < 0.5:
            self._go_on_elsewhere()
            if rng.random() < 0.5 or not chance.wholes:
                await self._end_of_the_last()
        elif turn_id in chance.standing and rng.random() < 0.7:
            await asyncio.gather(*self._listening)

    def _go_on_elsewhere(self) -> None:
        """Over another connection, before hanging up, as our satellite's hang-up may come later, too."""
        self._left += reversed(self._listening)
        self._connect()

    async def _end_of_the_last(self) -> None:
        """Hang up where the client has gone on."""
        await self._chance.while_(self._chance.rng.choice([10, 300]))
        await end(self._left)
        self._left = []

    def _question(self, turn_id: str, *, goes_on: bool, guess: bool) -> dict[str, Any]:
        context: dict[str, Any] = {"conversation_id": "c", "turn_id": turn_id, "tools": [TIMER]}
        context |= {"satellite_id": turn_id, "speculative": guess}
        if goes_on:
            context["replaces"] = self._last
        text = self._chance.rng.choice(["turn on the lamp", "turn on", "what is it"])
        return {"text": text, "context": context}

    def _push(self, kind: str, data: dict[str, Any]) -> None:
        request = self._conversation.push(Event(kind, data))
        if request is not None:
            before = self._listening[-1] if self._listening else None
            context = data.get("context", {})
            listening = self._listen(request.replies, context["turn_id"], before)
            self._listening.append(asyncio.create_task(listening))

    async def _listen(
        self,
        replies: AsyncGenerator[Event, None],
        turn_id: str,
        before: "asyncio.Task[None] | None",
    ) -> None:
        """Read a reply to its end, after that to the question before."""
        try:
            if before is not None:
                await asyncio.wait((before,))
            said, last = "", ""
            async for event in replies:
                last = event.type
                if last == "tool-call":
                    await self._do(self._conversation, turn_id, event)
                elif last == "handled-chunk":
                    said += event.data["text"]
                elif last == "handled":
                    assert event.data["text"] == said
                await self._chance.while_(4)
            assert last in ENDS or turn_id not in self._chance.standing
        finally:
            await replies.aclose()

    async def _do(self, conversation: HandleConversation, turn_id: str, call: Event) -> None:
        self._chance.begin(turn_id, call.data["name"], call.data["arguments"])
        await self._chance.while_(20)
        conversation.push(Event("tool-result", {"id": call.data["id"], "text": "ticking"}))


def answers_of(chance: Chance, model: ModelByChance, memory: Memory) -> ModelAnswers:
    notice = Notice(chance.rng.choice(["", "One moment."]))
    notices = Notices(notice, 0.0, notice, 0.0)
    limits = Limits(chance.rng.choice([1, 3]), chance.rng.choice([0.0, 60.0, 60.0, 60.0]))
    acts = Acts()
    path = CommandsByChance(chance) if chance.rng.random() < 0.5 else None
    toolbox = Toolboxes([ToolsByChance(chance), ClientToolbox()])
    manner = Manner(Prompting("Be brief."), notices, limits)
    return ModelAnswers(
        model, memory, manner, Doing(toolbox, Commands(path, acts, memory, 60.0), acts)
    )


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("clients", [1, 2, 3])
async def test_whatever_happens(clients: int, seed: int) -> None:
    chance = Chance(random.Random(seed), wholes=clients > 1 or seed % 2 == 0)
    history = History(HistoryLimits(turns=1000, tokens=1_000_000))
    memory = Memory(history, lambda: datetime(2026, 7, 1))
    answers = answers_of(chance, ModelByChance(chance), memory)
    talks = [ClientByChance(f"client-{number}", answers, chance) for number in range(clients)]
    async with asyncio.timeout(20):
        await asyncio.gather(*(client.talk(12) for client in talks))
        # What was begun is let run to its end.
        if begun := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(begun)
        await rounds(1)
    assert memory.answering == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
