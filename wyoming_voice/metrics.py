"""What Prometheus may ask: a sheet of numbers, and the HTTP door at which it is read.

Rule: nothing is measured here but the process itself. Whoever owns a number counts it, or says it when
somebody asks. Only this module knows the library; it is imported where an address for it is given.
"""

import asyncio
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from wyoming_voice.errors import ConfigError, VoiceError, why
from wyoming_voice.gate import Gate
from wyoming_voice.listening import is_loopback, start_server
from wyoming_voice.own_names import OwnNames
from wyoming_voice.wire import Address, Connection, WireLimits, parse_uri

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What a page of numbers is told to be."""

Numbers = Callable[[], Iterable[tuple[str, float]]]
"""Says names and values as they are at this moment; of two of one name the first counts."""

PREFIX = "wyoming_voice"
"""What the name of each of our metrics begins with; whose it is says the label `kind`."""

LATENCY_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75),
    *(1, 1.5, 2.5, 5, 10, 30, 60),
)
"""Bounds for how long something took: closest where people begin to notice a wait."""

AUDIO_S = (0.5, 1, 2, 3, 5, 8, 12, 20, 30, 60, 120, 300, 600)
"""Bounds for how long a piece of sound is: from a word to a dictation."""

_MOST_NUMBERS = 200
_CLIENTS = 8
_REQUEST_BYTES = 8192
_PATIENCE_S = 5.0
"""How long a client may take to ask, and to read."""


@dataclass(frozen=True)
class About:
    """What is told of a number beside its value; what only `grows` is a counter."""

    help: str
    grows: bool = False


_AS_IT_IS = About("As it is at this moment.")


class Sheet:
    """The metrics of a process: names begin with `prefix`, each number has the same `labels` beside its own.

    What the system knows of the process (`process_…`) and the interpreter of its garbage (`python_gc_…`)
    is among them.
    """

    def __init__(self, prefix: str, **labels: str) -> None:
        self._prefix = prefix
        self._labels = labels
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def counter(self, name: str, help_: str, labels: Sequence[str] = ()) -> Counter:
        """What only grows; it is shown with `_total` behind its name."""
        return Counter(f"{self._prefix}_{name}", help_, labels, registry=self._registry)

    def histogram(
        self,
        name: str,
        help_: str,
        labels: Sequence[str] = (),
        bounds: Sequence[float] = LATENCY_S,
    ) -> Histogram:
        """Seconds."""
        return Histogram(
            f"{self._prefix}_{name}", help_, labels, registry=self._registry, buckets=bounds
        )

    def numbers(self, numbers: Numbers, about: Mapping[str, About]) -> None:
        """What somebody else counts; asked for when somebody reads."""
        self._registry.register(_Numbers(self._prefix, numbers, about))

    def info(self, name: str, help_: str, labels: Mapping[str, str]) -> None:
        """What has no number: always 1, and said in labels."""
        family = GaugeMetricFamily(f"{self._prefix}_{name}_info", help_, labels=[*labels])
        family.add_metric([*labels.values()], 1)
        self._registry.register(_Always(family))

    def text(self) -> bytes:
        """All of it, as Prometheus reads it; of a registry `generate_latest` wants `collect` alone."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Every family with our labels; when a counter began isn't told, as it doubles a page."""
        for family in self._registry.collect():
            family.samples = [
                sample._replace(labels={**self._labels, **sample.labels})
                for sample in family.samples
                if not sample.name.endswith("_created")
            ]
            yield family


class MetricsServer:
    """An HTTP server with `/metrics`, and `/health`, which answers 503 with what `unwell` says, if it does.

    `/ready` is the same; `/live` answers 503 with what `stuck` says: that only a new process can help.
    """

    def __init__(
        self, uri: str, sheet: Sheet, unwell: Callable[[], str], stuck: Callable[[], str] = str
    ) -> None:
        self._uri = uri
        self._sheet = sheet
        self._unwell = unwell
        self._stuck = stuck
        self._clients: set[asyncio.Task[None]] = set()
        self._refused: set[asyncio.Task[None]] = set()
        self._gate = Gate()
        self._names = OwnNames()
        self._server: asyncio.Server | None = None

    @property
    def clients(self) -> int:
        """How many are being answered."""
        return len(self._clients)

    async def listen(self, gate: Gate | None = None, origins: Iterable[str] = ()) -> Address:
        """Take clients from here on; the address with its real port. ConfigError when it can't be had.

        `origins` are the web pages by whose names this machine may be called.
        """
        address = parse_uri(self._uri)
        if address.path or address.tls:
            raise ConfigError(f"--metrics-uri {self._uri}: Prometheus needs tcp://HOST:PORT")
        self._gate = gate or Gate()
        self._names = OwnNames(origins)
        interface = "" if is_loopback(address.host) else self._gate.interface
        try:
            self._server, bound = await start_server(
                address, self._accept, _REQUEST_BYTES, interface
            )
        except ConfigError as error:
            reason = why(error.__cause__) if isinstance(error.__cause__, OSError) else error
            raise ConfigError(f"--metrics-uri {self._uri} can't be had: {reason}") from error
        return bound

    async def run(self, gate: Gate | None = None) -> None:
        """Serve until cancelled. Raises ConfigError as `listen` does, unless that was called before."""
        if self._server is None:
            await self.listen(gate)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.close()

    async def close(self) -> None:
        """Take no more clients, and leave those that there are."""
        if self._server is not None:
            self._server.close()
        tasks = self._clients | self._refused
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refusal = self._gate.refusal(writer.transport)
        others = self._clients if refusal is None else self._refused
        if len(others) >= _CLIENTS:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer, refusal))
        others.add(task)
        task.add_done_callback(others.discard)

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        refusal: VoiceError | None,
    ) -> None:
        connection = Connection(reader, writer, WireLimits())
        try:
            async with asyncio.timeout(_PATIENCE_S):
                writer.write(await self._answer(reader, refusal))
                await writer.drain()
            await connection.linger()
        except (OSError, asyncio.IncompleteReadError):  # TimeoutError among them
            writer.transport.abort()
        finally:
            await connection.close()

    async def _answer(self, reader: asyncio.StreamReader, refusal: VoiceError | None) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response("431 Request Header Fields Too Large", b"the request is too long\n")
        if refusal is not None:
            return _response("403 Forbidden", f"{refusal}\n".encode())
        request = re.match(rb"([A-Z]+) ([!-~]+) HTTP/1\.[01]\r\n", head)
        if request is None:
            return _response("400 Bad Request", b"this is no HTTP/1.1 request\n")
        if strange := [host for host in _hosts_in(head) if not self._names.include(host)]:
            text = (
                f"this machine doesn't go by the name {strange[0][:80]!r}; call it by its address\n"
            )
            return _response("403 Forbidden", text.encode())
        method, target = request.groups()
        if method not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", b"ask with GET\n")
        response = self._page(target.partition(b"?")[0])
        return response if method == b"GET" else response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    def _page(self, path: bytes) -> bytes:
        match path:
            case b"/metrics":
                return _response("200 OK", self._sheet.text(), CONTENT_TYPE_LATEST)
            case b"/health" | b"/ready":
                return _wellness(self._unwell())
            case b"/live":
                return _wellness(self._stuck())
        return _response("404 Not Found", b"there are /metrics, /health, /ready and /live\n")


def _hosts_in(head: bytes) -> list[str]:
    """What a request says in `Host`: where a browser thinks that it is."""
    found = re.findall(rb"\r\nhost[ \t]*:([^\r\n]*)", head, re.IGNORECASE)
    return [host.decode("latin-1").strip() for host in found]


def _wellness(trouble: str) -> bytes:
    if trouble:
        return _response("503 Service Unavailable", f"{trouble}\n".encode())
    return _response("200 OK", b"ok\n")


def _response(status: str, body: bytes, kind: str = "text/plain; charset=utf-8") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


class _Numbers(Collector):
    """Numbers that are asked for when somebody reads; of a flood of names, the first ones."""

    def __init__(self, prefix: str, numbers: Numbers, about: Mapping[str, About]) -> None:
        self._prefix = prefix
        self._numbers = numbers
        self._about = about

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: which there are may be known only later."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """As they are at this moment."""
        known: dict[str, float] = {}
        for name, value in self._numbers():
            if not math.isnan(value):
                known.setdefault(re.sub(r"\W", "_", name), value)
        for name, value in list(known.items())[:_MOST_NUMBERS]:
            about = self._about.get(name, _AS_IT_IS)
            family = CounterMetricFamily if about.grows else GaugeMetricFamily
            yield family(f"{self._prefix}_{name}", about.help, value)


class _Always(Collector):
    """A family that never changes."""

    def __init__(self, family: GaugeMetricFamily) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        """The family; its samples are somebody else's to mark."""
        family = Metric(self._family.name, self._family.documentation, "gauge")
        family.samples = list(self._family.samples)
        yield family
