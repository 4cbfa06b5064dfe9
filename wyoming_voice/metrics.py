"""What Prometheus may ask: a sheet of numbers, and the HTTP door at which it is read.

Rule: nothing is measured here. Whoever owns a number counts it, or says it when somebody asks. Only this
module knows the library; it is imported where an address for it is given.
"""

import asyncio
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from wyoming_voice.errors import ConfigError
from wyoming_voice.wire import Address, Connection, WireLimits, parse_uri

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What a page of numbers is told to be."""

Numbers = Callable[[], Iterable[tuple[str, float]]]
"""Says names and values as they are at this moment; of two of one name the first counts."""

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_MOST_GAUGES = 200
_CLIENTS = 8
_REQUEST_BYTES = 8192
_PATIENCE_S = 5.0
"""How long a client may take to ask, and to read."""


class Sheet:
    """The metrics of a process; each name begins with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._registry = CollectorRegistry()

    def counter(self, name: str, help_: str, labels: Sequence[str] = ()) -> Counter:
        """What only grows; it is shown with `_total` behind its name."""
        return Counter(f"{self._prefix}_{name}", help_, labels, registry=self._registry)

    def histogram(self, name: str, help_: str, labels: Sequence[str] = ()) -> Histogram:
        """Seconds, from a millisecond to half a minute."""
        return Histogram(
            f"{self._prefix}_{name}", help_, labels, registry=self._registry, buckets=_BUCKETS_S
        )

    def gauges(self, numbers: Numbers, help_: str) -> None:
        """What goes up and down; asked for when somebody reads."""
        self._registry.register(_Gauges(self._prefix, numbers, help_))

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


class MetricsServer:
    """An HTTP server with `/metrics` and `/health`, which answers 503 with what `unwell` says, if it does."""

    def __init__(self, uri: str, sheet: Sheet, unwell: Callable[[], str]) -> None:
        self._uri = uri
        self._sheet = sheet
        self._unwell = unwell
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def clients(self) -> int:
        """How many are being answered."""
        return len(self._clients)

    async def listen(self) -> Address:
        """Take clients from here on; the address with its real port. ConfigError when it can't be had."""
        address = parse_uri(self._uri)
        if address.path:
            raise ConfigError(f"--metrics-uri {self._uri}: Prometheus needs tcp://HOST:PORT")
        try:
            self._server = await asyncio.start_server(
                self._accept, address.host, address.port, limit=_REQUEST_BYTES
            )
        except OSError as error:
            raise ConfigError(
                f"--metrics-uri {self._uri} can't be had: {error.strerror or error}"
            ) from error
        return Address(host=address.host, port=self._server.sockets[0].getsockname()[1])

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError as `listen` does, unless that was called before."""
        if self._server is None:
            await self.listen()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.close()

    async def close(self) -> None:
        """Take no more clients, and leave those that there are."""
        if self._server is not None:
            self._server.close()
        for task in self._clients:
            task.cancel()
        if self._clients:
            await asyncio.wait(self._clients)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= _CLIENTS:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, WireLimits())
        try:
            async with asyncio.timeout(_PATIENCE_S):
                writer.write(await self._answer(reader))
                await writer.drain()
            await connection.linger()
        except (OSError, asyncio.IncompleteReadError):  # TimeoutError among them
            writer.transport.abort()
        finally:
            await connection.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response("431 Request Header Fields Too Large", b"the request is too long\n")
        request = re.match(rb"([A-Z]+) ([!-~]+) HTTP/1\.[01]\r\n", head)
        if request is None:
            return _response("400 Bad Request", b"this is no HTTP/1.1 request\n")
        method, target = request.groups()
        if method not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", b"ask with GET\n")
        response = self._page(target.partition(b"?")[0])
        return response if method == b"GET" else response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    def _page(self, path: bytes) -> bytes:
        match path:
            case b"/metrics":
                return _response("200 OK", self._sheet.text(), CONTENT_TYPE_LATEST)
            case b"/health" if unwell := self._unwell():
                return _response("503 Service Unavailable", f"{unwell}\n".encode())
            case b"/health":
                return _response("200 OK", b"ok\n")
        return _response("404 Not Found", b"there are /metrics and /health\n")


def _response(status: str, body: bytes, kind: str = "text/plain; charset=utf-8") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


class _Gauges(Collector):
    """Numbers that are asked for when somebody reads; of a flood of names, the first ones."""

    def __init__(self, prefix: str, numbers: Numbers, help_: str) -> None:
        self._prefix = prefix
        self._numbers = numbers
        self._help = help_

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing beforehand: which there are may be known only later."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As they are at this moment."""
        known: dict[str, float] = {}
        for name, value in self._numbers():
            if not math.isnan(value):
                known.setdefault(re.sub(r"\W", "_", f"{self._prefix}_{name}"), value)
        for name, value in list(known.items())[:_MOST_GAUGES]:
            yield GaugeMetricFamily(name, self._help, value)
