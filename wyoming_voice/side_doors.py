"""What a service opens beside its Wyoming socket: a page of numbers, and a door for HTTP clients.

Rule: what nobody asked for is not loaded; what `status` tells is counted always.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from wyoming.info import Info

from wyoming_voice import exposure
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.gate import Gate
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.ledger import Ledger
from wyoming_voice.program import HasNumbers, HasRoutes, Program
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.wire import Address

if TYPE_CHECKING:
    from wyoming_voice.http.door import Door
    from wyoming_voice.http.floor import Floor
    from wyoming_voice.metrics import Numbers
    from wyoming_voice.service_metrics import ServiceMetrics


class SideDoors:
    """The metrics and the HTTP door of one service; closed until `open`."""

    def __init__(
        self,
        program: Program,
        settings: ServiceSettings,
        gauges: "Numbers",
        unwell: Callable[[], str],
        stuck: Callable[[], str],
    ) -> None:
        """`gauges`, `unwell` and `stuck` tell of the service, as in ServiceMetrics."""
        self._program = program
        self._settings = settings
        self._gauges = gauges
        self._unwell = unwell
        self._stuck = stuck
        self.ledger = Ledger()
        self._metrics: ServiceMetrics | None = None
        self._door: Door | None = None
        self._floor: Floor | None = None
        self.metrics_address: Address | None = None
        self.http_address: Address | None = None

    async def open(self, gate: Gate) -> None:
        """Open what the settings ask for; ConfigError where that can't be had."""
        if self._settings.metrics_uri or self._http is not None:
            await self._open_metrics(self._settings.metrics_uri, gate)
        if self._http is not None:
            await self._open_http(self._http, gate)

    @property
    def _http(self) -> HttpSettings | None:
        settings = self._settings
        if not isinstance(settings, HttpSettings) or not settings.http:
            return None
        return settings if isinstance(self._program, HasRoutes) else None

    async def _open_metrics(self, uri: str, gate: Gate) -> None:
        from wyoming_voice.service_metrics import ServiceMetrics  # 3 MB that few need

        self._metrics = ServiceMetrics(
            uri, self._program.kind, self._gauges, self._unwell, self._stuck
        )
        self._metrics.built(*_engine_of(self._program.info))
        origins = self._http.origin if self._http is not None else ()
        self.metrics_address = await self._metrics.open(gate, origins)

    async def _open_http(self, settings: HttpSettings, gate: Gate) -> None:
        from wyoming_voice.http.app import application  # 20 MB that few need
        from wyoming_voice.http.door import Door
        from wyoming_voice.http.floor import Floor

        assert self._metrics is not None
        assert isinstance(self._program, HasRoutes)
        floor = Floor(self._unwell, self._metrics.page, self, settings.max_http_requests)
        routers = self._program.routes(floor)
        app = application(f"wyoming-voice {self._program.kind}", routers, floor, settings)
        self._door = Door(app, settings, gate, self.refused)
        self._floor = floor
        self.http_address = await self._door.listen()

    def exposed(self) -> list[exposure.Opened]:
        """What is open here, for whoever says so."""
        doors = exposure.metrics(self.metrics_address)
        if isinstance(self._settings, HttpSettings):
            doors += exposure.http(self.http_address, self._settings)
        return doors

    def numbers(self) -> Iterator[tuple[str, float]]:
        """What goes up and down here and in the program, as ServiceMetrics takes it."""
        if isinstance(self._program, HasNumbers):
            yield from self._program.numbers()
        if self._floor is not None:
            yield "http_requests_in_progress", self._floor.requests

    async def drain(self, drain_s: float) -> None:
        """Take no more HTTP clients; those that there are get this long to be answered."""
        if self._door is not None:
            await self._door.close(drain_s)

    async def close(self) -> None:
        """Close the page of numbers, which tells of the end as well."""
        if self._metrics is not None:
            await self._metrics.close()

    def accepted(self) -> None:
        """A Wyoming client has come."""
        if self._metrics is not None:
            self._metrics.accepted()

    def refused(self) -> None:
        """A client was turned away: there is no room, or it may not come in."""
        if self._metrics is not None:
            self._metrics.refused()

    def finished(self, record: TurnRecord, outcome: str) -> None:
        """A request is over, whichever way it came."""
        self.ledger.finished(record, outcome)
        if self._metrics is not None:
            self._metrics.finished(record, outcome)

    def failed(self, code: str, text: str) -> None:
        """A client was told an error."""
        self.ledger.told(code, text)
        if self._metrics is not None:
            self._metrics.failed(code)


def _engine_of(info: Info) -> tuple[str, str]:
    """The name and the version of what does the work."""
    first = next(iter((*info.asr, *info.tts, *info.handle, *info.intent)), None)
    return (first.name, first.version or "") if first is not None else ("", "")
