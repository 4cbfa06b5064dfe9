"""What Prometheus may ask a satellite: counters of what happened, and every number in its status.

Rule: nothing is measured here. Moments are counted as they are told, and `status()` is read when somebody
asks; what people say is in neither.
"""

import itertools
from collections.abc import Callable, Iterator

from satellite.around.tally import Outcome, Tally
from satellite.effects import Moment, Tell
from satellite.events import Via
from satellite.parts import Status
from wyoming_voice.metrics import MetricsServer, Sheet
from wyoming_voice.wire import Address


class Metrics:
    """An HTTP server with `/metrics` and `/health`; `tell` is a Listener.

    `status` gives the whole status, parts as dicts in it.
    """

    def __init__(self, uri: str, status: Callable[[], Status]) -> None:
        self._uri = uri
        self._tally = Tally()
        self._unwell = "starting"
        sheet = Sheet("wyoming_voice_satellite")
        sheet.gauges(lambda: _numbers("", status()), "From the satellite's status.")
        self._server = MetricsServer(uri, sheet, lambda: self._unwell)
        self._moments = sheet.counter("moments", "What has happened.", ["moment"])
        self._turns = sheet.counter("turns", "Turns that are over.", ["via", "outcome"])
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
        return {"uri": self._uri, "clients": self._server.clients}

    async def listen(self) -> Address:
        """Take clients from here on; the address with its real port. ConfigError when it can't be had."""
        return await self._server.listen()

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError as `listen` does, unless that was called before."""
        await self._server.run()


def _numbers(path: str, value: object) -> Iterator[tuple[str, float]]:
    """Every number, truth and count: `microphone_level_dbfs` and the like.

    A list counts, since what is in it has no name of its own; a text is left out.
    """
    match value:
        case dict():
            for name, item in value.items():
                yield from _numbers(f"{path}_{name}" if path else str(name), item)
        case list() | tuple():
            yield path, len(value)
        case bool() | int() | float():
            yield path, float(value)
