"""The event service: Wyoming's names in wyoming-satellite's order, over real sockets, through hang-ups."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event, async_read_event
from wyoming.timer import TimerFinished

from satellite.around.event_names import EventNames
from satellite.around.event_service import EventService
from satellite.effects import Moment, Tell
from satellite.events import Via
from tests.satellite.waiting import running, until

A_TURN = [
    Tell(Moment.WAKE, "okay_nabu"),
    Tell(Moment.LISTENING),
    Tell(Moment.SPEECH_STARTED),
    Tell(Moment.SPEECH_ENDED),
    Tell(Moment.PROCESSING),
    Tell(Moment.TRANSCRIPT, "what time is it"),
    Tell(Moment.RESPONDING),
    Tell(Moment.RESPONSE, "ten past four"),
    Tell(Moment.PLAYED),
    Tell(Moment.IDLE),
]


def named(*moments: Tell) -> list[str]:
    names = EventNames()
    return [event.type for told in moments for event in names.push(told)]


def test_a_turn_has_wyoming_satellites_events_in_its_order() -> None:
    assert named(*A_TURN) == [
        "run-pipeline",
        "detection",
        "streaming-started",
        "voice-started",
        "voice-stopped",
        "transcript",
        "streaming-stopped",
        "audio-start",
        "synthesize",
        "audio-stop",
        "played",
    ]


def test_texts_and_names_are_told() -> None:
    names = EventNames()
    events = {event.type: event.data for told in A_TURN for event in names.push(told)}
    assert events["detection"]["name"] == "okay_nabu"
    assert events["transcript"]["text"] == "what time is it"
    assert events["synthesize"]["text"] == "ten past four"
    assert events["run-pipeline"]["start_stage"] == "asr"
    assert events["audio-start"]["rate"] == 22_050


def test_a_turn_without_a_wake_word_and_without_an_answer() -> None:
    assert named(Tell(Moment.LISTENING), Tell(Moment.IDLE)) == [
        "run-pipeline",
        "streaming-started",
        "streaming-stopped",
    ]


def test_an_answer_that_is_interrupted_is_over_before_the_next_turn() -> None:
    told = [*A_TURN[:8], *A_TURN[:2]]
    assert named(*told)[-5:] == [
        "audio-stop",
        "played",
        "run-pipeline",
        "detection",
        "streaming-started",
    ]


def test_a_failure_ends_the_streaming_first() -> None:
    told = [Tell(Moment.LISTENING), Tell(Moment.ERROR, "no-asr"), Tell(Moment.IDLE)]
    assert named(*told)[1:] == ["streaming-started", "streaming-stopped", "error"]


@pytest.mark.parametrize(
    ("told", "names"),
    [
        (Tell(Moment.CONNECTED, Via.HOME_ASSISTANT), ["satellite-connected", "run-satellite"]),
        (Tell(Moment.DISCONNECTED, Via.HOME_ASSISTANT), ["satellite-disconnected"]),
        (Tell(Moment.DISCONNECTED, Via.DIRECT), []),
        (Tell(Moment.READY), ["run-satellite"]),
        (Tell(Moment.MUTED), ["pause-satellite"]),
        (Tell(Moment.UNMUTED), ["run-satellite"]),
        (Tell(Moment.ANNOUNCING), ["audio-start"]),
        (Tell(Moment.TIMER_FINISHED, "egg"), []),
        (Tell(Moment.DUCK), []),
    ],
)
def test_what_is_no_turn(told: Tell, names: list[str]) -> None:
    assert named(told) == names


@given(st.lists(st.sampled_from(list(Moment)), max_size=40))
def test_what_was_begun_is_ended_once_whatever_happens(moments: list[Moment]) -> None:
    types = named(*(Tell(moment) for moment in moments), Tell(Moment.IDLE))
    for begin, end in (("streaming-started", "streaming-stopped"), ("audio-start", "audio-stop")):
        only = [name for name in types if name in (begin, end)]
        assert only == [begin, end] * (len(only) // 2)
    assert all(types[at + 1] == "played" for at, name in enumerate(types) if name == "audio-stop")


class Service:
    """An event service that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        while (event := await async_read_event(reader)) is not None:
            self.heard.append(event)
        writer.close()

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.heard]


@contextlib.asynccontextmanager
async def served(service: Service, port: int = 0) -> AsyncIterator[int]:
    server = await asyncio.start_server(service.handle, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in service.writers:
            writer.close()


async def test_it_is_told_over_a_socket() -> None:
    service = Service()
    async with served(service) as port:
        events = EventService(f"tcp://127.0.0.1:{port}")
        async with running(events.run()):
            for told in A_TURN:
                events.tell(told)
            events.forward(TimerFinished("a").event())
            await until(lambda: len(service.heard) == 12)
    assert service.types == [*named(*A_TURN), "timer-finished"]


async def test_it_comes_later_goes_and_comes_back() -> None:
    service = Service()
    async with served(Service()) as port:
        pass  # a port on which nobody listens
    events = EventService(f"tcp://127.0.0.1:{port}", first_pause_s=0.01)
    async with running(events.run()):
        for number in range(100):
            events.tell(Tell(Moment.TRANSCRIPT, str(number)))
        async with served(service, port):
            await until(lambda: len(service.heard) == 64)
            assert service.heard[0].data["text"] == "36"  # the oldest were lost
            assert events.status()["lost"] == 36
        await until(lambda: not events.status()["connected"])
        events.tell(Tell(Moment.READY))
        async with served(service, port):
            await until(lambda: service.types[-1] == "run-satellite")


async def test_a_service_that_talks_nonsense_is_left_and_tried_again() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        service.writers.append(writer)

    service = Service()
    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    events = EventService(f"tcp://127.0.0.1:{port}", first_pause_s=0.01)
    async with server, running(events.run()):
        await until(lambda: len(service.writers) == 2)
        for writer in service.writers:
            writer.close()
