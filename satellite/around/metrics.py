"""What Prometheus may ask a satellite: counters of what happened, and every number in its status.

Rule: nothing is measured here. Moments are counted as they are told, and `status()` is read when somebody
asks; what people say is in neither.
"""

import asyncio
import platform
from collections.abc import Callable, Iterator

from satellite.around.turn_metrics import TurnMetrics
from satellite.effects import Moment, Tell
from satellite.parts import Status
from wyoming_voice import __version__, exposure, lag
from wyoming_voice.gate import Gate
from wyoming_voice.metrics import PREFIX, About, MetricsServer, Sheet
from wyoming_voice.wire import Address

_ABOUT = {
    "microphone_level_dbfs": About("How loud the last block was; -120 is digital silence."),
    "microphone_fresh": About("Whether sound came within the last second."),
    "microphone_silent": About("Whether nothing but digital silence has come for long."),
    "microphone_muted": About("Whether somebody has muted it."),
    "microphone_ready": About("Whether it is open and has given sound."),
    "microphone_heard_ago_seconds": About("Seconds since a block of sound came."),
    "microphone_dropped_blocks": About("Blocks that nobody had time for.", grows=True),
    "microphone_clipped_blocks": About("Blocks that were too loud for the converter.", grows=True),
    "microphone_overflows": About("Times that the device threw sound away.", grows=True),
    "microphone_openings": About("Times that the device was opened.", grows=True),
    "loudspeaker_underruns": About("Gaps in what was played.", grows=True),
    "loudspeaker_reopened": About("Times that the device was opened anew.", grows=True),
    "hearing_far_end_dropped_seconds": About(
        "Playback that no echo could be matched to.", grows=True
    ),
    "standalone_speculation_hits": About("Answers begun early that were the one.", grows=True),
    "standalone_speculation_misses": About("Answers begun early in vain.", grows=True),
    "wake_server_detections": About("Wake words that the wake server heard.", grows=True),
    "wake_server_dropped_frames": About("Frames it was too slow for.", grows=True),
    "timers_running": About("Timers that run."),
    "timers_ringing": About("Timers that ring."),
    "turns": About("Turns that were begun.", grows=True),
}
"""What is told of numbers in the status beside their values; the others are told as they are."""


class Metrics:
    """An HTTP server with `/metrics` and `/health`; `tell` is a Listener.

    `status` gives the whole status, parts as dicts in it.
    """

    def __init__(self, uri: str, status: Callable[[], Status], gate: Gate | None = None) -> None:
        self._uri = uri
        self._gate = gate or Gate()
        self._unwell = "starting"
        sheet = Sheet(PREFIX, kind="satellite")
        about = {f"satellite_{name}": what for name, what in _ABOUT.items()}
        sheet.numbers(self._all, about | {"ready": About("Whether sound comes in.")})
        self._status = status
        sheet.info("build", "What runs here.", _built())
        self.turns = TurnMetrics(sheet)
        self._lag = sheet.histogram("event_loop_lag_seconds", "How late the loop is, each second.")
        self._server = MetricsServer(uri, sheet, lambda: self._unwell)
        self._moments = sheet.counter("satellite_moments", "What has happened.", ["moment"])
        for moment in Moment:
            self._moments.labels(moment.value)

    def tell(self, told: Tell) -> None:
        """Count what happens."""
        self._moments.labels(told.moment.value).inc()
        match told.moment:
            case Moment.MICROPHONE_LOST:
                self._unwell = "no sound from the microphone"
            case Moment.READY | Moment.MICROPHONE_READY:
                self._unwell = ""

    def _all(self) -> Iterator[tuple[str, float]]:
        yield "ready", not self._unwell
        yield from _numbers("satellite", self._status())

    def status(self) -> Status:
        """Where it listens."""
        return {"uri": self._uri, "clients": self._server.clients}

    async def listen(self) -> Address:
        """Take clients from here on; the address with its real port. ConfigError when it can't be had."""
        address = await self._server.listen(self._gate)
        exposure.tell(exposure.metrics(address), self._gate)
        self._uri = str(address)
        return address

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError as `listen` does, unless that was called before."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lag.watch(self._lag.observe))
            tasks.create_task(self._server.run(self._gate))


def _built() -> dict[str, str]:
    """What is told of every process of ours; a satellite has no engine of its own."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "engine": "",
        "engine_version": "",
    }


def _numbers(path: str, value: object) -> Iterator[tuple[str, float]]:
    """Every number, truth and count: `satellite_microphone_level_dbfs` and the like.

    Times are told in seconds. A list counts, since what is in it has no name of its own; a text is left out.
    """
    match value:
        case dict():
            for name, item in value.items():
                yield from _numbers(f"{path}_{name}", item)
        case list() | tuple():
            yield path, len(value)
        case int() | float() if path.endswith("_ms"):
            yield path.removesuffix("_ms") + "_seconds", value / 1000
        case int() | float() if path.endswith("_s"):
            yield path.removesuffix("_s") + "_seconds", float(value)
        case bool() | int() | float():
            yield path, float(value)
