"""What a server counts for Prometheus, from the records of its requests.

Rule: labels come from the tables in this file alone. What a record says beyond them is not counted, so
that neither a client nor a new fact can make the page grow.
"""

import asyncio
import platform
from collections.abc import Callable, Iterable

from wyoming_voice import __version__, lag
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.gate import Gate
from wyoming_voice.metrics import (
    AUDIO_S,
    CONTENT_TYPE,
    PREFIX,
    About,
    MetricsServer,
    Numbers,
    Sheet,
)
from wyoming_voice.wire import Address

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
    *(
        "unknown-voice",
        "unknown-model",
        "unknown-language",
        "busy",
        "forbidden",
        "loading",
        "too-slow",
        "timeout",
    ),
    *("engine-failed", "upstream-failed"),
)
"""How a request ends: well, left by its client, or with the code of an error."""

_OTHER = "other"

ERRORS = (*OUTCOMES[OUTCOMES.index("error") :], _OTHER)
"""The codes among them: what a client can be told, whether a request of its was open or not."""

STAGES = (
    *("queue", "work", "vad", "decode", "after_stop", "first_text", "first_audio", "total"),
    *("saved", "wasted", "uncommitted", "tools", "fast", "upload"),
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
    "cached": ("cached_pieces", "Pieces of text whose speech was there already."),
    "snaps": ("snapped_names", "Names in transcripts that were put as the house writes them."),
}
"""The facts that are numbers and are added up, by the name of their counter."""

ABOUT = {
    "ready": About("Whether it takes requests: not while it loads, is stuck, or stops."),
    "stuck": About("Whether only a new process can help."),
    "connections": About("Wyoming clients that are connected."),
    "requests_in_progress": About("Requests that are being answered, or taken in."),
    "requests_waiting": About("Requests behind another one of the same connection."),
    "http_requests_in_progress": About("HTTP requests that are being answered."),
    "queue_depth": About("Requests that wait for the engine; guesses do not count."),
    "queue_oldest_seconds": About("How long the one has waited that came first."),
    "queue_capacity": About("Requests that may be with the engine, before one more is refused."),
    "worker_requests": About("Requests that are with the engine, served or waiting."),
    "worker_busy": About("Threads that are in the middle of something."),
    "worker_threads": About("Threads that work."),
    "engine_loaded": About("Whether the engine is in memory."),
    "engine_restarts": About("Times that the engine's process had to be started anew.", grows=True),
    "engine_memory_bytes": About("Resident memory of the engine's own process."),
    "engine_load_seconds": About("How long the engine took to load, the last time."),
    "conversations": About("Pages that are talked with."),
    "services_missing": About("Kinds of servers of which there is none."),
}
"""What is said of the numbers that a server or its Program tells (program.HasNumbers)."""


def wellness(unwell: Callable[[], str], stuck: Callable[[], str]) -> Iterable[tuple[str, float]]:
    """What `/health` and `/live` say, for who only reads numbers."""
    return ("ready", not unwell()), ("stuck", bool(stuck()))


class ServiceMetrics:
    """The metrics page of one server; `finished` takes each request's record."""

    def __init__(
        self,
        uri: str,
        kind: str,
        numbers: Numbers,
        unwell: Callable[[], str],
        stuck: Callable[[], str] = str,
    ) -> None:
        """`uri`: where it has a door of its own, if anywhere; the rest is as in MetricsServer."""
        self._uri = uri
        self.sheet = sheet = Sheet(PREFIX, kind=kind)
        sheet.numbers(lambda: (*wellness(unwell, stuck), *numbers()), ABOUT)
        self._server = MetricsServer(uri, sheet, unwell, stuck)
        self._watch: asyncio.Task[None] | None = None
        self._lag = sheet.histogram("event_loop_lag_seconds", "How late the loop is, each second.")
        self._audio = sheet.histogram(
            "audio_seconds", "Sound that was heard or spoken, by request.", bounds=AUDIO_S
        )
        self._requests = sheet.counter("requests", "Requests that are over.", ["outcome"])
        self._connections = sheet.counter("connections_accepted", "Clients that have come.")
        self._refused = sheet.counter("connections_refused", "Clients for which there was no room.")
        self._errors = sheet.counter("errors", "Errors that clients were told.", ["code"])
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
        for code in ERRORS:
            self._errors.labels(code)
        for outcome in ("hit", "late", "miss", "none"):
            self._speculation.labels(outcome)

    async def open(self, gate: Gate | None = None, origins: Iterable[str] = ()) -> Address | None:
        """Look at the loop from here on, and serve the page where it has a door; ConfigError as there."""
        address = await self._server.listen(gate, origins) if self._uri else None
        self._watch = asyncio.create_task(lag.watch(self._lag.observe))
        return address

    async def close(self) -> None:
        """Serve it no more."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        await self._server.close()

    def built(self, engine: str = "", engine_version: str = "") -> None:
        """Tell what this is, and which engine works in it."""
        self.sheet.info(
            "build",
            "What runs here.",
            {
                "version": __version__,
                "python": platform.python_version(),
                "engine": engine,
                "engine_version": engine_version,
            },
        )

    def page(self) -> tuple[bytes, str]:
        """All numbers as Prometheus reads them, and the type of that text."""
        return self.sheet.text(), CONTENT_TYPE

    def accepted(self) -> None:
        """A client has come."""
        self._connections.inc()

    def refused(self) -> None:
        """A client was told that there is no room."""
        self._refused.inc()

    def failed(self, code: str) -> None:
        """A client was told an error."""
        self._errors.labels(code if code in ERRORS else _OTHER).inc()

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
        elif fact == "audio_ms" and isinstance(value, int | float):
            self._audio.observe(value / 1000)
        elif fact in self._counters and isinstance(value, int | float) and value > 0:
            self._counters[fact].inc(value)
