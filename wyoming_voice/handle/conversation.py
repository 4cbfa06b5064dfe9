"""One connection of the handle server: what its events ask for, and which question a `commit` is about.

Each `transcript` is a question. One with `context.speculative` stands once `commit` comes; until then
hanging up, or another `transcript`, takes it back. So there is one at most that a `commit` can be about.
A question that is taken back by another simply stops: the next event belongs to the other's answer, and
says so in its `context`.
"""

import asyncio
from uuid import uuid4

from wyoming.asr import Transcript
from wyoming.event import Event

from wyoming_voice.core.timing import TurnRecord, turn_id_in
from wyoming_voice.extensions import COMMIT, WARM_UP
from wyoming_voice.handle.answers import Answers, nothing_heard
from wyoming_voice.handle.commitment import COMMIT_WITHIN_S, Commitment
from wyoming_voice.handle.session import Question, read_question, read_warm_up
from wyoming_voice.program import Request


class HandleConversation:
    """Questions, commits and warm-ups; all else means nothing here."""

    def __init__(self, answers: Answers, max_text_chars: int) -> None:
        self._answers = answers
        self._max_text_chars = max_text_chars
        self._own_id = uuid4().hex
        self._last = Commitment.outright()

    def push(self, event: Event) -> Request | None:
        """Take one event; raises BadEvent and TooLarge."""
        if Transcript.is_type(event.type):
            return self._ask(event)
        if event.type == COMMIT:
            self._last.make()
        elif event.type == WARM_UP:
            self._answers.warm(read_warm_up(event.data, self._own_id))
        return None

    def _ask(self, event: Event) -> Request:
        question = read_question(event.data, self._max_text_chars, self._own_id)
        record = TurnRecord(kind="handle", turn_id=turn_id_in(event.data.get("context")))
        if question.language:
            record.note(language=question.language)
        self._last.withdraw()
        self._last = commitment = _commitment(question, record)
        reply = self._answers.replies if question.text else nothing_heard
        return Request(
            record=record,
            replies=commitment.kept(reply(question, record, commitment)),
            awaits_input=lambda: commitment.open,
        )


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
