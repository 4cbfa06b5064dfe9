"""Carries a question to a language model and its answer back, and remembers both.

Rule: whatever the model server does, the listener hears a sentence; a listener who hangs up takes the
request to the model along, and lets what was begun come to its end. The log tells how long and how much,
and never what.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from wyoming.event import Event

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.answers import reply_to, written_all
from wyoming_voice.handle.commands import Commands
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.history import Turn, prompt
from wyoming_voice.handle.llm.deltas import Acting, Delta, Finished, Text, Thinking
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.llm.warming import Prompt, Warming
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.noticing import Notices, noticing
from wyoming_voice.handle.own_words import Own
from wyoming_voice.handle.reply import Notice, Reply
from wyoming_voice.handle.rounds import Limits, Llm, Rounds
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tool_calls import ToolCalls, late
from wyoming_voice.handle.tools.toolbox import Offer, Toolbox

_log = logging.getLogger(__name__)

TO_BE_ASKED = "."
"""Stands for a question that nobody knows yet: chat templates want one, and some not an empty one."""


class Prompting(Protocol):
    """Whoever tells the model what it is to know first."""

    def system(self, question: Question, offer: Offer, opened_at: str) -> str:
        """The system prompt."""


@dataclass(frozen=True)
class Manner:
    """What the model is told first, and what the listener is told while somebody is waited for."""

    prompting: Prompting
    notices: Notices
    limits: Limits


@dataclass(frozen=True)
class Doing:
    """What can be done for a question: by the model's tools, and without it."""

    toolbox: Toolbox
    commands: Commands
    acts: Acts


class ModelAnswers:
    """Answers of a language model, with a memory and with tools."""

    def __init__(self, llm: Llm, memory: Memory, manner: Manner, doing: Doing) -> None:
        self._llm = llm
        self._memory = memory
        self._manner = manner
        self._doing = doing
        self._warming = Warming(llm)
        tool_calls = ToolCalls(doing.toolbox, doing.acts, memory)
        self._rounds = Rounds(llm, tool_calls, manner.limits.rounds)

    async def replies(
        self, question: Question, record: TurnRecord, commitment: Commitment
    ) -> AsyncGenerator[Event, None]:
        """One answer, from `handled-start` to `handled-stop`, or `not-handled`."""
        end_s = _now_s() + self._manner.limits.answer_s
        asked = Asked(question, record, commitment, end_s)
        reply = reply_to(asked)
        with contextlib.ExitStack() as cut_off:
            cut_off.callback(partial(self._keep, asked, reply, interrupted=True))
            async with contextlib.aclosing(self._written(asked, reply)) as events:
                async for event in events:
                    yield event
            _tell(asked, reply, self._llm.model)
            if reply.begun and asked.failure is None:
                for event in written_all(commitment):
                    yield event
            await commitment.wait()
            cut_off.pop_all()
        last = _last(asked, reply)
        # Remembered before `handled` goes out: Home Assistant hangs up there, and it has all of it.
        self._keep(asked, reply, interrupted=asked.failure is not None)
        for event in last:
            yield event

    def warm(self, question: Question) -> None:
        """Have the model read what such a question's messages will begin with."""
        self._doing.commands.warm(question)
        self._warming.begin(partial(self._to_be_read, question))

    async def close(self) -> None:
        """Stop what is done for questions to come, and what was begun for those before."""
        await self._warming.close()
        await self._doing.acts.close()

    async def _to_be_read(self, question: Question) -> Prompt:
        opened_at, turns = self._memory.look(question)
        likely = replace(question, text=TO_BE_ASKED)
        return self._prompt(likely, await self._doing.toolbox.offer(likely), opened_at, turns)

    def _prompt(
        self, question: Question, offer: Offer, opened_at: str, turns: Sequence[Turn]
    ) -> Prompt:
        system = self._manner.prompting.system(question, offer, opened_at)
        return Prompt(prompt(system, turns, question.text), offer.tools)

    async def _written(self, asked: Asked, reply: Reply) -> AsyncGenerator[Event, None]:
        """The answer while it is written; its last events are left to the caller."""
        start_s = _now_s()
        deltas = noticing(self._deltas(asked), self._manner.notices)
        try:
            async with contextlib.aclosing(deltas):
                async for delta in deltas:
                    self._note(asked.record, delta, start_s)
                    for event in reply.push(delta):
                        yield event
                    if isinstance(delta, Text):
                        asked.steps.said += delta.text
                    if reply.full:
                        break
        except LlmError as error:
            asked.failure = error

    async def _deltas(self, asked: Asked) -> AsyncGenerator[Delta, None]:
        """What is said: of a simple command at once, else by the model."""
        question, commands = asked.question, self._doing.commands
        self._memory.expect(asked)
        if self._doing.acts.busy(
            asked.conversation
        ):  # for the question before, whose listener has gone
            yield Acting()
            if not await self._doing.acts.free(asked.conversation, asked.end_s):
                raise late()
        opened_at, turns = self._memory.told(asked)
        if question.heard is not None:
            asked.record.note(interrupted=1)
        asked.record.note(turns=len(turns), question_chars=len(question.text))
        offer = await self._doing.toolbox.offer(question)
        # Where part of it was done already, the model can tell what is left.
        if not (offer.tools and self._memory.acted_before(asked)):
            understood = await commands.look(asked)
            if understood is not None:
                yield Acting(changes=True)
                if said := await commands.act(asked, understood):
                    yield Text(said)
                    return
        asked_of_it = self._prompt(question, offer, opened_at, turns)
        with self._warming.making_way():
            async with contextlib.aclosing(self._rounds.deltas(asked, asked_of_it)) as deltas:
                async for delta in deltas:
                    yield delta

    def _keep(self, asked: Asked, reply: Reply, *, interrupted: bool) -> None:
        told = reply.told
        remember = partial(self._memory.remember, asked, told, interrupted=interrupted)
        self._doing.acts.afterwards(asked.conversation, remember)

    def _note(self, record: TurnRecord, delta: Delta | Notice, start_s: float) -> None:
        if isinstance(delta, Text | Thinking | Finished):
            self._warming.alive()
        match delta:
            case Text() if "first_text" not in record.stages_ms:
                record.spent("first_text", start_s, _now_s())
            case Finished(reason):
                record.note(finish=reason[:20])
            case Notice():
                record.note(notice=1)


def _last(asked: Asked, reply: Reply) -> list[Event]:
    """The last events of an answer; where the model leaves off, what was done is said all the same."""
    steps, failure = asked.steps, asked.failure
    if steps.answer:
        return reply.fail(failure.failure) if failure else reply.finish()
    if failure is None and steps.failed:
        steps.said = reply.in_words(Failure.NOT_DONE)
        return reply.fail(Failure.NOT_DONE)
    if not steps.worked or (failure and failure.failure is Failure.UNFINISHED):
        return reply.fail(failure.failure if failure else Failure.EMPTY)
    kind = Own.DONE_AND_BROKE_OFF if failure else Own.DONE
    steps.said = reply.in_words(kind)
    return reply.close(kind)


def _tell(asked: Asked, reply: Reply, model: str) -> None:
    """The facts for the log line, and the remedy for whoever reads the log."""
    record, failure = asked.record, asked.failure
    if not asked.steps.command:
        record.note(model=model)
    record.note(answer_chars=len(reply.model_text))
    if failure is not None:
        record.note(failure=failure.failure)
        _log.warning("turn=%s language model: %s", record.turn_id, failure)
    elif asked.steps.answer or asked.steps.worked:
        return
    elif asked.steps.failed:
        record.note(failure=Failure.NOT_DONE)
    else:
        record.note(failure=Failure.EMPTY)
        _log.warning(
            "turn=%s language model: an answer without text (finish=%s); if the model thinks, "
            "raise --max-tokens or switch its thinking off",
            record.turn_id,
            record.facts.get("finish", ""),
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
