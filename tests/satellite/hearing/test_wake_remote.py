"""Wake words heard elsewhere: a small Wyoming server on loopback that detects what a test tells it to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from wyoming.error import Error
from wyoming.event import Event as WireEvent
from wyoming.wake import Detection

from satellite.events import Event, WakeWord, Woken
from satellite.hearing.wake import noticed_after_ms
from satellite.hearing.wake_remote import WAITING_FRAMES, RemoteWake
from satellite.parts import HeardFrame
from tests.satellite.standalone.wyoming_servers import Caller, FakeServer
from tests.satellite.waiting import running, until

NABU = WakeWord("okay_nabu", "okay nabu")
STOP = WakeWord("stop", "stop", stops=True)


class FakeWakeServer(FakeServer):
    """Keeps what it is sent, and says what it is told to; reads nothing while `stalled`."""

    kind = "wake"

    def __init__(self) -> None:
        super().__init__()
        self.events: list[WireEvent] = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        self._caller: Caller | None = None

    @property
    def chunks(self) -> list[WireEvent]:
        return [event for event in self.events if event.type == "audio-chunk"]

    async def work(self, caller: Caller) -> None:
        self._caller = caller
        while True:
            await self.may_read.wait()
            self.events.append(await caller.read())

    async def say(self, event: WireEvent) -> None:
        assert self._caller is not None
        await self._caller.send(event)


class Room:
    """A RemoteWake, its server, and what it posted."""

    def __init__(self, uri: str) -> None:
        self.posted: list[Event] = []
        self.wake = RemoteWake(
            uri, [NABU, STOP], self.posted.append, refractory_s=2, first_pause_s=0.001
        )
        self._fed = 0

    @property
    def connected(self) -> bool:
        return bool(self.wake.status()["connected"])

    def feed(self, frames: int, size_bytes: int = 1024) -> None:
        for _ in range(frames):
            self._fed += 1
            pcm = self._fed.to_bytes(4, "little") * (size_bytes // 4)
            self.wake.feed(HeardFrame(pcm, self._fed * 32, 0.0, -40.0))


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[FakeWakeServer, Room]]:
    server = FakeWakeServer()
    async with server.listening() as uri:
        room = Room(uri)
        async with running(room.wake.run()):
            await until(lambda: room.connected)
            yield server, room


async def test_frames_are_streamed_with_their_places_on_the_line() -> None:
    async with connected() as (server, room):
        room.feed(3)
        await until(lambda: len(server.chunks) == 3)
    detect, start, *chunks = server.events
    assert (detect.type, detect.data["names"]) == ("detect", ["okay_nabu", "stop"])
    assert start.type == "audio-start"
    assert [chunk.data["timestamp"] for chunk in chunks] == [32, 64, 96]
    assert [chunk.data["rate"] for chunk in chunks] == [16_000] * 3
    assert chunks[1].payload == (2).to_bytes(4, "little") * 256


@pytest.mark.parametrize(
    ("timestamp", "noticed_ms"),
    [
        (640, 640),
        (None, 3200),
        (0, 0),
        (987_654_321_000, 3200),  # another clock's
        (-5, 3200),
    ],
)
async def test_a_detection_is_placed_on_the_line(timestamp: int | None, noticed_ms: int) -> None:
    async with connected() as (server, room):
        room.feed(100)
        await server.say(Detection("okay_nabu", timestamp).event())
        await until(lambda: room.posted)
    assert room.posted == [Woken(NABU, max(0, noticed_ms - noticed_after_ms(NABU.name)))]


async def test_a_word_counts_once_in_the_refractory_time_each_word_for_itself() -> None:
    async with connected() as (server, room):
        room.feed(100)
        for name in ("okay_nabu", "okay_nabu", "stop"):
            await server.say(Detection(name).event())
        await until(lambda: len(room.posted) == 2)
        room.feed(63)  # two seconds and 16 ms
        await server.say(Detection("okay_nabu").event())
        await until(lambda: len(room.posted) == 3)
    assert [event.word for event in room.posted if isinstance(event, Woken)] == [NABU, STOP, NABU]


@pytest.mark.parametrize("name", ["alexa", "", None, 7])
async def test_a_name_that_was_not_asked_for_is_told_and_wakes_nobody(
    name: object, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected() as (server, room):
        room.feed(1)
        await server.say(WireEvent("detection", {"name": name}))
        await server.say(Detection("stop").event())
        await until(lambda: room.posted)
    assert room.posted == [Woken(STOP, 0)]
    assert "listened for: okay_nabu, stop" in caplog.text


async def test_a_server_that_comes_back_is_used_again() -> None:
    async with connected() as (server, room):
        server.hang_up()
        await until(lambda: server.opened == 2 and room.connected)
        room.feed(2)
        await until(lambda: len(server.chunks) == 2)
        await server.say(Detection("okay_nabu").event())
        await until(lambda: room.posted)
    assert [event.type for event in server.events].count("detect") == 2


async def test_a_server_that_is_not_there_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeWakeServer()
    async with server.listening() as uri:
        port = int(uri.rpartition(":")[2])
    room = Room(uri)
    async with running(room.wake.run()):
        await until(lambda: "no wake server at" in caplog.text)
        room.feed(5)
        assert room.wake.status()["connected"] is False
        async with server.listening(port):
            await until(lambda: room.connected)
            room.feed(1)
            await until(lambda: server.chunks)
    assert server.chunks[0].data["timestamp"] == 6 * 32  # what nobody heard is not made up for
    assert caplog.text.count("no wake server at") == 1


async def test_what_the_server_complains_of_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as (server, _room):
        await server.say(Error("no model for 'stop'").event())
        await until(lambda: server.opened >= 2)
    assert "no model for 'stop'" in caplog.text


async def test_a_slow_server_loses_the_oldest_and_they_are_counted() -> None:
    async with connected() as (server, room):
        server.may_read.clear()
        more = WAITING_FRAMES + 10
        room.feed(more)  # at once, so that none of them has been sent
        assert room.wake.status()["dropped_frames"] == 10
        server.may_read.set()
        await until(lambda: len(server.chunks) == WAITING_FRAMES)
    assert [chunk.data["timestamp"] // 32 for chunk in server.chunks] == [*range(11, more + 1)]


async def test_muted_nothing_is_sent_not_even_what_was_waiting() -> None:
    async with connected() as (server, room):
        room.feed(5)
        room.wake.muted = True
        room.feed(5)
        room.wake.muted = False
        room.feed(1)
        await until(lambda: server.chunks)
    assert [chunk.data["timestamp"] // 32 for chunk in server.chunks] == [11]


async def test_muted_nobody_is_woken_by_what_was_sent_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected() as (server, room):
        room.wake.muted = True
        await server.say(Detection("okay_nabu").event())
        await server.say(Detection("alexa").event())
        await until(lambda: "detected 'alexa'" in caplog.text)  # so the one before was read
    assert room.posted == []
