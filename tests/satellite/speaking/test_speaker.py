"""The mouth in front of a loudspeaker whose every block a test asks for, and whose faults it makes."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from satellite.effects import Tone
from satellite.events import Event, PlaybackHeard, Trouble
from satellite.parts import Audio, DeviceError, Mouth
from satellite.speaking.mixer import MixSettings
from satellite.speaking.speaker import Speaker, SpeakerSettings
from tests.satellite.waiting import running, until
from wyoming_voice.audio import to_pcm16
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import ConfigError

RATE_HZ = 16_000
PER_MS = RATE_HZ // 1000
LEAD_IN_MS = 50
NO_FADE = MixSettings(fade_ms=0)


class HandSink:
    """A loudspeaker that plays when `pull` is called; `fails` is what its next openings end with."""

    name = "hand"

    def __init__(self, rate_hz: int = RATE_HZ, latency_ms: float = 0) -> None:
        self.rate_hz = rate_hz
        self.latency_ms = latency_ms
        self.openings = 0
        self.closings = 0
        self.is_open = False
        self.fails: list[str] = []
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.fill: Callable[[int], Audio] = np.zeros
        self.lost: Callable[[str], None] = print

    async def open(self, fill: Callable[[int], Audio], lost: Callable[[str], None]) -> None:
        self.fill, self.lost = fill, lost
        self.openings += 1
        await self.may_open.wait()
        if self.fails:
            raise DeviceError(self.fails.pop())
        self.is_open = True

    async def close(self) -> None:
        self.closings += 1
        self.is_open = False

    def pull(self, ms: int) -> Audio:
        blocks = [self.fill(10 * self.rate_hz // 1000) for _ in range(ms // 10)]
        assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
        return np.concatenate(blocks)


class Bench:
    """A speaker, its loudspeaker, a clock that is set by hand, and what was posted."""

    def __init__(self, sink: HandSink | None = None, **settings: object) -> None:
        self.sink = sink or HandSink()
        self.now_s = 1_000.0
        self.looks = 0  # at the clock
        self.posted: list[Event] = []
        self.far: list[Audio] = []
        self.told: list[str] = []
        more = {"mix": NO_FADE} | settings
        self.speaker = Speaker(
            self.posted.append,
            self.sink,
            SpeakerSettings(**more),  # type: ignore[arg-type]
            far_end=lambda samples, rate_hz: self.far.append(samples),
            tell=self.told.append,
            now_s=self._look,
        )

    def _look(self) -> float:
        self.looks += 1
        return self.now_s

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator["Bench"]:
        async with running(self.speaker.run()):
            yield self

    async def opened(self, times: int = 1) -> None:
        """The loudspeaker is open for the nth time, and its lead-in is over."""
        await until(lambda: self.sink.openings >= times and self.speaker.status()["open"])
        assert not self.sink.pull(LEAD_IN_MS).any()

    async def ticked(self) -> None:
        """The speaker has looked after its loudspeaker once, at least."""
        looks = self.looks
        await until(lambda: self.looks >= looks + 4)

    async def shows(self, **facts: object) -> None:
        await until(lambda: facts.items() <= self.speaker.status().items())

    def say(self, playback: int, ms: int, value: float = 0.5) -> None:
        self.speaker.begin(playback)
        self.speaker.play(playback, a_sound(value, ms))
        self.speaker.end(playback)

    async def heard(self, *playbacks: int) -> None:
        await until(lambda: self.posted == [PlaybackHeard(playback) for playback in playbacks])


def a_sound(value: float, ms: int, rate_hz: int = RATE_HZ) -> Sound:
    samples = np.full(rate_hz * ms // 1000, value, np.float32)
    return Sound(to_pcm16(samples), AudioFormat(rate_hz, 2, 1))


def sounding_ms(samples: Audio) -> float:
    return float(np.count_nonzero(samples)) / PER_MS


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


async def test_the_far_end_hears_what_the_loudspeaker_was_given() -> None:
    bench = Bench()
    async with bench.living():
        bench.say(1, 100)
        await bench.opened()
        played = bench.sink.pull(150)
        assert np.array_equal(np.concatenate(bench.far)[LEAD_IN_MS * PER_MS :], played)


async def test_every_trouble_has_a_sentence() -> None:
    bench = Bench()
    async with bench.living():
        for number, trouble in enumerate(Trouble):
            bench.speaker.sentence(number, trouble)
        await bench.opened()
        bench.sink.pull(12_000)
        await bench.heard(*range(len(Trouble)))


async def test_a_playback_of_nothing_is_heard() -> None:
    bench = Bench()
    bench.sink.may_open.clear()
    async with bench.living():
        bench.speaker.begin(1)
        bench.speaker.end(1)
        await bench.heard(1)


async def test_no_tones_and_no_thinking_but_the_ring() -> None:
    bench = Bench(no_tones=True, no_thinking=True)
    async with bench.living():
        bench.speaker.begin(1)
        await bench.opened()
        bench.speaker.tone(Tone.LISTENING)
        bench.speaker.think(True)
        assert not bench.sink.pull(3_000).any()
        bench.speaker.ring(True)
        assert bench.sink.pull(500).any()


async def test_tones_thinking_and_ring_open_the_loudspeaker() -> None:
    begins: list[Callable[[Speaker], None]] = [
        lambda speaker: speaker.tone(Tone.DONE),
        lambda speaker: speaker.think(True),
        lambda speaker: speaker.ring(True),
    ]
    for begin in begins:
        bench = Bench()
        async with bench.living():
            begin(bench.speaker)
            await bench.opened()
            assert bench.sink.pull(1_500).any()


async def test_the_volume() -> None:
    bench = Bench(volume=0.5)
    async with bench.living():
        bench.say(1, 1_000)
        await bench.opened()
        assert bench.sink.pull(20)[-1] == pytest.approx(0.05)
        bench.speaker.volume = 7
        assert bench.speaker.volume == 1.0
        assert bench.sink.pull(20)[-1] == 0.5


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


async def test_what_cannot_be_played_is_told_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(mix=MixSettings(fade_ms=0, most_ms=200))
    async with bench.living():
        bench.speaker.begin(1)
        bench.speaker.play(1, Sound(b"1234567", AudioFormat(RATE_HZ, 7, 1)))
        bench.speaker.play(1, a_sound(0.5, 150))
        bench.speaker.play(1, a_sound(0.5, 150))
        assert "audio width '7' can't be used" in caplog.text
        assert "playback 1 ends here: over 0 s of it would wait" in caplog.text
        await bench.opened()
        assert sounding_ms(bench.sink.pull(400)) == 150
        await bench.heard(1)
        assert bench.speaker.status()["refused"] == 1


async def test_a_tone_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        Bench(tones={Tone.DONE: tmp_path / "none.wav"})
