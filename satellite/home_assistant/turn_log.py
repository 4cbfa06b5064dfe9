"""The line in the log, and the span, of each turn that Home Assistant answers.

Rule: each turn that was begun ends here once. Home Assistant is told no turn's id and passes none on: what
its servers log of the turn is theirs.
"""

import itertools
from dataclasses import dataclass, field

from satellite.effects import BeginTurn
from satellite.events import Event, ReplyAudio, ReplyEnded, ReplyText, Transcribed, TurnFailed, Via
from wyoming_voice.core.timing import TurnRecord, new_turn_id
from wyoming_voice.outcome import told


@dataclass
class _Open:
    epoch: int
    record: TurnRecord
    marks_s: dict[str, float] = field(default_factory=dict)


class TurnLog:
    """Takes what happens with its time on the event loop's clock."""

    def __init__(self) -> None:
        self._open: _Open | None = None

    def begin(self, turn: BeginTurn, now_s: float) -> None:
        """A turn begins; one that is open has been left."""
        self._end("cancelled", now_s)
        record = TurnRecord("turn", turn.turn_id or new_turn_id())
        record.note(via=Via.HOME_ASSISTANT)
        self._open = _Open(turn.epoch, record, {"begin": now_s})

    def heard(self, epoch: int, now_s: float) -> None:
        """All of the question has been sent."""
        self._mark(epoch, "audio_end", now_s)

    def cancel(self, epoch: int, now_s: float) -> None:
        """Nobody waits for the answer any more."""
        if self._open is not None and self._open.epoch == epoch:
            self._end("cancelled", now_s)

    def push(self, event: Event, now_s: float) -> None:
        """Home Assistant has answered something."""
        match event:
            case Transcribed(epoch=epoch):
                self._mark(epoch, "transcript", now_s)
            case ReplyText(epoch=epoch):
                self._mark(epoch, "first_text", now_s)
            case ReplyAudio(epoch=epoch):
                self._mark(epoch, "first_audio", now_s)
            case ReplyEnded(epoch=epoch) if self._is_open(epoch):
                self._end("ok", now_s)
            case TurnFailed(epoch=epoch, trouble=trouble) if self._is_open(epoch):
                self._end(trouble, now_s)

    def _is_open(self, epoch: int) -> bool:
        return self._open is not None and self._open.epoch == epoch

    def _mark(self, epoch: int, stage: str, now_s: float) -> None:
        if self._open is not None and self._open.epoch == epoch:
            self._open.marks_s.setdefault(stage, now_s)

    def _end(self, outcome: str, now_s: float) -> None:
        """Each stage lasts from the end of the one before it."""
        turn, self._open = self._open, None
        if turn is None:
            return
        turn.marks_s["end"] = now_s
        for (_, start_s), (stage, end_s) in itertools.pairwise(turn.marks_s.items()):
            turn.record.spent(stage, start_s, end_s)
        told(turn.record, outcome)
