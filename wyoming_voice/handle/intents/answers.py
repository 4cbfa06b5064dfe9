"""Answers to Home Assistant that it carries out itself (`--answer-intents`); all others are answered as ever.

Rule: an answer is either words or intents, so nothing is sent before the model has come to its end; Home
Assistant reads no `handled-chunk`, and so loses nothing. Calls that don't fit are a sentence, and nothing is
done. One round: what came of an intent is told by Home Assistant to the person, and not to the model. Simple
commands go to the model, too: Home Assistant tries its own sentences first where its pipeline says so.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from wyoming.event import Event
from wyoming.handle import NotHandled

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.answers import Answers, context_of, reply_to
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.history import Message, prompt
from wyoming_voice.handle.intents.events import DONE, HANDED_OVER, intended, offered
from wyoming_voice.handle.llm.deltas import Calls, Finished, Text
from wyoming_voice.handle.llm.failures import Failure, LlmError
from wyoming_voice.handle.memory import Asked, Memory
from wyoming_voice.handle.own_words import Own
from wyoming_voice.handle.prompting import Prompting
from wyoming_voice.handle.reply import Reply
from wyoming_voice.handle.rounds import Llm
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.arguments import Misfit
from wyoming_voice.handle.tools.toolbox import Offer, ToolCall, ToolResult

_log = logging.getLogger(__name__)

_UNFIT_FACT = "intent-unfit"


@dataclass
class _Written:
    """What the model wrote, with `offer` before it: words with their events, and calls."""

    reply: Reply
    offer: Offer
    events: list[Event] = field(default_factory=list)
    calls: tuple[ToolCall, ...] = ()


class HassAnswers:
    """A model's answers to Home Assistant, and those of `others` to everybody else."""

    def __init__(self, llm: Llm, memory: Memory, prompting: Prompting, others: Answers) -> None:
        self._llm = llm
        self._memory = memory
        self._prompting = prompting
        self._others = others

    async def replies(
        self, question: Question, record: TurnRecord, commitment: Commitment
    ) -> AsyncGenerator[Event, None]:
        """One answer: `intent` or a list of them, `handled-start` to `handled-stop`, or `not-handled`."""
        if question.from_hass:
            for event in await self._answer(Asked(question, record, commitment)):
                yield event
            return
        replies = self._others.replies(question, record, commitment)
        async with contextlib.aclosing(replies) as events:
            async for event in events:
                yield event

    def warm(self, question: Question) -> None:
        """Only our own clients announce questions."""
        self._others.warm(question)

    async def close(self) -> None:
        """Stop what is done for questions to come."""
        await self._others.close()

    async def _answer(self, asked: Asked) -> list[Event]:
        offer = offered(asked.question)
        self._memory.expect(asked)
        opened_at, turns = self._memory.told(asked)
        asked.record.note(turns=len(turns), question_chars=len(asked.question.text))
        system = self._prompting.system(asked.question, offer, opened_at)
        messages = prompt(system, turns, asked.question.text)
        written = _Written(reply_to(asked), offer)
        try:
            await self._write(asked, messages, written)
            await asked.commitment.wait()
            return self._events(asked, messages, written)
        except LlmError as error:
            _tell(asked, error)
            return [*written.events, *written.reply.fail(error.failure)]
        finally:
            asked.record.note(model=self._llm.model, answer_chars=len(written.reply.model_text))
            self._memory.leave(asked)

    async def _write(self, asked: Asked, messages: Sequence[Message], written: _Written) -> None:
        """Have the model write all of it; raises LlmError."""
        start_s = _now_s()
        async with contextlib.aclosing(self._llm.answer(messages, written.offer.tools)) as deltas:
            async for delta in deltas:
                match delta:
                    case Calls(calls):
                        written.calls = calls
                    case Text():
                        written.events += written.reply.push(delta)
                    case Finished(reason):
                        asked.record.note(finish=reason[:20])
                if isinstance(delta, Text | Calls) and "first_text" not in asked.record.stages_ms:
                    asked.record.spent("first_text", start_s, _now_s())
                if written.reply.full:
                    return

    def _events(self, asked: Asked, messages: Sequence[Message], written: _Written) -> list[Event]:
        said = written.reply.model_text.strip()
        if not written.calls and not said:
            raise LlmError(Failure.EMPTY, "an answer without text; see --max-tokens")
        if not written.calls:
            self._keep(asked, said)
            return [*written.events, *written.reply.finish()]
        context = context_of(asked)
        try:
            events = intended(written.calls, written.offer, said, context)
        except Misfit as misfit:
            asked.record.note(failure=_UNFIT_FACT)
            # May name what the model made up of what was said.
            _log.debug("turn=%s no intent: %s", asked.turn_id, misfit)
            said = written.reply.in_words(Own.UNFIT)
            return [NotHandled(text=said, context=context).event()]
        asked.record.note(intents=len(written.calls))
        for call in asked.steps.asked(said, written.calls, len(messages)):
            asked.steps.answered(call, ToolResult(HANDED_OVER))
        self._keep(asked, said or DONE)
        return events

    def _keep(self, asked: Asked, said: str) -> None:
        asked.steps.said = said
        self._memory.remember(asked, said, interrupted=False)


def _tell(asked: Asked, error: LlmError) -> None:
    asked.record.note(failure=error.failure)
    _log.warning("turn=%s language model: %s", asked.turn_id, error)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
