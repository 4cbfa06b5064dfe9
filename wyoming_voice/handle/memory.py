"""What is remembered of the questions of each conversation, those on their way included.

Rule: nothing of a question is remembered before it stands (`Commitment`), and everything that was done for
one is, whatever becomes of it: one that is interrupted, or replaced by its whole, stays with its deeds, so
that the model knows of them and what was done isn't done again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.history import History, Revision, Turn
from wyoming_voice.handle.llm.failures import LlmError
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.steps import Deed, Steps

Clock = Callable[[], datetime]


@dataclass(eq=False)
class Asked:
    """One question on its way: what was done and said for it, and what became of it."""

    question: Question
    record: TurnRecord
    commitment: Commitment
    steps: Steps = field(default_factory=Steps)
    failure: LlmError | None = None
    replaced: bool = False
    replaces_one_on_its_way: bool = False

    @property
    def turn_id(self) -> str:
        """The name by which later questions speak of this one."""
        return self.record.turn_id

    @property
    def conversation(self) -> str:
        """The key of its conversation."""
        return self.question.conversation

    def turn(self, told: str, *, interrupted: bool) -> Turn:
        """As it is remembered; `told`: all that was said aloud."""
        return Turn(
            self.question.text,
            self.steps.answer,
            interrupted or self.replaced or not self.steps.answer,
            self.turn_id,
            self.question.language,
            self.steps.messages,
            self.steps.deeds,
            told,
        )


class Memory:
    """The history of all conversations, and the questions that are being answered."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._answering: list[Asked] = []

    def look(self, question: Question) -> tuple[str, tuple[Turn, ...]]:
        """When the conversation began and what was said in it, as `question` is told it."""
        return self._look(question, self._revision(question))

    def expect(self, asked: Asked) -> None:
        """A question has come; from the moment it stands, nothing is begun for the part that it replaces."""
        on_its_way = self._replaced_by(asked.question)
        asked.replaces_one_on_its_way |= bool(on_its_way)
        asked.commitment.then(lambda: _replace(on_its_way))

    def open(self, asked: Asked) -> tuple[str, tuple[Turn, ...]]:
        """`look`, for a question that is asked; what it says of others holds once it stands."""
        self.expect(asked)
        revision = self._revision(asked.question)
        if asked.replaces_one_on_its_way:
            revision = Revision(None, revision.replaces)
        opened_at, turns = self._look(asked.question, revision)
        asked.commitment.then(lambda: self._enter(asked, opened_at, revision))
        return opened_at, turns

    def leave(self, asked: Asked) -> None:
        """A question is answered, or given up."""
        if asked in self._answering:
            self._answering.remove(asked)

    def remember(self, asked: Asked, told: str, *, interrupted: bool) -> None:
        """Keep what came of a question that stands: as much of its answer as was sent, and its deeds."""
        self.leave(asked)
        steps = asked.steps
        if not asked.commitment.made or not (steps.messages or steps.deeds or steps.answer):
            return
        if asked.replaced and not steps.deeds:
            return
        turn = asked.turn(told, interrupted=interrupted)
        self._history.add(asked.conversation, turn, _now_s())

    def done(self, asked: Asked, name: str, arguments: Mapping[str, object]) -> Deed | None:
        """The same, where it was tried for this question, or done for the part that it is the whole of."""
        deeds = [*self._deeds_before(asked), *asked.steps.tried]
        return next((deed for deed in reversed(deeds) if deed.is_of(name, arguments)), None)

    def acted_before(self, asked: Asked) -> bool:
        """Whether something was done for the part that this question is the whole of."""
        return bool(self._deeds_before(asked))

    def _deeds_before(self, asked: Asked) -> list[Deed]:
        replaces = asked.question.replaces
        if not replaces:
            return []
        _, turns = self._history.look(asked.conversation, _now_s(), "")
        kept = [deed for turn in turns if turn.turn_id == replaces for deed in turn.deeds]
        others = [other for other in self._replaced_by(asked.question) if other is not asked]
        return kept + [deed for other in others for deed in other.steps.deeds]

    def _enter(self, asked: Asked, opened_at: str, revision: Revision) -> None:
        self._answering.append(asked)
        self._history.open(asked.conversation, _now_s(), opened_at, revision)

    def _look(self, question: Question, revision: Revision) -> tuple[str, tuple[Turn, ...]]:
        time_of_day = f"{self._clock():%A, %Y-%m-%d %H:%M}"
        key = question.conversation
        opened_at, turns = self._history.look(key, _now_s(), time_of_day, revision)
        # Who has done something, and has yet to say so: its client may have gone, and we don't know.
        acting = [
            other.turn("", interrupted=True)
            for other in self._answering
            if other.conversation == key and other.steps.deeds
        ]
        return opened_at, (*turns, *acting)

    def _revision(self, question: Question) -> Revision:
        """What was heard of an answer that is replaced while it is given says nothing of an older one."""
        heard = None if self._replaced_by(question) else question.heard
        return Revision(heard, question.replaces)

    def _replaced_by(self, question: Question) -> list[Asked]:
        """Those still being answered.

        A client's next question may be here before its hang-up is.
        """
        return [
            asked
            for asked in self._answering
            if asked.turn_id == question.replaces and asked.conversation == question.conversation
        ]


def _replace(parts: Iterable[Asked]) -> None:
    for part in parts:
        part.replaced = True


def _now_s() -> float:
    return asyncio.get_running_loop().time()
