"""PURE: which turns belong together, and what a question tells the handle server beside its words.

Rule: a conversation goes on until it has been silent for long enough, or another wake word's system
prompt begins another; whoever follows up or interrupts talks to the one that was spoken to.
"""

import secrets
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Protocol

from satellite.effects import BeginTurn
from satellite.events import WakeWord
from satellite.standalone.means import Deeds, Means
from satellite.standalone.pace import text_heard
from wyoming_voice.extensions import ACTS, REPLACES

_QUESTIONS_KEPT = 4
"""A turn that goes on does so at once; few others can have begun meanwhile."""


def new_conversation_id() -> str:
    """One that nobody guesses: who knows it can go on with the conversation."""
    return secrets.token_hex(16)


class Answer(Protocol):
    """An answer that is spoken, or has been."""

    @property
    def pace(self) -> float:
        """How fast (`pace.measured_pace`)."""

    @property
    def text(self) -> str:
        """All of it that has been written."""


@dataclass
class Question:
    """What a turn's question tells beside its words; `asked` once it has been asked for certain.

    Where it is the whole of one asked before, that turn's id is `replaces`, and `instead` is told to who
    can forget that one: what was heard of its answer is then no part of the conversation. What that one
    has had done is among its `deeds`.
    """

    turn_id: str
    told: Mapping[str, object] = field(default_factory=dict)
    replaces: str = ""
    instead: Mapping[str, object] = field(default_factory=dict)
    asked: bool = False
    deeds: Deeds = field(default_factory=lambda: Deeds(Means()))

    def context(self, extensions: AbstractSet[str]) -> dict[str, object]:
        """What goes along to a handle server with these extensions."""
        own = {**self.deeds.means.context(extensions), "turn_id": self.turn_id}
        if ACTS in extensions:
            own[ACTS] = True
        if self.replaces and REPLACES in extensions:
            return {**self.instead, REPLACES: self.replaces, **own}
        return {**self.told, **own}


@dataclass
class Conversation:
    """What its turns share; `id` is what the handle server remembers it by."""

    word: WakeWord | None
    used_s: float
    id: str
    answered: Answer | None = None

    @property
    def voice(self) -> str:
        """The voice of the wake word that was said, "" for none."""
        return self.word.voice if self.word is not None else ""

    def context(self, heard_ms: int | None) -> dict[str, object]:
        """What goes with the next question; `heard_ms` of the last answer was heard if it was cut off."""
        context: dict[str, object] = {"conversation_id": self.id}
        if prompt := _prompt(self.word):
            context["system_prompt"] = prompt
        answered, self.answered = self.answered, None
        if heard_ms is not None and answered is not None:
            context["interrupted"] = True
            context["heard"] = text_heard(answered.text, heard_ms, answered.pace)
        return context


class Conversations:
    """Turns in, the conversation of each out; `keep_s` is how long a silent one goes on.

    The first goes by `first_id`, if it is given; `means` is what the satellite can do in all of them.
    """

    def __init__(self, keep_s: float, first_id: str = "", means: Means | None = None) -> None:
        self._keep_s = keep_s
        self._means = means or Means()
        self._next_id = first_id or new_conversation_id()
        self._current: Conversation | None = None
        self._questions: dict[int, Question] = {}

    def question(self, turn: BeginTurn, turn_id: str, conversation: Conversation) -> Question:
        """The question of a turn of this conversation; to be made once, when the turn begins."""
        before = self._questions.get(turn.replaces) if turn.replaces is not None else None
        if before is None:
            told = conversation.context(turn.heard_ms)
            question = Question(turn_id, told, deeds=Deeds(self._means))
        elif before.asked:
            instead = before.instead if before.replaces else before.told
            told = conversation.context(None)  # what was heard is of an answer before that one's
            question = Question(turn_id, told, before.turn_id, instead, deeds=before.deeds)
        else:
            question = replace(before, turn_id=turn_id)
        self._questions[turn.epoch] = question
        for old in list(self._questions)[:-_QUESTIONS_KEPT]:
            del self._questions[old]
        return question

    def of(self, turn: BeginTurn, now_s: float) -> Conversation:
        """The conversation of a turn that begins; `now_s` is any clock that doesn't go backwards."""
        going_on, word = self._current, turn.word
        goes_on = turn.follow_up or turn.heard_ms is not None or turn.replaces is not None
        if going_on is not None and word is None and goes_on:
            word = going_on.word
        if going_on is None or self._is_over(going_on, now_s) or not _same(word, going_on.word):
            going_on = self._current = Conversation(word, now_s, self._next_id)
            self._next_id = new_conversation_id()
        going_on.word, going_on.used_s = word, now_s
        return going_on

    def _is_over(self, conversation: Conversation, now_s: float) -> bool:
        return now_s - conversation.used_s > self._keep_s

    def interject(self) -> None:
        """Something else was spoken: what is interrupted next is no answer."""
        if self._current is not None:
            self._current.answered = None


def _same(one: WakeWord | None, other: WakeWord | None) -> bool:
    return _prompt(one) == _prompt(other)


def _prompt(word: WakeWord | None) -> str:
    return word.prompt if word is not None else ""
