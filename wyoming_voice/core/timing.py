"""What one request's log line says: its turn id, how long each stage took, and a few facts.

The time is handed in, so that a core can keep a record without a clock.
"""

import re
import secrets
from dataclasses import dataclass, field

_TURN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLAIN = re.compile(r"[\w.,:;/+*()%@-]+")


def new_turn_id() -> str:
    """A short random name that one turn carries through every server's log."""
    return secrets.token_hex(4)


def turn_id_in(context: object) -> str:
    """The turn id that a peer sent along in an event's `context`, or a new one.

    Our own clients send `{"turn_id": ...}`; anything but 1 to 64 letters, digits, '-' and '_' is
    not taken, since it goes into the log.
    """
    value = context.get("turn_id") if isinstance(context, dict) else None
    return value if isinstance(value, str) and _TURN_ID.fullmatch(value) else new_turn_id()


@dataclass
class TurnRecord:
    """Stages in milliseconds and facts, in the order in which they were noted.

    Facts hold counts, names and codes, never what somebody said.
    """

    kind: str
    turn_id: str = field(default_factory=new_turn_id)
    facts: dict[str, str | int | float] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)

    def note(self, **facts: str | int | float) -> None:
        """Keep facts; a later value for the same name wins."""
        self.facts.update(facts)

    def spent(self, stage: str, start_s: float, end_s: float) -> None:
        """Add the time between two readings of the monotonic clock to a stage."""
        self.stages_ms[stage] = self.stages_ms.get(stage, 0.0) + (end_s - start_s) * 1000.0

    def line(self) -> str:
        """`turn=3f2a kind=asr audio_ms=2100 queue=1.2ms decode=80.4ms`."""
        facts = [f"{name}={_shown(value)}" for name, value in self.facts.items()]
        stages = [f"{name}={ms:.1f}ms" for name, ms in self.stages_ms.items()]
        return " ".join([f"turn={self.turn_id}", f"kind={self.kind}", *facts, *stages])


def _shown(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else repr(text)
