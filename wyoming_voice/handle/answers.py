"""Carries a question to a language model and its answer back, and remembers both.

Rule: whatever the model server does, the listener hears a sentence; a listener who hangs up takes the
request to the model along. Nothing of a question is remembered before it stands (`Commitment`). The log
tells how long and how much, and never what.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from wyoming.event import Event
from wyoming.handle import NotHandled

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.extensions import ANSWER_WRITTEN
from wyoming_voice.handle import local
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.deltas import Delta, Finished, Text, Thinking
from wyoming_voice.handle.failures import Failure, LlmError
from wyoming_voice.handle.history import History, Message, Revision, Turn, prompt
from wyoming_voice.handle.noticing import noticing
from wyoming_voice.handle.reply import Notice, Reply
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.warming import Warming

_log = logging.getLogger(__name__)

NOTHING_HEARD = "Sorry, I didn't hear anything."

TO_BE_ASKED = "."
"""Stands for a question that nobody knows yet: chat templates want one, and some not an empty one."""

Clock = Callable[[], datetime]


class Llm(Protocol):
    """Whoever continues a list of messages."""

    @property
    def model(self) -> str:
        """The name of the model, for the log."""

    def answer(self, messages: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        """The answer as it is written; raises LlmError."""

    async def read(self, messages: Sequence[Message]) -> None:
        """Have the model loaded and `messages` read; raises LlmError."""


class Answers(Protocol):
    """Whoever answers questions."""

    def replies(
        self, question: Question, record: TurnRecord, commitment: Commitment
    ) -> AsyncGenerator[Event, None]:
        """The events of one answer; the last of them once the question stands."""

    def warm(self, question: Question) -> None:
        """A question such as this, whose text nobody knows, is likely to come."""

    async def close(self) -> None:
        """Stop what is done apart from `replies`."""


@dataclass(frozen=True)
class Manner:
    """How the model is told to speak, and what the listener is told when it isn't there yet."""

    system_prompt: str
    notice: str
    notice_after_s: float


@dataclass(eq=False)
class _Asked:
    """One question on its way: how much of its answer was sent, and what became of it."""

    question: Question
    turn_id: str
    commitment: Commitment
    heard: str = ""
    failure: LlmError | None = None
    replaced: bool = False


class ModelAnswers:
    """Answers of a language model, with a memory."""

    def __init__(self, llm: Llm, history: History, manner: Manner, clock: Clock) -> None:
        self._llm = llm
        self._history = history
        self._manner = manner
        self._clock = clock
        self._warming = Warming(llm)
        self._answering: set[_Asked] = set()

    async def replies(
        self, question: Question, record: TurnRecord, commitment: Commitment
    ) -> AsyncGenerator[Event, None]:
        """One answer, from `handled-start` to `handled-stop`, or `not-handled`."""
        asked = _Asked(question, record.turn_id, commitment)
        messages = self._open(asked, record)
        reply = Reply(context_of(question, record))
        try:
            async with contextlib.aclosing(self._written(asked, messages, reply, record)) as events:
                async for event in events:
                    yield event
            _tell(record, reply, asked.failure, self._llm.model)
            if reply.begun and asked.failure is None:
                for event in _written_all(commitment):
                    yield event
            await commitment.wait()
        except (asyncio.CancelledError, GeneratorExit):  # the listener has gone
            self._remember(asked, asked.heard, interrupted=True)
            raise
        finally:
            self._answering.discard(asked)
        # Remembered before `handled` goes out: Home Assistant hangs up there, and it has all of it.
        self._remember(asked, reply.model_text, interrupted=asked.failure is not None)
        for event in reply.fail(asked.failure.failure) if asked.failure else reply.finish():
            yield event

    def warm(self, question: Question) -> None:
        """Have the model read what such a question's messages will begin with."""
        opened_at, turns = self._look(question, self._revision(question))
        language = question.language or (turns[-1].language if turns else "")
        system = self._system(replace(question, language=language), opened_at)
        self._warming.begin(prompt(system, turns, TO_BE_ASKED))

    async def close(self) -> None:
        """Stop what is done for questions to come."""
        await self._warming.close()

    async def _written(
        self, asked: _Asked, messages: list[Message], reply: Reply, record: TurnRecord
    ) -> AsyncGenerator[Event, None]:
        """The answer while the model writes it; its last events are left to the caller."""
        start_s = _now_s()
        try:
            with self._warming.making_way():
                async with contextlib.aclosing(self._deltas(messages)) as deltas:
                    async for delta in deltas:
                        self._note(record, delta, start_s)
                        for event in reply.push(delta):
                            yield event
                        asked.heard = reply.model_text
                        if reply.full:
                            break
        except LlmError as error:
            asked.failure = error

    def _open(self, asked: _Asked, record: TurnRecord) -> list[Message]:
        """The messages for the model; what they say has come about once the question stands."""
        question, revision = asked.question, self._revision(asked.question)
        opened_at, turns = self._look(question, revision)
        asked.commitment.then(partial(self._enter, asked, opened_at, revision))
        if question.heard is not None:
            record.note(interrupted=1)
        record.note(turns=len(turns), question_chars=len(question.text))
        return prompt(self._system(question, opened_at), turns, question.text)

    def _enter(self, asked: _Asked, opened_at: str, revision: Revision) -> None:
        for other in self._replaced_by(asked.question):
            other.replaced = True
        self._answering.add(asked)
        self._history.open(asked.question.conversation, _now_s(), opened_at, revision)

    def _look(self, question: Question, revision: Revision) -> tuple[str, tuple[Turn, ...]]:
        time_of_day = f"{self._clock():%A, %Y-%m-%d %H:%M}"
        return self._history.look(question.conversation, _now_s(), time_of_day, revision)

    def _revision(self, question: Question) -> Revision:
        """What was heard of an answer that is replaced while it is given says nothing of an older one."""
        heard = None if self._replaced_by(question) else question.heard
        return Revision(heard, question.replaces)

    def _replaced_by(self, question: Question) -> list[_Asked]:
        """Those still being answered.

        A client's next question may be here before its hang-up is.
        """
        return [
            asked
            for asked in self._answering
            if asked.turn_id == question.replaces
            and asked.question.conversation == question.conversation
        ]

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

    def _remember(self, asked: _Asked, answer: str, *, interrupted: bool) -> None:
        said, question = answer.strip(), asked.question
        if said and asked.commitment.made and not asked.replaced:
            turn = Turn(question.text, said, interrupted, asked.turn_id, question.language)
            self._history.add(question.conversation, turn, _now_s())


class LocalAnswers:
    """The few answers that need no model."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def replies(
        self, question: Question, record: TurnRecord, commitment: Commitment
    ) -> AsyncGenerator[Event, None]:
        """One answer, all of it at once but for its end."""
        context = context_of(question, record)
        answer = local.answer(question.text, self._clock())
        record.note(question_chars=len(question.text), answer_chars=len(answer.text))
        if not answer.handled:
            record.note(failure="no-model")
            await commitment.wait()
            yield NotHandled(text=answer.text, context=context).event()
            return
        reply = Reply(context)
        for event in reply.push(Text(answer.text)):
            yield event
        for event in _written_all(commitment):
            yield event
        await commitment.wait()
        for event in reply.finish():
            yield event

    def warm(self, question: Question) -> None:
        """There is nothing to be warmed."""

    async def close(self) -> None:
        """There is nothing to be stopped."""


async def nothing_heard(
    question: Question, record: TurnRecord, commitment: Commitment
) -> AsyncGenerator[Event, None]:
    """The answer to an empty transcript, which no model needs to see."""
    record.note(question_chars=0, failure="empty-question")
    await commitment.wait()
    yield NotHandled(text=NOTHING_HEARD, context=context_of(question, record)).event()


def _written_all(commitment: Commitment) -> Iterator[Event]:
    """Tells a client that has yet to commit itself that no more text will come."""
    if commitment.open:
        yield Event(ANSWER_WRITTEN)


def context_of(question: Question, record: TurnRecord) -> dict[str, str]:
    """What a reply carries, so that the next question can refer to it."""
    return {"conversation_id": question.conversation, "turn_id": record.turn_id}


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
