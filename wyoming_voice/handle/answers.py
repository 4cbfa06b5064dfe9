"""Who answers questions, and the answers that need neither a model nor a tool.

Rule: every question has its events, in the grammar of `reply.py`; the last of them come once it stands.
"""

from collections.abc import AsyncGenerator, Iterator
from typing import Protocol

from wyoming.event import Event
from wyoming.handle import NotHandled

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.extensions import ANSWER_WRITTEN
from wyoming_voice.handle import local
from wyoming_voice.handle.acts import Acts
from wyoming_voice.handle.commands import Commands
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.fast.path import Understood
from wyoming_voice.handle.llm.deltas import Acting, Text
from wyoming_voice.handle.llm.failures import LlmError
from wyoming_voice.handle.memory import Asked, Clock, Memory
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.handle.reply import Reply
from wyoming_voice.handle.session import Question


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


class LocalAnswers:
    """Simple commands, and the few answers that need no model."""

    def __init__(self, commands: Commands, acts: Acts, memory: Memory, clock: Clock) -> None:
        self._commands = commands
        self._acts = acts
        self._memory = memory
        self._clock = clock

    async def replies(
        self, question: Question, record: TurnRecord, commitment: Commitment
    ) -> AsyncGenerator[Event, None]:
        """One answer, all of it at once but for its end."""
        asked = Asked(question, record, commitment)
        self._memory.expect(asked)
        record.note(question_chars=len(question.text))
        reply = reply_to(asked)
        try:
            understood = await self._commands.look(asked)
            for event in reply.push(Acting(changes=understood is not None)):
                yield event
            answer = await self._answer(asked, understood)
            record.note(answer_chars=len(answer.text))
            if not answer.failure:
                for event in (*reply.push(Text(answer.text)), *written_all(commitment)):
                    yield event
            else:
                record.note(failure=answer.failure)
            await commitment.wait()
        finally:
            self._acts.afterwards(
                asked.conversation, lambda: self._memory.remember(asked, "", interrupted=False)
            )
        if not answer.failure:
            for event in reply.finish():
                yield event
        else:
            yield NotHandled(text=answer.text, context=context_of(asked)).event()

    async def _answer(self, asked: Asked, understood: Understood | None) -> local.LocalAnswer:
        try:
            if understood and (said := await self._commands.act(asked, understood)):
                return local.LocalAnswer(said)
        except LlmError as error:
            said = in_words(error.failure, asked.question.answered_in)
            return local.LocalAnswer(said, error.failure)
        return local.answer(asked.question, self._clock())

    def warm(self, question: Question) -> None:
        """Have the sentences of its language read."""
        self._commands.warm(question)

    async def close(self) -> None:
        """Stop what is being done."""
        await self._acts.close()


async def nothing_heard(
    question: Question, record: TurnRecord, commitment: Commitment
) -> AsyncGenerator[Event, None]:
    """The answer to an empty transcript, which no model needs to see."""
    record.note(question_chars=0, failure="empty-question")
    await commitment.wait()
    context = context_of(Asked(question, record, commitment))
    said = in_words(Own.NOTHING_HEARD, question.answered_in)
    yield NotHandled(text=said, context=context).event()


def written_all(commitment: Commitment) -> Iterator[Event]:
    """Tells a client that has yet to commit itself that no more text will come."""
    if commitment.open:
        yield Event(ANSWER_WRITTEN)


def reply_to(asked: Asked) -> Reply:
    """The answer to a question, of which nothing is said yet."""
    question = asked.question
    return Reply(context_of(asked), question.answered_in, tells_acts=question.tells_acts)


def context_of(asked: Asked) -> dict[str, str]:
    """What a reply carries, so that the next question can refer to it."""
    return {"conversation_id": asked.conversation, "turn_id": asked.turn_id}
