"""Counts how turns end, from the moments that are told. Pure.

Rule: each turn is counted once, when it is known how it ended. A silence after an answer, in which somebody
could have replied and didn't, is no turn.
"""

from dataclasses import dataclass
from enum import StrEnum

from satellite.effects import Moment, Tell
from satellite.events import Via


class Outcome(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    UNHEARD = "unheard"
    """Nobody spoke, or nothing was understood."""
    UNANSWERED = "unanswered"
    """Something was understood, and the turn was ended before an answer came."""


@dataclass(frozen=True)
class Counted:
    """A turn that is over, and who was to answer it."""

    via: Via
    outcome: Outcome


class Tally:
    """Takes moments in their order; Home Assistant answers the turns that begin while it is connected."""

    def __init__(self) -> None:
        self._answers = Via.DIRECT
        self._via: Via | None = None  # of the turn that is open
        self._so_far = Outcome.UNHEARD
        self._replying = False

    def push(self, told: Tell) -> Counted | None:
        """The turn that a moment ends, if it ends one."""
        match told.moment:
            case Moment.CONNECTED if told.text == Via.HOME_ASSISTANT:
                self._answers = Via.HOME_ASSISTANT
            case Moment.DISCONNECTED if told.text == Via.HOME_ASSISTANT:
                self._answers = Via.DIRECT
            case Moment.LISTENING:
                over = self._end()
                self._replying = over is not None and over.outcome is Outcome.ANSWERED
                if not self._replying:
                    self._begin()
                return over
            case Moment.SPEECH_STARTED if self._replying:
                self._begin()
            case Moment.IDLE:
                self._replying = False
                return self._end()
            case _ if self._via is not None:
                self._so_far = _after(told.moment, self._so_far)
        return None

    def _begin(self) -> None:
        self._replying = False
        self._via, self._so_far = self._answers, Outcome.UNHEARD

    def _end(self) -> Counted | None:
        via, self._via = self._via, None
        return Counted(via, self._so_far) if via is not None else None


def _after(moment: Moment, before: Outcome) -> Outcome:
    match moment:
        case Moment.TRANSCRIPT:
            return Outcome.UNANSWERED
        case Moment.RESPONDING:
            return Outcome.INTERRUPTED  # unless it is heard to its end
        case Moment.RESPONSE if before is not Outcome.INTERRUPTED:
            return Outcome.ANSWERED  # in text alone
        case Moment.PLAYED if before is Outcome.INTERRUPTED:
            return Outcome.ANSWERED
        case Moment.ERROR:
            return Outcome.FAILED
    return before
