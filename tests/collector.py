"""An OpenTelemetry collector as small as can be: takes spans over HTTP and keeps them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """A span as it came, with the service that sent it; ids in hexadecimal, "" for no parent."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    begin_ns: int
    end_ns: int
    kind: int
    failed: str
    attributes: dict[str, Any]


@dataclass
class Collector:
    """`refuse` makes it answer 400; `resources` are what services say of themselves."""

    url: str = ""
    refuse: bool = False
    posts: int = 0
    spans: list[Seen] = field(default_factory=list)
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not met():
                self._more.clear()
                await self._more.wait()

    async def posted(self, times: int) -> None:
        await self.until(lambda: self.posts >= times)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                body = await reader.readexactly(length)
                assert head.startswith("post /v1/traces ")
                self.posts += 1
                if not self.refuse:
                    self._take(ExportTraceServiceRequest.FromString(body))
                status = b"400 Bad Request" if self.refuse else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
                self._more.set()
        writer.close()

    def _take(self, request: ExportTraceServiceRequest) -> None:
        for of_resource in request.resource_spans:
            resource = _plain(of_resource.resource.attributes)
            service = resource["service.name"]
            self.resources[service] = resource
            for scope in of_resource.scope_spans:
                self.spans += [_seen(service, span) for span in scope.spans]


def _seen(service: str, span: Any) -> Seen:
    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    times = span.start_time_unix_nano, span.end_time_unix_nano
    failed = span.status.message if span.status.code else ""
    return Seen(service, span.name, *ids, *times, span.kind, failed, _plain(span.attributes))


def _plain(attributes: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in attributes}


@contextlib.asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    server = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    collector.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield collector
    finally:
        server.close()
