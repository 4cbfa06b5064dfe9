"""What is remembered of the questions of each conversation, those on their way included.

Rule: nothing of a question is remembered before it stands (`Commitment`), and everything that was done for
one is, whatever becomes of it: one that is interrupted, or replaced by its whole, stays with its deeds, so
that the model knows of them and what was done isn't done again. A whole may turn out to be a part in its
turn; what was done for its parts then counts for the next whole.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.history import UNREVISED, History, Revision, Turn
from wyoming_voice.handle.llm.failures import LlmError
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.steps import Deed, Steps

Clock = Callable[[], datetime]


@dataclass(eq=False)
class Asked:
    """One question on its way: what was done and said for it, and what became of it.

    It has time until `end_s` of the event loop's clock. `part_of` is the turn id of the question that it
    turned out to be a part of. `came_at` is the time of day, and `revision` what it says of those before it.
    """

    question: Question
    record: TurnRecord
    commitment: Commitment
    end_s: float = float("inf")
    steps: Steps = field(default_factory=Steps)
    failure: LlmError | None = None
    part_of: str = ""
    came_at: str = ""
    revision: Revision = UNREVISED

    @property
    def turn_id(self) -> str:
        """The name by which later questions speak of this one."""
        return self.record.turn_id

    @property
    def conversation(self) -> str:
        """The key of its conversation."""
        return self.question.conversation

    @property
    def left_s(self) -> float:
        """The time that is left for it."""
        return max(0.0, self.end_s - _now_s())

    @property
    def late(self) -> bool:
        """Whether none is left."""
        return self.left_s <= 0.0

    async def stands(self) -> None:
        """Wait until it stands; it has that much more time, since nobody works on it meanwhile."""
        start_s = _now_s()
        await self.commitment.wait()
        self.end_s += _now_s() - start_s

    def turn(self, told: str, *, interrupted: bool) -> Turn:
        """As it is remembered; `told`: all that was said aloud."""
        return Turn(
            question=self.question.text,
            answer=self.steps.answer,
            interrupted=interrupted or bool(self.part_of) or not self.steps.answer,
            turn_id=self.turn_id,
            steps=self.steps.messages,
            deeds=self.steps.deeds,
            told=told,
            part_of=self.part_of,
        )


class Memory:
    """The history of all conversations, and the questions that are being answered."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._answering: list[Asked] = []

    @property
    def answering(self) -> int:
        """How many questions that stand are being answered."""
        return len(self._answering)

    def look(self, question: Question) -> tuple[str, tuple[Turn, ...]]:
        """When the conversation began and what was said in it, as `question` is told it."""
        revision = Revision(question.heard, question.replaces)
        return self._look(question.conversation, self._time_of_day(), revision)

    def expect(self, asked: Asked) -> None:
        """A question has come: what it says of others holds, and its parts begin nothing, once it stands."""
        question = asked.question
        # What was heard of an answer that is replaced while it is given says nothing of an older one.
        heard = None if self._parts_on_their_way(asked) else question.heard
        asked.revision = Revision(heard, question.replaces, asked.turn_id)
        asked.came_at = self._time_of_day()
        asked.commitment.then(lambda: self._enter(asked))

    def told(self, asked: Asked) -> tuple[str, tuple[Turn, ...]]:
        """`look`, for a question that was expected."""
        revision = UNREVISED if asked.commitment.made else asked.revision
        return self._look(asked.conversation, asked.came_at, revision)

    def leave(self, asked: Asked) -> None:
        """A question is answered, or given up."""
        if asked in self._answering:
            self._answering.remove(asked)

    def remember(self, asked: Asked, told: str, *, interrupted: bool) -> None:
        """Keep what came of a question that stands: as much of its answer as was sent, and its deeds."""
        self.leave(asked)
        steps = asked.steps
        if not asked.commitment.made or not (steps.messages or steps.answer):
            return
        if asked.part_of and not steps.deeds:
            return
        turn = asked.turn(told, interrupted=interrupted)
        self._history.add(asked.conversation, turn, _now_s())

    def done(self, asked: Asked, name: str, arguments: Mapping[str, object]) -> Deed | None:
        """The same, where it was tried for this question, or done for a part of it."""
        deeds = [*self._deeds_before(asked), *asked.steps.tried]
        return next((deed for deed in reversed(deeds) if deed.is_of(name, arguments)), None)

    def acted_before(self, asked: Asked) -> bool:
        """Whether something was done for a part of this question."""
        return bool(self._deeds_before(asked))

    def _deeds_before(self, asked: Asked) -> list[Deed]:
        names = _names_of_parts(asked)
        _, turns = self._history.look(asked.conversation, _now_s(), "")
        kept = [turn.deeds for turn in turns if names & {turn.turn_id, turn.part_of}]
        on_their_way = [part.steps.deeds for part in self._parts_on_their_way(asked)]
        return [deed for deeds in (*kept, *on_their_way) for deed in deeds]

    def _enter(self, asked: Asked) -> None:
        for part in self._parts_on_their_way(asked):
            part.part_of = asked.turn_id
        self._answering.append(asked)
        self._history.open(asked.conversation, _now_s(), asked.came_at, asked.revision)

    def _time_of_day(self) -> str:
        return f"{self._clock():%A, %Y-%m-%d %H:%M}"

    def _look(self, key: str, time_of_day: str, revision: Revision) -> tuple[str, tuple[Turn, ...]]:
        opened_at, turns = self._history.look(key, _now_s(), time_of_day, revision)
        # Who has done something, and has yet to say so: its client may have gone, and we don't know.
        acting = [
            other.turn("", interrupted=True)
            for other in self._answering
            if other.conversation == key and other.steps.deeds
        ]
        return opened_at, (*turns, *acting)

    def _parts_on_their_way(self, asked: Asked) -> list[Asked]:
        """Those still being answered: a client's next question may be here before its hang-up is."""
        names = _names_of_parts(asked)
        return [
            other
            for other in self._answering
            if other is not asked
            and other.conversation == asked.conversation
            and names & {other.turn_id, other.part_of}
        ]


def _names_of_parts(asked: Asked) -> set[str]:
    """What its parts go by, or are a part of: its own id as well, once it stands."""
    return {asked.question.replaces, asked.turn_id} if asked.question.replaces else set()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
