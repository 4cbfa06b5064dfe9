"""Who calls in a crowd is counted as what became of it, and a relay knows what went through."""

import time
from dataclasses import replace

import pytest
from wyoming.audio import AudioChunk

from bench.callers import crowd, satellites
from bench.capacity_bytes import Passed, _events, _relay, _seconds
from satellite.standalone.servers import Pulse
from tests.fakes import FakeProgram, on_loopback
from tests.satellite.waiting import until
from wyoming_voice.describing import describe
from wyoming_voice.service import serving
from wyoming_voice.wire import encode

COUNT = 20
QUICK = replace(Pulse(), first_retry_s=0.001, check_s=0.01)


async def test_all_are_described_to_and_stay() -> None:
    async with serving(FakeProgram(), on_loopback()) as address, crowd(str(address), COUNT) as many:
        assert len(many.took_s) == COUNT
        assert not many.lost


async def test_who_is_turned_away_is_lost() -> None:
    settings = on_loopback(max_connections=5)
    async with serving(FakeProgram(), settings) as address, crowd(str(address), COUNT) as many:
        assert len(many.took_s) == 5
        assert many.lost.total() == COUNT - 5


async def test_satellites_see_a_server_that_comes_after_them() -> None:
    async with serving(FakeProgram(), on_loopback()) as address:
        uri = str(address)
    async with satellites(uri, COUNT, QUICK) as many:
        await until(lambda: all(one.ranked("asr")[0].host.error for one in many.rosters))
        assert many.away == COUNT
        async with serving(FakeProgram(), on_loopback(uri)):
            await many.all_back(time.monotonic(), most_s=10.0)
            assert many.away == 0


async def test_a_relay_counts_what_goes_through() -> None:
    passed = Passed()
    async with serving(FakeProgram(), on_loopback()) as address:
        async with _relay(str(address), passed) as uri:
            info, _ = await describe(uri)
        assert info.asr
        assert [event.type for event in await _events(bytes(passed.up))] == ["describe"]
        assert [event.type for event in await _events(bytes(passed.down))] == ["info"]
        assert passed.connections == 1
        assert passed.packets >= 6  # three that open it, one each way, one that closes it


async def test_seconds_are_those_of_the_sound() -> None:
    raw = encode(AudioChunk(16_000, 2, 1, bytes(3200)).event()) + encode(
        AudioChunk(8000, 2, 1, bytes(1600)).event()
    )
    assert [_seconds(event) for event in await _events(raw)] == pytest.approx([0.1, 0.1])
