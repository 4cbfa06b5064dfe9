"""Whether what is over is told to an OpenTelemetry collector, from wherever it happens.

Rules: what speaks to a collector is loaded where one was named; nobody waits for it, but the end of the
process, for two seconds at most.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wyoming_voice.core.spans import spans_of
from wyoming_voice.core.timing import TurnRecord

if TYPE_CHECKING:
    from wyoming_voice.otlp import Exporting

_PATH = "/v1/traces"
"""Where a collector takes spans, by the specification of OTLP over HTTP."""

_exporting: "list[Exporting]" = []
"""One process is one service: at most one."""


def start(url: str, service: str) -> None:
    """Send what is told from here on; ModuleNotFoundError where the extra `otel` is missing."""
    from wyoming_voice.otlp import Exporting

    stop()
    _exporting.append(Exporting(endpoint(url), f"wyoming-voice-{service}"))


def stop() -> None:
    """Send what waits, for two seconds at most, and nothing any more."""
    while _exporting:
        _exporting.pop().end()


@contextlib.contextmanager
def traced(url: str, service: str) -> Iterator[None]:
    """Within it what is told is sent; "": nowhere."""
    if url:
        start(url, service)
    try:
        yield
    finally:
        stop()


def told(record: TurnRecord, outcome: str) -> None:
    """Something is over, on the event loop whose clock its record was kept by."""
    for exporting in _exporting:
        wall_s = time.time() - asyncio.get_running_loop().time()
        exporting.send(spans_of(record, outcome), wall_s)


def endpoint(url: str) -> str:
    """Where spans go; a URL without a path is a collector's own address. ValueError for no such URL."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("write http://HOST:4318 or https://HOST/v1/traces")
    return parts._replace(path=_PATH).geturl() if parts.path in ("", "/") else url
