"""`wyoming-voice gateway`: from its first breath to its last: find the servers, open the door, drain, exit.

Rule: the page is there at once, whatever servers are missing; they are told of on it, and looked for.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

from satellite.around.turn_metrics import TurnMetrics
from satellite.standalone.patience import ended
from wyoming_voice import __version__, exposure
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.gate import Gate
from wyoming_voice.gateway.asking import Asker
from wyoming_voice.gateway.routes import routes
from wyoming_voice.gateway.services import Services, lacks
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.gateway.static import page_router, pages
from wyoming_voice.gateway.talking import Talks
from wyoming_voice.http.app import application
from wyoming_voice.http.door import Door
from wyoming_voice.http.floor import Floor
from wyoming_voice.ledger import Ledger
from wyoming_voice.listening import check_interface
from wyoming_voice.service_metrics import ServiceMetrics
from wyoming_voice.systemd import Notifier, watchdog_interval_s
from wyoming_voice.wire import Address, parse_uri

__all__ = ["Gateway", "GatewaySettings", "run"]

_log = logging.getLogger(__name__)

_STOP_S = 10.0
"""How long the end may take beyond the drain."""


class Gateway:
    """The door, and the servers behind it. Raises ConfigError for settings that can't work."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._gate = Gate(settings.allow, settings.interface)
        check_interface(settings.interface, parse_uri(settings.http))
        self._stopping = False
        self._ledger = Ledger()
        self.services = Services(
            {"asr": settings.asr_uri, "handle": settings.handle_uri, "tts": settings.tts_uri}
        )
        self._metrics = ServiceMetrics(settings.metrics_uri, "gateway", self._gauges, self._unwell)
        self._metrics.built()
        self._floor = Floor(
            self._unwell,
            self._metrics.page,
            self,
            settings.max_http_requests,
            details=self._details,
            unready=self._unready,
        )
        turns = TurnMetrics(self._metrics.sheet)
        self.talks = Talks(settings, self.services, self._floor, turns)
        self._asker = Asker(settings, self.services)
        page = pages()
        app = application(
            "wyoming-voice gateway",
            [
                self.talks.router(),
                routes(self._asker, self.services, self._floor, settings.max_text_chars),
                page_router(page),
            ],
            self._floor,
            settings,
            free=tuple(page),
        )
        self._door = Door(app, settings, self._gate, self.refused)
        self._life: asyncio.Task[None] | None = None
        self.metrics_address: Address | None = None

    async def listen(self) -> Address:
        """Take clients from here on; the address with its real port. ConfigError when it can't be had."""
        self.metrics_address = await self._metrics.open(self._gate, self._settings.origin)
        address = await self._door.listen()
        exposed = exposure.http(address, self._settings) + exposure.metrics(self.metrics_address)
        exposure.tell(exposed, self._gate)
        self._life = asyncio.create_task(self.services.run())
        return address

    async def stop(self) -> None:
        """Take no more clients, let requests in progress end within `drain_s`, close the rest."""
        self._stopping = True
        await self._door.close(self._settings.drain_s)
        self._asker.close()
        await self._metrics.close()
        if self._life is not None:
            await ended(self._life)

    def status_line(self) -> str:
        """How it is, in a line for `systemctl status`."""
        missing = ", ".join(self.services.missing)
        return f"{self.talks.count} conversations; " + (
            f"missing: {missing}" if missing else "all services are there"
        )

    def _details(self) -> dict[str, Any]:
        rows = [row.model_dump() for row in self.services.rows()]
        return {"services": rows, "account": self._account()}

    def _account(self) -> dict[str, Any]:
        """What `wyoming-voice status` shows; without the last errors, since no key is needed to see it."""
        told = self._ledger.status()
        del told["last_errors"]
        return {
            "version": __version__,
            "connections": self.talks.count,
            "answering": self._floor.requests,
            **told,
        }

    def _unready(self) -> str:
        return "; ".join(map(lacks, self.services.missing))

    def _unwell(self) -> str:
        return "stopping" if self._stopping else ""

    def finished(self, record: TurnRecord, outcome: str) -> None:
        """A request is over."""
        self._ledger.finished(record, outcome)
        self._metrics.finished(record, outcome)

    def failed(self, code: str, text: str) -> None:
        """A client was told an error."""
        self._ledger.told(code, text)
        self._metrics.failed(code)

    def refused(self) -> None:
        """A client was turned away."""
        self._metrics.refused()

    def _gauges(self) -> Iterator[tuple[str, float]]:
        yield "requests_in_progress", self._floor.requests
        yield "conversations", self.talks.count
        yield "services_missing", len(self.services.missing)


async def run(settings: GatewaySettings) -> int:
    """Serve until SIGTERM or SIGINT, then drain; the exit status. ConfigError when it can't be had.

    Prints `http URI` and `ready URI` on standard output, for whoever started this process.
    """
    stop, notifier = _stop_on_signals(), Notifier()
    gateway = Gateway(settings)
    address = await gateway.listen()
    print(f"http {address}\nready {address}", flush=True)  # noqa: T201  (a parent process reads it)
    _log.info("open %s", settings.page_url(address))
    notifier.ready(f"ready on {address}")
    heart = asyncio.create_task(_beat(gateway, notifier))
    try:
        await stop.wait()
        _log.info("stopping")
    finally:
        notifier.stopping(settings.drain_s + _STOP_S)
        await gateway.stop()
        await ended(heart)
    return 0


@contextlib.asynccontextmanager
async def serving(settings: GatewaySettings) -> AsyncIterator[tuple[Gateway, Address]]:
    """A gateway inside another program (tests, benchmarks); no signals."""
    gateway = Gateway(settings)
    address = await gateway.listen()
    try:
        yield gateway, address
    finally:
        await gateway.stop()


async def _beat(gateway: Gateway, notifier: Notifier) -> None:
    """Tell systemd that this loop turns, and what there is."""
    while notifier.heard:
        notifier.alive()
        notifier.status(gateway.status_line())
        await asyncio.sleep(watchdog_interval_s() or 5.0)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
