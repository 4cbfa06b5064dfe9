"""Playbacks: in order, whole, reported when they were heard, silent once they are given up."""

import asyncio
import threading

import numpy as np

from satellite.events import PlaybackHeard
from satellite.parts import Mouth
from satellite.speaking.mixer import MixSettings
from tests.satellite.speaking.stage import LEAD_IN_MS, PER_MS, Bench, HandSink, a_sound
from tests.satellite.waiting import until


async def test_it_is_a_mouth() -> None:
    mouth: Mouth = Bench().speaker
    assert mouth.volume == 1.0


async def test_a_playback_begun_while_the_loudspeaker_opens_loses_no_sample() -> None:
    bench = Bench()
    bench.sink.may_open.clear()
    async with bench.living():
        bench.say(1, 200)
        await until(lambda: bench.sink.openings)
        assert not bench.sink.pull(100).any()  # a device that asks before it is open
        bench.sink.may_open.set()
        await bench.shows(open=True)
        played = bench.sink.pull(300)
        lead_in = LEAD_IN_MS * PER_MS
        assert not played[:lead_in].any()
        assert np.all(played[lead_in : lead_in + 200 * PER_MS] == 0.5)
        assert not played[lead_in + 200 * PER_MS :].any()
        await bench.heard(1)


async def test_playbacks_are_heard_in_order_and_reported_once_when_they_have_left_the_device() -> (
    None
):
    bench = Bench(HandSink(latency_ms=100))
    async with bench.living():
        bench.say(1, 100)
        bench.say(2, 100)
        await bench.opened()
        bench.sink.pull(190)
        await asyncio.sleep(0)
        assert bench.posted == []
        bench.sink.pull(10)
        await bench.heard(1)
        bench.sink.pull(90)
        await asyncio.sleep(0)
        assert bench.posted == [PlaybackHeard(1)]
        bench.sink.pull(500)
        await bench.heard(1, 2)


async def test_an_aborted_playback_is_silent_within_10_ms_and_never_comes_back() -> None:
    bench = Bench(HandSink(latency_ms=30), mix=MixSettings())
    async with bench.living():
        bench.speaker.begin(1)
        bench.speaker.play(1, a_sound(0.5, 1_000))
        await bench.opened()
        bench.sink.pull(200)
        assert bench.speaker.abort(1) == 170
        bench.speaker.play(1, a_sound(0.5, 1_000))
        bench.speaker.end(1)
        assert bench.sink.pull(10)[5 * PER_MS :].any() == np.False_
        assert not bench.sink.pull(500).any()
        assert bench.speaker.abort(1) == 0
        bench.say(2, 100)
        bench.sink.pull(200)
        await bench.heard(2)


async def test_a_playback_that_is_aborted_just_before_the_report_is_not_reported() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 100)
        await bench.opened()
        bench.sink.pull(100)  # the report is on its way to the loop
        assert bench.speaker.abort(1) == 0
        bench.say(2, 100)
        bench.sink.pull(110)
        await bench.heard(2)


async def test_samples_are_asked_for_in_another_thread() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 500)
        await bench.opened()
        thread = threading.Thread(target=bench.sink.pull, args=(510,))
        thread.start()
        await bench.heard(1)
        thread.join()


async def test_a_number_can_be_used_again() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 100)
        await bench.opened()
        bench.sink.pull(110)
        await bench.heard(1)
        bench.say(1, 100)
        bench.sink.pull(110)
        await bench.heard(1, 1)


async def test_the_far_end_hears_what_the_loudspeaker_was_given() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 100)
        await bench.opened()
        played = bench.sink.pull(150)
        assert np.array_equal(np.concatenate(bench.far)[LEAD_IN_MS * PER_MS :], played)


async def test_a_playback_of_nothing_is_heard() -> None:
    bench = Bench()
    bench.sink.may_open.clear()
    async with bench.living():
        bench.speaker.begin(1)
        bench.speaker.end(1)
        await bench.heard(1)


async def test_room_is_made_by_playing() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 3_000)
        await bench.opened()
        waiting = asyncio.create_task(bench.speaker.room())
        bench.sink.pull(990)
        await bench.ticked()
        assert not waiting.done()
        bench.sink.pull(20)
        await until(waiting.done)
        bench.say(2, 3_000)
        waiting = asyncio.create_task(bench.speaker.room())
        await asyncio.sleep(0)
        bench.speaker.abort(2)
        await until(waiting.done)
