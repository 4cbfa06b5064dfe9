"""Carries a question to a language model and its answer back, and remembers both.

Rule: whatever the model server does, the listener hears a sentence; a listener who hangs up takes the
request to the model along. The log tells how long and how much, and never what.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wyoming.event import Event
from wyoming.handle import NotHandled

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle import local
from wyoming_voice.handle.deltas import Delta, Finished, Text, Thinking, Waiting
from wyoming_voice.handle.failures import Failure, LlmError
from wyoming_voice.handle.history import History, Message, Turn, prompt
from wyoming_voice.handle.reply import Notice, Reply
from wyoming_voice.handle.session import Question

_log = logging.getLogger(__name__)

NOTHING_HEARD = "Sorry, I didn't hear anything."

Clock = Callable[[], datetime]


class Llm(Protocol):
    """Whoever continues a list of messages."""

    @property
    def model(self) -> str:
        """The name of the model, for the log."""

    def answer(self, messages: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        """The answer as it is written; raises LlmError."""


class Answers(Protocol):
    """Whoever answers questions."""

    def replies(self, question: Question, record: TurnRecord) -> AsyncGenerator[Event, None]:
        """The events of one answer."""


@dataclass(frozen=True)
class Manner:
    """How the model is told to speak, and what the listener is told when it isn't there yet."""

    system_prompt: str
    notice: str
    notice_after_s: float


class ModelAnswers:
    """Answers of a language model, with a memory."""

    def __init__(self, llm: Llm, history: History, manner: Manner, clock: Clock) -> None:
        self._llm = llm
        self._history = history
        self._manner = manner
        self._clock = clock

    async def replies(self, question: Question, record: TurnRecord) -> AsyncGenerator[Event, None]:
        """One answer, from `handled-start` to `handled-stop`, or `not-handled`."""
        messages = self._messages(question, record)
        reply, heard, start_s = Reply(context_of(question, record)), "", _now_s()
        failure: LlmError | None = None
        try:
            async with contextlib.aclosing(self._deltas(messages)) as deltas:
                async for delta in deltas:
                    _note(record, delta, start_s)
                    for event in reply.push(delta):
                        yield event
                    heard = reply.model_text
                    if reply.full:
                        break
        except LlmError as error:
            failure = error
        except (asyncio.CancelledError, GeneratorExit):  # the listener has gone
            self._remember(question, heard, interrupted=True)
            raise
        # Remembered before `handled` goes out: Home Assistant hangs up there, and it has all of it.
        self._remember(question, reply.model_text, interrupted=failure is not None)
        _tell(record, reply, failure, self._llm.model)
        for event in reply.fail(failure.failure) if failure else reply.finish():
            yield event

    def _messages(self, question: Question, record: TurnRecord) -> list[Message]:
        if question.heard is not None:
            record.note(interrupted=1)
            self._history.interrupt(question.conversation, question.heard)
        opened_at, turns = self._history.open(
            question.conversation, _now_s(), f"{self._clock():%A, %Y-%m-%d %H:%M}"
        )
        record.note(turns=len(turns), question_chars=len(question.text))
        return prompt(self._system(question, opened_at), turns, question.text)

    def _system(self, question: Question, opened_at: str) -> str:
        """The system prompt; what differs from conversation to conversation stands last."""
        told = question.system_prompt or self._manner.system_prompt
        if not told:
            return ""
        language = question.language
        spoken = f"The speaker's language is {language}.\n" if language else ""
        return f"{told}\n\n{spoken}This conversation began on {opened_at}."

    def _deltas(self, messages: list[Message]) -> AsyncGenerator[Delta | Notice, None]:
        notice = Notice(self._manner.notice)
        return noticing(self._llm.answer(messages), notice, self._manner.notice_after_s)

    def _remember(self, question: Question, answer: str, *, interrupted: bool) -> None:
        if said := answer.strip():
            turn = Turn(question.text, said, interrupted)
            self._history.add(question.conversation, turn, _now_s())


class LocalAnswers:
    """The few answers that need no model."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def replies(self, question: Question, record: TurnRecord) -> AsyncGenerator[Event, None]:
        """One answer, all of it at once."""
        context = context_of(question, record)
        answer = local.answer(question.text, self._clock())
        record.note(question_chars=len(question.text), answer_chars=len(answer.text))
        if not answer.handled:
            record.note(failure="no-model")
            yield NotHandled(text=answer.text, context=context).event()
            return
        reply = Reply(context)
        for event in [*reply.push(Text(answer.text)), *reply.finish()]:
            yield event


async def nothing_heard(question: Question, record: TurnRecord) -> AsyncGenerator[Event, None]:
    """The answer to an empty transcript, which no model needs to see."""
    record.note(question_chars=0, failure="empty-question")
    yield NotHandled(text=NOTHING_HEARD, context=context_of(question, record)).event()


def context_of(question: Question, record: TurnRecord) -> dict[str, str]:
    """What a reply carries, so that the next question can refer to it."""
    return {"conversation_id": question.conversation, "turn_id": record.turn_id}


async def noticing(
    deltas: AsyncGenerator[Delta, None], notice: Notice, after_s: float
) -> AsyncGenerator[Delta | Notice, None]:
    """`deltas`, with `notice` once between them when a model is waited for until `after_s` have passed.

    Counted from the first Waiting; none comes once the model is at work, nor when the notice is empty.
    """
    due_s: float | None = None
    open_ = bool(notice.text)
    step: asyncio.Future[Delta | None] | None = None
    try:
        while True:
            step = step or asyncio.ensure_future(anext(deltas, None))
            left_s = None if due_s is None or not open_ else max(0.0, due_s - _now_s())
            await asyncio.wait((step,), timeout=left_s)
            if not step.done():
                open_ = False
                yield notice
                continue
            delta, step = step.result(), None
            if delta is None:
                return
            if isinstance(delta, Waiting) and due_s is None:
                due_s = _now_s() + after_s
            open_ = open_ and not isinstance(delta, Text | Thinking)
            yield delta
    finally:
        if step is not None:
            step.cancel()
            await asyncio.wait((step,))
        await deltas.aclose()


def _note(record: TurnRecord, delta: Delta | Notice, start_s: float) -> None:
    match delta:
        case Text() if "first_text" not in record.stages_ms:
            record.spent("first_text", start_s, _now_s())
        case Finished(reason):
            record.note(finish=reason[:20])
        case Notice():
            record.note(notice=1)


def _tell(record: TurnRecord, reply: Reply, failure: LlmError | None, model: str) -> None:
    """The facts for the log line, and the remedy for whoever reads the log."""
    record.note(model=model, answer_chars=len(reply.model_text))
    if failure is not None:
        record.note(failure=failure.failure.fact)
        _log.warning("turn=%s language model: %s", record.turn_id, failure)
    elif not reply.model_text.strip():
        record.note(failure=Failure.EMPTY.fact)
        _log.warning(
            "turn=%s language model: an answer without text (finish=%s); if the model thinks, "
            "raise --max-tokens or switch its thinking off",
            record.turn_id,
            record.facts.get("finish", ""),
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
