"""What a service opens beside its Wyoming socket: a page of numbers, and a door for HTTP clients.

Rule: what nobody asked for is not loaded; a service without either counts nothing.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from wyoming_voice.config import ServiceSettings
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.program import HasRoutes, Program
from wyoming_voice.wire import Address

if TYPE_CHECKING:
    from wyoming_voice.http.door import Door
    from wyoming_voice.http.floor import Floor
    from wyoming_voice.metrics import Numbers
    from wyoming_voice.service_metrics import ServiceMetrics

_log = logging.getLogger(__name__)


class SideDoors:
    """The metrics and the HTTP door of one service; closed until `open`."""

    def __init__(
        self,
        program: Program,
        settings: ServiceSettings,
        gauges: "Numbers",
        unwell: Callable[[], str],
    ) -> None:
        """`gauges` and `unwell` tell of the service, as in ServiceMetrics."""
        self._program = program
        self._settings = settings
        self._gauges = gauges
        self._unwell = unwell
        self._metrics: ServiceMetrics | None = None
        self._door: Door | None = None
        self._floor: Floor | None = None
        self.metrics_address: Address | None = None
        self.http_address: Address | None = None

    async def open(self) -> None:
        """Open what the settings ask for; ConfigError where that can't be had."""
        if self._settings.metrics_uri or self._http is not None:
            await self._open_metrics(self._settings.metrics_uri)
        if self._http is not None:
            await self._open_http(self._http)

    @property
    def _http(self) -> HttpSettings | None:
        settings = self._settings
        if not isinstance(settings, HttpSettings) or not settings.http:
            return None
        return settings if isinstance(self._program, HasRoutes) else None

    async def _open_metrics(self, uri: str) -> None:
        from wyoming_voice.service_metrics import ServiceMetrics  # 3 MB that few need

        self._metrics = ServiceMetrics(uri, self._program.kind, self._gauges, self._unwell)
        if uri:
            self.metrics_address = await self._metrics.server.listen()
            _log.info("metrics and health: %s", self.metrics_address)

    async def _open_http(self, settings: HttpSettings) -> None:
        from wyoming_voice.http.app import application  # 20 MB that few need
        from wyoming_voice.http.door import Door
        from wyoming_voice.http.floor import Floor

        assert self._metrics is not None
        assert isinstance(self._program, HasRoutes)
        floor = Floor(self._unwell, self._metrics.page, self.finished, settings.max_http_requests)
        routers = self._program.routes(floor)
        app = application(f"wyoming-voice {self._program.kind}", routers, floor, settings)
        self._door = Door(app, settings)
        self._floor = floor
        self.http_address = await self._door.listen()
        _log.info("http: %s", self.http_address)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """What goes up and down here, as ServiceMetrics takes it."""
        if self._floor is not None:
            yield "http_requests_in_progress", self._floor.requests

    async def drain(self, drain_s: float) -> None:
        """Take no more HTTP clients; those that there are get this long to be answered."""
        if self._door is not None:
            await self._door.close(drain_s)

    async def close(self) -> None:
        """Close the page of numbers, which tells of the end as well."""
        if self._metrics is not None:
            await self._metrics.server.close()

    def accepted(self) -> None:
        """A Wyoming client has come."""
        if self._metrics is not None:
            self._metrics.accepted()

    def refused(self) -> None:
        """One was told that there is no room."""
        if self._metrics is not None:
            self._metrics.refused()

    def finished(self, record: TurnRecord, outcome: str) -> None:
        """A request is over, whichever way it came."""
        if self._metrics is not None:
            self._metrics.finished(record, outcome)
