"""What a record is in a trace: one span for all of it, and one for each of its stages.

A turn is a trace. Its id is derived from the turn's id, and so is the id of its first span, which the
satellite or the gateway writes: servers agree with them without a word. Rule: a span says what the log
line says, counts, names and codes, and never what somebody said.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from wyoming_voice.core.timing import TurnRecord

FIRST = ("turn", "ask", "say")
"""The kinds of records that are a trace's first span: those of whoever asks the servers."""

FINE = ("ok", "gone", "cancelled", "nothing-understood")
"""The outcomes that are nobody's failure."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a trace; ids are numbers, 0 for no parent. Times are those of the monotonic clock.

    `serves` says that it is a request that somebody else has made, `failed` holds the code of its error.
    """

    name: str
    trace: int
    id: int
    parent: int
    begin_s: float
    end_s: float
    facts: Mapping[str, str | int | float]
    serves: bool = False
    failed: str = ""


def trace_of(turn_id: str) -> int:
    """The trace of a turn: 128 bits of a hash of its id."""
    return _hashed("trace", turn_id, 16)


def first_span_of(turn_id: str) -> int:
    """The span that the servers' spans of a turn belong under: 64 bits."""
    return _hashed("span", turn_id, 8)


def spans_of(record: TurnRecord, outcome: str) -> list[Span]:
    """The span of a record that is over, and those of its stages. [] where no time was noted.

    A stage that consists of many pieces is one span from the first to the last; `busy_ms` is what they
    took together.
    """
    if not record.spans_s:
        return []
    trace, own, parent = _place(record)
    begin_s = min(begin_s for begin_s, _ in record.spans_s.values())
    end_s = max(end_s for _, end_s in record.spans_s.values())
    facts = {"turn": record.turn_id, "outcome": outcome, **record.facts}
    failed = "" if outcome in FINE else outcome
    serves = record.kind not in FIRST
    whole = Span(record.kind, trace, own, parent, begin_s, end_s, facts, serves, failed)
    stages = [
        Span(stage, trace, _new_id(), own, *times_s, {"busy_ms": round(record.stages_ms[stage], 1)})
        for stage, times_s in record.spans_s.items()
        if stage != "total"
    ]
    return [whole, *stages]


def _place(record: TurnRecord) -> tuple[int, int, int]:
    """The trace of a record, the id of its span, and that of its parent."""
    if record.trace_parent:
        _, trace, parent, _ = record.trace_parent.split("-")
        return int(trace, 16), _new_id(), int(parent, 16)
    trace_id, first = trace_of(record.turn_id), first_span_of(record.turn_id)
    if record.joined:
        return trace_id, _new_id(), first
    return trace_id, first if record.kind in FIRST else _new_id(), 0


def _new_id() -> int:
    return secrets.randbits(64) or 1  # zero is no id


def _hashed(what: str, turn_id: str, size_bytes: int) -> int:
    digest = hashlib.sha256(f"wyoming-voice {what} {turn_id}".encode()).digest()
    return int.from_bytes(digest[:size_bytes], "big") or 1
