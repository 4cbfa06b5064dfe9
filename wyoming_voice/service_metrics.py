"""What a server counts for Prometheus, from the records of its requests.

Rule: labels come from the tables in this file alone. What a record says beyond them is not counted, so
that neither a client nor a new fact can make the page grow.
"""

from collections.abc import Callable

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.metrics import CONTENT_TYPE, MetricsServer, Numbers, Sheet

OUTCOMES = (
    *(
        "ok",
        "gone",
        "internal-error",
        "error",
        "bad-request",
        "bad-event",
        "bad-audio",
        "too-large",
    ),
    *("unknown-voice", "unknown-model", "unknown-language", "busy", "too-slow", "timeout"),
    *("engine-failed", "upstream-failed"),
)
"""How a request ends: well, left by its client, or with the code of an error."""

_OTHER = "other"

STAGES = (
    *("queue", "work", "vad", "decode", "after_stop", "first_text", "first_audio", "total"),
    *("saved", "wasted", "uncommitted", "tools", "fast"),
)
"""The stages of a TurnRecord that are told as histograms."""

SPECULATION = {
    "speculation": {"hit": "hit", "late": "late", "miss": "miss", "none": "none"},
    "commit": {"hit": "hit", "dropped": "miss"},
}
"""The facts that say what became of work begun on a guess, and what each of their values means."""

COUNTED = {
    "speculated": ("speculative_decodes", "Guesses that were worked on."),
    "words": ("words", "Words of transcripts."),
    "chars": ("chars", "Characters that were spoken."),
    "pieces": ("pieces", "Pieces of text that were spoken."),
    "answer_chars": ("answer_chars", "Characters of answers."),
    "tool_calls": ("tool_calls", "Tools that were used for answers."),
    "tool_failures": ("tool_failures", "Tools that failed."),
}
"""The facts that are numbers and are added up, by the name of their counter."""


class ServiceMetrics:
    """The metrics page of one server; `finished` takes each request's record."""

    def __init__(self, uri: str, kind: str, gauges: Numbers, unwell: Callable[[], str]) -> None:
        self._sheet = sheet = Sheet(f"wyoming_voice_{kind}")
        sheet.gauges(gauges, "As it is at this moment.")
        self.server = MetricsServer(uri, sheet, unwell)
        self._requests = sheet.counter("requests", "Requests that are over.", ["outcome"])
        self._connections = sheet.counter("connections_accepted", "Clients that have come.")
        self._refused = sheet.counter("connections_refused", "Clients for which there was no room.")
        self._stages = sheet.histogram("stage_seconds", "Stages of requests.", ["stage"])
        self._speculation = sheet.counter(
            "speculations", "What became of guesses, by request.", ["outcome"]
        )
        self._saved = sheet.counter("speculation_saved_seconds", "Waiting that guesses saved.")
        self._wasted = sheet.counter("speculation_wasted_seconds", "Work on guesses in vain.")
        self._counters = {
            fact: sheet.counter(name, help_) for fact, (name, help_) in COUNTED.items()
        }
        for outcome in (*OUTCOMES, _OTHER):
            self._requests.labels(outcome)
        for outcome in ("hit", "late", "miss", "none"):
            self._speculation.labels(outcome)

    def page(self) -> tuple[bytes, str]:
        """All numbers as Prometheus reads them, and the type of that text."""
        return self._sheet.text(), CONTENT_TYPE

    def accepted(self) -> None:
        """A client has come."""
        self._connections.inc()

    def refused(self) -> None:
        """A client was told that there is no room."""
        self._refused.inc()

    def finished(self, record: TurnRecord, outcome: str) -> None:
        """A request is over."""
        self._requests.labels(outcome if outcome in OUTCOMES else _OTHER).inc()
        for stage, spent_ms in record.stages_ms.items():
            if stage in STAGES:
                self._stages.labels(stage).observe(spent_ms / 1000)
        self._saved.inc(max(0.0, record.stages_ms.get("saved", 0.0)) / 1000)
        self._wasted.inc(max(0.0, record.stages_ms.get("wasted", 0.0)) / 1000)
        for fact, value in record.facts.items():
            self._count(fact, value)

    def _count(self, fact: str, value: str | float) -> None:
        if (became := SPECULATION.get(fact, {}).get(str(value))) is not None:
            self._speculation.labels(became).inc()
        elif fact in self._counters and isinstance(value, int | float) and value > 0:
            self._counters[fact].inc(value)
