"""Wyoming microphone and loudspeaker servers on loopback, good ones and bad ones."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.snd import Played

from satellite.devices.wyoming import WyomingSink, WyomingSource
from satellite.parts import Audio, DeviceError
from wyoming_voice.wire import Connection, WireLimits

pytestmark = pytest.mark.timeout(20)
Serve = Callable[[Connection], Awaitable[None]]


def nobody(reason: str) -> None:
    raise AssertionError(reason)


def half(samples: int) -> Audio:
    return np.full(samples, 0.5, np.float32)


@contextlib.asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """Its address."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, WireLimits())
        try:
            await serve(connection)
        finally:
            await connection.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        listening.close()
        await listening.wait_closed()


async def test_a_microphone_server_is_heard_in_whatever_format() -> None:
    hold = asyncio.Event()

    async def serve(connection: Connection) -> None:
        await connection.write(AudioStart(16_000, 2, 1).event())
        await connection.write(AudioChunk(16_000, 2, 1, b"\x01\x02" * 320).event())
        await connection.write(AudioChunk(48_000, 2, 2, b"\x00\x40" * 9600).event())
        await hold.wait()

    heard: asyncio.Queue[bytes] = asyncio.Queue()
    async with server(serve) as address:
        source = WyomingSource(address)
        await source.open(heard.put_nowait, nobody)
        assert await heard.get() == b"\x01\x02" * 320
        samples = np.frombuffer(await heard.get(), "<i2")
        assert len(samples) == pytest.approx(1600, abs=200)
        assert samples[len(samples) // 2] == pytest.approx(0x4000, abs=200)
        hold.set()
        await source.close()


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([], "it has hung up"),
        ([Error("no card").event()], "no card"),
        ([AudioChunk(1, 2, 1, b"ab").event()], "audio rate '1' can't be used"),
    ],
)
async def test_a_microphone_server_that_fails_is_lost(events: list[object], says: str) -> None:
    async def serve(connection: Connection) -> None:
        for event in events:
            await connection.write(event)  # type: ignore[arg-type]

    lost: asyncio.Queue[str] = asyncio.Queue()
    async with server(serve) as address:
        source = WyomingSource(address)
        await source.open(lambda pcm: None, lost.put_nowait)
        reason = await lost.get()
        assert reason.startswith(f"wyoming://{address}: ")
        assert says in reason
        await source.close()


async def test_nobody_there_is_told_and_can_be_tried_again() -> None:
    async def serve(connection: Connection) -> None:
        await connection.write(AudioChunk(16_000, 2, 1, b"ab").event())

    async with server(serve) as address:
        pass
    source, sink = WyomingSource(address), WyomingSink(address)
    for _ in range(2):
        with pytest.raises(DeviceError, match=r"can't be reached: .*refused.*; is it running?"):
            await source.open(lambda pcm: None, nobody)
        await source.close()
    with pytest.raises(DeviceError, match="can't be reached"):
        await sink.open(half, nobody)
    await sink.close()


async def test_a_loudspeaker_server_gets_one_sound_and_is_waited_for() -> None:
    seen: list[str] = []
    chunks: asyncio.Queue[AudioChunk] = asyncio.Queue()
    gone = asyncio.Event()

    async def serve(connection: Connection) -> None:
        async for event in connection:
            if AudioChunk.is_type(event.type):
                chunks.put_nowait(AudioChunk.from_event(event))
                continue
            seen.append(event.type)
            if AudioStop.is_type(event.type):
                await connection.write(Played().event())
        gone.set()

    async with server(serve) as address:
        sink = WyomingSink(address)
        await sink.open(half, nobody)
        chunk = await chunks.get()
        await sink.close()
        await gone.wait()
    assert (chunk.rate, chunk.width, chunk.channels) == (22_050, 2, 1)
    assert set(np.frombuffer(chunk.audio, "<i2")) == {16_384}
    assert seen == ["audio-start", "audio-stop"]


async def test_a_loudspeaker_server_that_hangs_up_is_lost_and_can_be_opened_again() -> None:
    async def serve(connection: Connection) -> None:
        await connection.read()

    lost: asyncio.Queue[str] = asyncio.Queue()
    async with server(serve) as address:
        sink = WyomingSink(address)
        for _ in range(2):
            await sink.open(half, lost.put_nowait)
            assert await lost.get() == f"wyoming://{address}: it has hung up"
            await sink.close()
    assert lost.empty()


async def test_a_loudspeaker_server_that_never_answers_is_left() -> None:
    hold = asyncio.Event()

    async def serve(connection: Connection) -> None:
        await hold.wait()

    async with server(serve) as address:
        sink = WyomingSink(address)
        await sink.open(half, nobody)
        await sink.close()
        hold.set()
