"""One connection of the handle server: what its events ask for, and which question a `commit` is about.

Each `transcript` is a question. One with `context.speculative` stands once `commit` comes; until then
hanging up, or another `transcript`, takes it back. So there is one at most that a `commit` can be about.
A question that is taken back by another simply stops: the next event belongs to the other's answer, and
says so in its `context`. While one is answered, its client may be asked to do something (`tool-call`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from wyoming.asr import Transcript
from wyoming.event import Event

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.extensions import COMMIT, TOOL_RESULT, WARM_UP
from wyoming_voice.handle.answers import Answers, nothing_heard
from wyoming_voice.handle.commitment import COMMIT_WITHIN_S, Commitment
from wyoming_voice.handle.session import Question, read_question, read_warm_up
from wyoming_voice.handle.tools.client_tools import Awaited, Hands, resolve
from wyoming_voice.handle.tools.offered import read_result, read_tools
from wyoming_voice.program import Request


class HandleConversation:
    """Questions, commits, warm-ups and results; all else means nothing here."""

    def __init__(
        self,
        answers: Answers,
        max_text_chars: int,
        house_language: Callable[[], str] = lambda: "",
    ) -> None:
        self._answers = answers
        self._max_text_chars = max_text_chars
        self._house_language = house_language
        self._own_id = uuid4().hex
        self._last = Commitment.outright()
        self._awaited: Awaited = {}

    def push(self, event: Event) -> Request | None:
        """Take one event; raises BadEvent and TooLarge."""
        if Transcript.is_type(event.type):
            return self._ask(event)
        if event.type == COMMIT:
            self._last.make()
        elif event.type == WARM_UP:
            self._warm_up(event)
        elif event.type == TOOL_RESULT:
            resolve(self._awaited, *read_result(event.data))
        return None

    def _warm_up(self, event: Event) -> None:
        question = read_warm_up(event.data, self._own_id)
        hands = self._hands(event, Commitment.outright())
        self._answers.warm(self._at_home(question, hands))

    def _ask(self, event: Event) -> Request:
        question = read_question(event.data, self._max_text_chars, self._own_id)
        record = TurnRecord.within("handle", event.data.get("context"))
        if question.language:
            record.note(language=question.language)
        commitment = _commitment(question, record)
        hands = self._hands(event, commitment)
        self._last.withdraw()
        self._last = commitment
        reply = self._answers.replies if question.text else nothing_heard
        replies = reply(self._at_home(question, hands), record, commitment)
        return Request(
            record=record,
            replies=commitment.kept(hands.among(replies) if hands is not None else replies),
            awaits_input=lambda: commitment.open,
        )

    def _at_home(self, question: Question, hands: Hands | None) -> Question:
        return replace(question, client=hands, house_language=self._house_language())

    def _hands(self, event: Event, commitment: Commitment) -> Hands | None:
        """Whoever does what the client of a question can do itself, where it can do something."""
        tools = read_tools(event.type, event.data)
        return Hands(tools, commitment, self._awaited) if tools else None


def _commitment(question: Question, record: TurnRecord) -> Commitment:
    if not question.speculative:
        return Commitment.outright()
    asked_s = _now_s()
    commitment = Commitment(asked_s + COMMIT_WITHIN_S)
    record.note(speculative=1, commit="dropped")
    commitment.then(lambda: _note_commit(record, asked_s))
    return commitment


def _note_commit(record: TurnRecord, asked_s: float) -> None:
    record.note(commit="hit")
    record.spent("uncommitted", asked_s, _now_s())


def _now_s() -> float:
    return asyncio.get_running_loop().time()
