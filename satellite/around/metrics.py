"""What Prometheus may ask: counters of what happened, and every number in the satellite's status.

Rule: nothing is measured here. Moments are counted as they are told, and `status()` is read when somebody
asks; what people say is in neither.
"""

import asyncio
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from satellite.around.tally import Outcome, Tally
from satellite.effects import Moment, Tell
from satellite.events import Via
from satellite.parts import Status
from wyoming_voice.errors import ConfigError
from wyoming_voice.wire import Address, Connection, WireLimits, parse_uri

_PREFIX = "wyoming_voice_satellite"
_MOST_GAUGES = 200
_CLIENTS = 8
_REQUEST_BYTES = 8192
_PATIENCE_S = 5.0
"""How long a client may take to ask, and to read."""


class Metrics:
    """An HTTP server with `/metrics` and `/health`; `tell` is a Listener.

    `status` gives the whole status, parts as dicts in it.
    """

    def __init__(self, uri: str, status: Callable[[], Status]) -> None:
        self._uri = uri
        self._tally = Tally()
        self._unwell = "starting"
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._registry = CollectorRegistry()
        self._registry.register(_Gauges(status))
        self._moments = Counter(
            f"{_PREFIX}_moments", "What has happened.", ["moment"], registry=self._registry
        )
        self._turns = Counter(
            f"{_PREFIX}_turns", "Turns that are over.", ["via", "outcome"], registry=self._registry
        )
        for moment in Moment:
            self._moments.labels(moment.value)
        for via, outcome in itertools.product(Via, Outcome):
            self._turns.labels(via.value, outcome.value)

    def tell(self, told: Tell) -> None:
        """Count what happens."""
        self._moments.labels(told.moment.value).inc()
        if (over := self._tally.push(told)) is not None:
            self._turns.labels(over.via.value, over.outcome.value).inc()
        match told.moment:
            case Moment.MICROPHONE_LOST:
                self._unwell = "no sound from the microphone"
            case Moment.READY | Moment.MICROPHONE_READY:
                self._unwell = ""

    def status(self) -> Status:
        """Where it listens."""
        return {"uri": self._uri, "clients": len(self._clients)}

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
                return _response("200 OK", generate_latest(self._registry), CONTENT_TYPE_LATEST)
            case b"/health" if self._unwell:
                return _response("503 Service Unavailable", f"{self._unwell}\n".encode())
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
    """Every number, truth and count in a status as a gauge: `microphone.level_dbfs` and the like."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing beforehand: which there are is known when the satellite runs."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As they are at this moment."""
        known: dict[str, float] = {}
        for path, value in _numbers("", self._status()):
            known.setdefault(re.sub(r"\W", "_", f"{_PREFIX}{path}"), value)
        for name, value in list(known.items())[:_MOST_GAUGES]:
            yield GaugeMetricFamily(name, "From the satellite's status.", value)


def _numbers(path: str, value: object) -> Iterator[tuple[str, float]]:
    """A list counts, since what is in it has no name of its own; a text is left out."""
    match value:
        case dict():
            for name, item in value.items():
                yield from _numbers(f"{path}_{name}", item)
        case list() | tuple():
            yield path, len(value)
        case bool() | int() | float() if not math.isnan(value):
            yield path, float(value)
