"""Metrics of a satellite: what is counted, what is read from the status, whether it is well."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from satellite.around.metrics import Metrics
from satellite.around.tally import Tally
from satellite.effects import Moment, Tell
from satellite.events import Via
from satellite.parts import Status
from tests.metrics_client import MetricsClient
from tests.satellite.waiting import running

WAKE, HEARD = [Moment.WAKE, Moment.LISTENING], [Moment.SPEECH_STARTED, Moment.SPEECH_ENDED]
UNDERSTOOD = [*WAKE, *HEARD, Moment.PROCESSING, Moment.TRANSCRIPT]
ANSWERED = [*UNDERSTOOD, Moment.RESPONDING, Moment.RESPONSE, Moment.PLAYED]


def outcomes(*moments: Moment) -> list[str]:
    tally = Tally()
    counted = [tally.push(Tell(moment)) for moment in moments]
    return [over.outcome.value for over in counted if over is not None]


@pytest.mark.parametrize(
    ("moments", "ends"),
    [
        ([*ANSWERED, Moment.IDLE], ["answered"]),
        ([*UNDERSTOOD, Moment.RESPONSE, Moment.IDLE], ["answered"]),  # a text without speech
        ([*WAKE, Moment.IDLE], ["unheard"]),
        ([*WAKE, *HEARD, Moment.PROCESSING, Moment.IDLE], ["unheard"]),
        ([*UNDERSTOOD, Moment.IDLE], ["unanswered"]),
        ([*UNDERSTOOD, Moment.ERROR, Moment.PLAYED, Moment.IDLE], ["failed"]),  # which was spoken
        ([*ANSWERED[:-1], *WAKE, Moment.IDLE], ["interrupted", "unheard"]),
        ([*ANSWERED[:-1], Moment.IDLE], ["interrupted"]),
        ([*ANSWERED, Moment.LISTENING, Moment.IDLE], ["answered"]),  # nobody replied
        ([*ANSWERED, Moment.LISTENING, *ANSWERED[2:], Moment.IDLE], ["answered", "answered"]),
        ([*WAKE, Moment.IDLE, Moment.ANNOUNCING, Moment.PLAYED, Moment.IDLE], ["unheard"]),
        ([Moment.WAKE, Moment.ERROR, Moment.IDLE], []),  # nobody was there to answer
    ],
)
def test_each_turn_is_counted_once_by_how_it_ended(moments: list[Moment], ends: list[str]) -> None:
    assert outcomes(*moments) == ends


def test_who_answers_is_who_was_there_when_the_turn_began() -> None:
    tally = Tally()
    told = [Tell(moment) for moment in WAKE]
    told += [Tell(Moment.CONNECTED, Via.HOME_ASSISTANT), Tell(Moment.IDLE)]
    told += [Tell(moment) for moment in WAKE]
    told += [Tell(Moment.DISCONNECTED, Via.DIRECT), Tell(Moment.IDLE)]
    over = [counted.via for counted in map(tally.push, told) if counted is not None]
    assert over == [Via.DIRECT, Via.HOME_ASSISTANT]


def status() -> Status:
    return {
        "state": "idle",
        "muted": ["software"],
        "microphone": {"level_dbfs": float("-inf"), "open": True, "dropped-blocks": 3},
        "direct": {"servers": [{"round_trip_ms": 1.0}] * 2, "nothing": None},
        "odd": float("nan"),
    }


@contextlib.asynccontextmanager
async def asked(metrics: Metrics) -> AsyncIterator[MetricsClient]:
    address = await metrics.listen()
    async with running(metrics.run()):
        yield MetricsClient(address.port)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("tcp://127.0.0.1:0", status)


async def test_moments_and_turns_are_counted(metrics: Metrics) -> None:
    for moment in [*ANSWERED, Moment.IDLE]:
        metrics.tell(Tell(moment, "what people say"))
    async with asked(metrics) as client:
        values = await client.values()
        _, page = await client.get("/metrics")
    assert values["wyoming_voice_satellite_moments_total:wake"] == 1
    assert values["wyoming_voice_satellite_moments_total:timer-finished"] == 0
    assert b"people" not in page


async def test_the_numbers_of_the_status_are_gauges(metrics: Metrics) -> None:
    async with asked(metrics) as client:
        values = await client.values()
    prefix = "wyoming_voice_satellite_"
    gauges = {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if ":" not in name and name.startswith(prefix)
    }
    assert gauges == {
        "muted": 1,
        "microphone_level_dbfs": float("-inf"),
        "microphone_open": 1,
        "microphone_dropped_blocks_total": 3,
        "direct_servers": 2,
    }


async def test_health_is_that_of_the_microphone(metrics: Metrics) -> None:
    async with asked(metrics) as client:
        assert (await client.get("/health"))[0] == "HTTP/1.1 503 Service Unavailable"
        metrics.tell(Tell(Moment.MICROPHONE_READY))
        assert await client.get("/health?verbose") == ("HTTP/1.1 200 OK", b"ok\n")
        metrics.tell(Tell(Moment.MICROPHONE_LOST, "unplugged"))
        assert (await client.get("/health"))[1] == b"no sound from the microphone\n"
