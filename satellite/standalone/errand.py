"""What all stages of an exchange share: whom to ask, what for, how long, and where it is noted."""

import logging
from dataclasses import dataclass, field, replace

from satellite.standalone.conversation import Question
from satellite.standalone.line import Server
from satellite.standalone.lines import Lines
from satellite.standalone.patience import Patience
from wyoming_voice.core.timing import TurnRecord

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wishes:
    """What is asked of the servers beside their work; "" leaves the choice to them.

    A voice that a server doesn't know is replaced by its own, unless `voice_matters`.
    """

    voice: str = ""
    language: str = ""
    voice_matters: bool = False


@dataclass(frozen=True)
class Errand:
    """One turn's business with the servers."""

    lines: Lines
    record: TurnRecord
    question: Question
    wishes: Wishes = field(default_factory=Wishes)
    patience: Patience = field(default_factory=Patience)

    def spoken_in(self, language: str) -> "Errand":
        """The same for whoever speaks a language, where it is known and none was asked for."""
        if self.wishes.language or not language:
            return self
        return replace(self, wishes=replace(self.wishes, language=language))

    def lost(self, server: Server, reason: str) -> None:
        """Note a server that couldn't do what it was asked."""
        _log.warning("turn=%s %s (%s)", self.record.turn_id, reason, server.uri)
        lost = self.record.facts.get(f"{server.kind}_lost", 0)
        self.record.note(**{f"{server.kind}_lost": int(lost) + 1})
