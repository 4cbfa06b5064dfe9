"""Where a record's spans stand in a trace."""

import pytest

from wyoming_voice.core.spans import FIRST, Span, first_span_of, spans_of, trace_of
from wyoming_voice.core.timing import TurnRecord, new_turn_id

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"  # W3C's own example
FOREIGN_TRACE, FOREIGN_SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


def a_record(kind: str, context: object = None) -> TurnRecord:
    record = TurnRecord.within(kind, context)
    record.note(words=3)
    record.spent("work", 2.0, 2.25)
    record.spent("work", 3.0, 3.25)
    record.took("saved", 70.0)
    record.spent("total", 1.0, 4.0)
    return record


@pytest.mark.parametrize(
    ("context", "trace", "parent"),
    [
        ({"turn_id": "t"}, trace_of("t"), first_span_of("t")),
        ({"traceparent": PARENT}, FOREIGN_TRACE, FOREIGN_SPAN),
        ({"turn_id": "t", "traceparent": PARENT}, FOREIGN_TRACE, FOREIGN_SPAN),
        ({"turn_id": "t", "traceparent": PARENT.upper()}, trace_of("t"), first_span_of("t")),
        ({"turn_id": "t", "traceparent": f"{PARENT}-x"}, trace_of("t"), first_span_of("t")),
        ({"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"}, None, 0),
        ({"traceparent": [PARENT], "turn_id": "not an id"}, None, 0),
        ("no context", None, 0),
        (None, None, 0),
    ],
)
def test_whose_trace_a_request_belongs_to(context: object, trace: int | None, parent: int) -> None:
    record = a_record("asr", context)
    whole, *stages = spans_of(record, "ok")
    assert whole.trace == (trace or trace_of(record.turn_id))
    assert (whole.parent, whole.serves) == (parent, True)
    assert whole.id not in (0, first_span_of(record.turn_id))
    assert {stage.trace for stage in stages} == {whole.trace}


@pytest.mark.parametrize("kind", FIRST)
def test_who_asks_writes_the_first_span(kind: str) -> None:
    record = a_record(kind)
    whole = spans_of(record, "ok")[0]
    assert (whole.id, whole.parent, whole.serves) == (first_span_of(record.turn_id), 0, False)


def test_a_stage_of_many_pieces_is_one_span() -> None:
    whole, *stages = spans_of(a_record("tts"), "engine-failed")
    assert [(s.name, s.begin_s, s.end_s, s.parent, dict(s.facts)) for s in stages] == [
        ("work", 2.0, 3.25, whole.id, {"busy_ms": 500.0})
    ]
    assert (whole.begin_s, whole.end_s, whole.failed) == (1.0, 4.0, "engine-failed")
    assert whole.facts["words"] == 3
    assert whole.facts["outcome"] == "engine-failed"


def test_nobody_fails_where_a_client_leaves() -> None:
    failed = {outcome: spans_of(a_record("asr"), outcome)[0].failed for outcome in ("gone", "busy")}
    assert failed == {"gone": "", "busy": "busy"}


def test_without_times_there_is_nothing_to_show() -> None:
    assert spans_of(TurnRecord("asr"), "ok") == []


def test_ids_are_numbers_of_their_size_and_differ() -> None:
    turns = [new_turn_id() for _ in range(1000)]
    traces = {trace_of(turn) for turn in turns}
    assert len(traces) == 1000
    assert all(0 < trace < 2**128 for trace in traces)
    assert all(0 < first_span_of(turn) < 2**64 for turn in turns)
    assert isinstance(spans_of(a_record("asr"), "ok")[0], Span)
