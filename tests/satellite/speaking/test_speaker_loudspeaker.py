"""Loudspeakers that are missing, go, come back, hang, rest: sound goes on, and nobody waits for ever."""

import numpy as np
import pytest

from tests.satellite.speaking.stage import Bench, HandSink, sounding_ms
from tests.satellite.waiting import until


async def test_while_there_is_no_loudspeaker_sound_passes_by_the_clock() -> None:
    bench = Bench()
    bench.sink.fails = ["no such device", "no such device"]
    async with bench.living():
        bench.say(1, 150)
        await bench.shows(trouble="no such device")
        assert bench.posted == []
        bench.now_s += 0.16
        await bench.heard(1)
        assert bench.far == []  # nobody heard it, there is no echo of it
        bench.now_s += 0.1
        bench.say(2, 1_000)
        await bench.shows(reopened=2)
        bench.now_s += 0.4
        await bench.opened(3)
        await bench.shows(trouble="")
        bench.now_s += 0.2
        await bench.ticked()  # it plays: the clock has no say any more
        assert 600 <= sounding_ms(bench.sink.pull(1_000)) < 1_000
        await bench.heard(1, 2)


async def test_a_loudspeaker_that_goes_is_opened_again_and_plays_on_where_it_was() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 1_000)
        await bench.opened()
        bench.sink.pull(400)
        bench.now_s += 2.0
        bench.sink.pull(100)
        bench.sink.lost("unplugged")
        await bench.opened(2)
        assert bench.sink.closings == 1
        assert sounding_ms(bench.sink.pull(600)) == 500
        await bench.heard(1)
        assert bench.speaker.status()["reopened"] == 1


async def test_a_loudspeaker_that_is_lost_at_once_is_tried_less_and_less_often() -> None:
    bench = Bench()
    async with bench.living():
        bench.speaker.ring(True)
        for opening, delay_s in enumerate((0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0), 1):
            await bench.shows(open=True)
            bench.sink.lost("died")
            await bench.shows(reopened=opening)
            bench.now_s += delay_s - 0.01
            await bench.ticked()
            assert bench.sink.openings == opening
            bench.now_s += 0.02
            await bench.shows(open=True)
            assert bench.sink.openings == opening + 1


async def test_a_loudspeaker_that_has_worked_again_is_opened_again_at_once() -> None:
    bench = Bench()
    bench.sink.fails = ["busy"]
    async with bench.living():
        bench.speaker.ring(True)
        await bench.shows(trouble="busy")
        bench.now_s += 0.3
        await bench.opened(2)
        for opening in (3, 4):
            bench.now_s += 1.1
            bench.sink.pull(10)
            bench.sink.lost("unplugged")
            await bench.opened(opening)


async def test_a_loudspeaker_that_nobody_needs_is_not_tried_again() -> None:
    bench = Bench()
    bench.sink.fails = ["busy"] * 2
    async with bench.living():
        bench.speaker.begin(1)
        await bench.shows(trouble="busy")
        bench.speaker.abort(1)
        await bench.ticked()
        bench.now_s += 1.0
        await until(lambda: bench.speaker.status()["resting"])
        assert bench.sink.openings == 1
        bench.sink.fails.clear()
        bench.say(2, 100)
        await bench.opened(2)
        assert sounding_ms(bench.sink.pull(150)) == 100
        await bench.heard(2)


async def test_a_loudspeaker_that_asks_for_nothing_is_opened_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 1_000)
        await bench.opened()
        stale = bench.sink.fill
        bench.sink.pull(100)
        bench.now_s += 1.1
        await bench.opened(2)
        assert "the loudspeaker 'hand' has asked for no sound for 1 s" in caplog.text
        assert not stale(1_600).any()  # the server wakes up: that stream is of the past
        assert sounding_ms(bench.sink.pull(1_000)) == 900
        await bench.heard(1)


async def test_nothing_hangs_on_a_loudspeaker_that_opens_and_never_asks() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 2_000)
        while not bench.posted:
            await bench.ticked()
            bench.now_s += 0.2
        await bench.heard(1)
        assert bench.sink.openings > 1
        assert bench.now_s - 1_000 < 5


async def test_at_the_start_a_loudspeaker_that_works_is_opened_and_rests_in_time() -> None:
    bench = Bench()
    async with bench.living():
        await bench.opened()
        bench.now_s += 29.0
        bench.sink.pull(10)
        await bench.ticked()
        assert bench.sink.is_open
        bench.now_s += 1.5
        await until(lambda: bench.speaker.status()["resting"])
        assert (bench.sink.openings, bench.told) == (1, [])


async def test_at_the_start_a_loudspeaker_that_is_not_there_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.sink.fails = ["no loudspeaker 'nosuch'; there is: 3 'pulse'"] * 2
    async with bench.living():
        await bench.shows(reopened=1)
        assert bench.told == ["nothing can be heard: no loudspeaker 'nosuch'; there is: 3 'pulse'"]
        assert caplog.messages == bench.told
        await bench.ticked()
        bench.now_s += 60.0
        await until(lambda: bench.speaker.status()["resting"])
        assert bench.sink.openings == 1  # nobody needs it
        bench.speaker.ring(True)
        await bench.shows(reopened=2)
        assert len(bench.told) == 1


async def test_a_silent_loudspeaker_is_closed_and_opened_on_demand() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 100)
        await bench.opened()
        bench.sink.pull(110)
        await bench.heard(1)
        await bench.ticked()
        bench.now_s += 29.0
        bench.sink.pull(10)
        await bench.ticked()
        assert bench.sink.is_open
        bench.now_s += 1.5
        await until(lambda: not bench.sink.is_open)
        bench.say(2, 100)
        await bench.opened(2)
        assert sounding_ms(bench.sink.pull(150)) == 100
        await bench.heard(1, 2)
        assert bench.speaker.status()["reopened"] == 0


async def test_a_device_that_opens_at_another_rate_is_played_at_that() -> None:
    bench = Bench(HandSink(rate_hz=48_000))
    bench.sink.may_open.clear()
    async with bench.living():
        bench.say(1, 200)
        await until(lambda: bench.sink.openings)
        bench.sink.rate_hz = 8_000
        bench.sink.may_open.set()
        await bench.opened()
        assert np.count_nonzero(bench.sink.pull(300) > 0.25) == pytest.approx(1_600, abs=8)
        await bench.heard(1)
