"""Sends spans to an OpenTelemetry collector, over HTTP: the one importer of its SDK.

Rule: nobody waits. Spans are sent in batches by the SDK's thread; those that find no room are dropped,
the oldest first; a collector that is away costs one line of the log.
"""

import logging
import math
import socket
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from wyoming_voice import __version__
from wyoming_voice.core.spans import Span

_log = logging.getLogger(__name__)

_MOST_WAITING = 4096
_BATCH = 256
_PACE_MS = 1_000
_TIMEOUT_S = 1.5
_LAST_S = 0.5
"""At the end a batch may be begun for so long; with the one that is then under way it takes 2 s."""

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Exporting:
    """Spans on their way to the collector at a URL, as those of a service."""

    def __init__(self, url: str, service: str) -> None:
        self._resource = Resource(
            {
                "service.name": service,
                "service.version": __version__,
                "host.name": socket.gethostname(),
            }
        )
        self._scope = InstrumentationScope("wyoming_voice", __version__)
        self._exporter = _SaidOnce(OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_S), url)
        self._batches = BatchSpanProcessor(
            self._exporter,
            max_queue_size=_MOST_WAITING,
            schedule_delay_millis=_PACE_MS,
            max_export_batch_size=_BATCH,
        )

    def send(self, spans: Sequence[Span], wall_s: float) -> None:
        """Send them soon; `wall_s` is what makes Unix time of their times."""
        for span in spans:
            self._batches.on_end(self._readable(span, wall_s))

    def end(self) -> None:
        """Send what waits, for two seconds at most."""
        self._exporter.until_s = time.monotonic() + _LAST_S
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span, wall_s: float) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace, span.id, remote=False),
            parent=_context(span.trace, span.parent, remote=span.serves) if span.parent else None,
            resource=self._resource,
            attributes={f"wyoming.{name}": value for name, value in span.facts.items()},
            kind=SpanKind.SERVER if span.serves else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, span.failed) if span.failed else Status(),
            start_time=_ns(wall_s + span.begin_s),
            end_time=_ns(wall_s + span.end_s),
            instrumentation_scope=self._scope,
        )


class _SaidOnce(SpanExporter):
    """An exporter, and what the log says of it: when its collector has gone, and when it is back."""

    def __init__(self, exporter: SpanExporter, url: str) -> None:
        self._exporter = exporter
        self._collector = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2])
        self._away = False
        self.until_s = math.inf  # on the monotonic clock; what comes later is lost

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, in the SDK's thread."""
        if time.monotonic() > self.until_s:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            _log.warning("no collector takes traces at %s; they are lost", self._collector.geturl())
        if self._away and not away:
            _log.info("traces are taken again at %s", self._collector.geturl())
        self._away = away
        return result

    def shutdown(self) -> None:
        """Send nothing any more."""
        self._exporter.shutdown()


def _context(trace: int, span: int, *, remote: bool) -> SpanContext:
    return SpanContext(trace, span, is_remote=remote, trace_flags=_SAMPLED)


def _ns(unix_s: float) -> int:
    return int(unix_s * 1e9)
