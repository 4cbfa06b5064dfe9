"""What one request's log line says: its turn id, how long each stage took, and a few facts.

The time is handed in, so that a core can keep a record without a clock.
"""

import re
import secrets
from dataclasses import dataclass, field

_TURN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TRACE_PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_PLAIN = re.compile(r"[\w.,:;/+*()%@-]+")


def new_turn_id() -> str:
    """A random name that one turn carries through every server's log, and that its trace is named by."""
    return secrets.token_hex(8)


def turn_id_in(context: object) -> str:
    """The turn id that a peer sent along in an event's `context`, or a new one.

    Our own clients send `{"turn_id": ...}`; anything but 1 to 64 letters, digits, '-' and '_' is
    not taken, since it goes into the log.
    """
    return _text_in(context, "turn_id", _TURN_ID) or new_turn_id()


def _text_in(context: object, key: str, form: re.Pattern[str]) -> str:
    value = context.get(key) if isinstance(context, dict) else None
    return value if isinstance(value, str) and form.fullmatch(value) else ""


@dataclass
class TurnRecord:
    """Stages in milliseconds and facts, in the order in which they were noted.

    Facts hold counts, names and codes, never what somebody said. `spans_s` is where a stage lies on the
    monotonic clock: its first begin and its last end. `joined` says that the turn began elsewhere, and
    `trace_parent` is the span there in the words of W3C's Trace Context, where a foreign client told it.
    `failure` is what its client was told in the end.
    """

    kind: str
    turn_id: str = field(default_factory=new_turn_id)
    facts: dict[str, str | int | float] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)
    spans_s: dict[str, tuple[float, float]] = field(default_factory=dict)
    joined: bool = False
    trace_parent: str = ""
    failure: str = ""

    @classmethod
    def within(cls, kind: str, context: object) -> "TurnRecord":
        """The record of a request that belongs to the turn which an event's `context` names."""
        record = cls(kind)
        record.join(context)
        return record

    def join(self, context: object) -> None:
        """Belong to the turn and the trace that an event's `context` names, if it names any."""
        if turn_id := _text_in(context, "turn_id", _TURN_ID):
            self.turn_id, self.joined = turn_id, True
        self.trace_parent = _text_in(context, "traceparent", _TRACE_PARENT)

    def note(self, **facts: str | int | float) -> None:
        """Keep facts; a later value for the same name wins."""
        self.facts.update(facts)

    def spent(self, stage: str, start_s: float, end_s: float) -> None:
        """Add the time between two readings of the monotonic clock to a stage."""
        self.took(stage, (end_s - start_s) * 1000.0)
        first_s, _ = self.spans_s.get(stage, (start_s, end_s))
        self.spans_s[stage] = first_s, end_s

    def took(self, stage: str, spent_ms: float) -> None:
        """Add time to a stage that lies nowhere in particular."""
        self.stages_ms[stage] = self.stages_ms.get(stage, 0.0) + spent_ms

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
