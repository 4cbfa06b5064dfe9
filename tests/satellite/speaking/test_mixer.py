"""The mixer, sample by sample: order, fades, pauses, levels; and the same samples in any block sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.effects import Tone
from satellite.parts import Audio
from satellite.speaking.levels import Ramp, gain, limited
from satellite.speaking.mixer import Mixer, MixSettings
from satellite.speaking.tones import Chimes, chimes
from wyoming_voice.audio import MonoResampler, to_pcm16
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat

RATE_HZ = 1_000
"""A sample is a millisecond."""
PLAIN = MixSettings(jitter_ms=10, fade_ms=4, ramp_ms=10, thinking_delay_ms=50)


def level(value: float, count: int) -> Audio:
    return np.full(count, value, np.float32)


def pips(rate_hz: int = RATE_HZ) -> Chimes:
    """Sounds that are easy to recognise: 20 ms of 1/2, loops of 1/8 and 1/4."""
    tones = dict.fromkeys(Tone, level(0.5, rate_hz // 50))
    return Chimes(rate_hz, tones, level(0.125, 7), level(0.25, 9))


def a_mixer(settings: MixSettings = PLAIN, **more: float) -> Mixer:
    return Mixer(pips(), settings, **more)


def a_sound(value: float, count: int, rate_hz: int = RATE_HZ) -> Sound:
    return Sound(to_pcm16(level(value, count)), AudioFormat(rate_hz, 2, 1))


def whole(mixer: Mixer, number: int, *sounds: Sound) -> None:
    mixer.begin(number)
    for sound in sounds:
        mixer.add(number, sound)
    mixer.end(number)


def picture(samples: Audio) -> str:
    """A digit for each sample, its level in eighths; a dot for silence."""
    return "".join("." if value == 0 else str(round(float(value) * 8)) for value in samples)


def test_a_playback_fades_in_and_is_played_to_its_last_sample() -> None:
    mixer = a_mixer()
    whole(mixer, 1, a_sound(0.5, 8))
    assert picture(mixer.render(12)) == "12344444...."


def test_playbacks_follow_one_another_without_a_gap() -> None:
    mixer = a_mixer()
    whole(mixer, 1, a_sound(0.5, 6))
    mixer.begin(2)
    whole(mixer, 3, a_sound(0.5, 5))
    mixer.add(2, a_sound(1 / 4, 6))
    assert picture(mixer.render(10)) == "123444...."  # the second has too little to begin
    mixer.end(2)
    assert picture(mixer.render(12)) == "0122" + "22" + "12344" + "."


def test_it_begins_when_enough_has_come() -> None:
    mixer = a_mixer()
    mixer.begin(1)
    mixer.add(1, a_sound(0.5, 9))
    assert picture(mixer.render(4)) == "...."
    mixer.add(1, a_sound(0.5, 11))
    assert picture(mixer.render(6)) == "123444"


def test_it_pauses_when_it_runs_dry_and_loses_nothing() -> None:
    mixer = a_mixer()
    mixer.begin(1)
    mixer.add(1, a_sound(0.5, 16))
    assert picture(mixer.render(20)) == "1234" + 8 * "4" + "321." + 4 * "."
    mixer.add(1, a_sound(0.5, 4))
    assert picture(mixer.render(4)) == "...."
    mixer.end(1)
    assert picture(mixer.render(8)) == "1234...."
    assert mixer.underruns == 1
    assert mixer.heard() == [1]


def test_what_is_aborted_fades_out_and_never_comes_back() -> None:
    mixer = a_mixer()
    mixer.begin(1)
    mixer.add(1, a_sound(0.5, 100))
    mixer.render(30)
    assert mixer.abort(1) == 30
    mixer.add(1, a_sound(0.5, 100))
    mixer.end(1)
    assert picture(mixer.render(8)) == "321....."
    assert mixer.heard() == []
    assert not mixer.active


def test_abort_tells_how_much_was_heard() -> None:
    mixer = a_mixer()
    assert mixer.abort(7) == 0
    whole(mixer, 1, a_sound(0.5, 50))
    whole(mixer, 2, a_sound(0.5, 50))
    mixer.render(40)
    assert mixer.abort(1, latency_ms=25) == 15
    assert mixer.abort(2, latency_ms=25) == 0  # its turn had not come
    whole(mixer, 3, a_sound(0.5, 50))
    mixer.render(60)
    assert mixer.abort(3, latency_ms=25) == 35  # all was given, 10 ms ago
    assert mixer.heard() == []


def test_a_playback_was_heard_when_its_last_sample_has_left_the_loudspeaker() -> None:
    mixer = a_mixer()
    whole(mixer, 1, a_sound(0.5, 20))
    whole(mixer, 2)
    mixer.render(20)
    assert mixer.heard(latency_ms=5) == []
    mixer.render(4)
    assert mixer.heard(latency_ms=5) == []
    mixer.render(1)
    assert mixer.heard(latency_ms=5) == [1, 2]
    assert mixer.heard() == []
    assert not mixer.active


def test_a_playback_of_nothing_is_heard_at_once() -> None:
    mixer = a_mixer()
    whole(mixer, 1, Sound(b"", AudioFormat(RATE_HZ, 2, 1)))
    assert mixer.heard() == [1]


def test_more_than_allowed_ends_the_playback() -> None:
    mixer = a_mixer(MixSettings(most_ms=100, fade_ms=0))
    mixer.begin(1)
    assert mixer.add(1, a_sound(0.5, 90))
    assert not mixer.add(1, a_sound(0.25, 20))
    assert mixer.add(1, a_sound(0.25, 1))  # ignored, and told once
    assert picture(mixer.render(95)) == 90 * "4" + 5 * "."
    assert mixer.heard() == [1]


def test_tones_sound_over_playbacks_and_over_each_other() -> None:
    mixer = a_mixer()
    whole(mixer, 1, a_sound(0.125, 40))
    mixer.render(10)
    mixer.tone(Tone.DONE)
    assert picture(mixer.render(5)) == "55555"
    mixer.tone(Tone.ERROR)
    assert np.all(mixer.render(15) > 0.9)  # 9/8, bent
    assert picture(mixer.render(8)) == "55555111"


def test_only_so_many_tones_sound_at_a_time() -> None:
    mixer = a_mixer(volume=0.5)
    for _ in range(100):
        mixer.tone(Tone.LISTENING)
    assert mixer.render(1)[0] == pytest.approx(4 * 0.5 * gain(0.5))


def test_thinking_begins_after_its_delay() -> None:
    mixer = a_mixer()
    mixer.think(True)
    assert picture(mixer.render(50)) == 50 * "."
    assert mixer.render(10)[-1] == 0.125
    assert picture(mixer.render(5)) == "11111"
    mixer.think(False)
    mixer.render(10)
    assert picture(mixer.render(5)) == "....."
    assert not mixer.active


def test_thinking_that_ends_before_its_delay_is_never_heard() -> None:
    mixer = a_mixer()
    for _ in range(3):
        mixer.think(True)
        assert mixer.active
        assert picture(mixer.render(49)) == 49 * "."
        mixer.think(False)
        assert not mixer.active
    assert picture(mixer.render(100)) == 100 * "."


def test_ringing_goes_on_until_it_is_off() -> None:
    mixer = a_mixer()
    mixer.ring(True)
    mixer.ring(True)
    assert picture(mixer.render(1_010)[10:]) == 1_000 * "2"
    mixer.ring(False)
    assert mixer.active
    assert np.all(np.diff(mixer.render(10)) < 0)
    assert not mixer.active


def test_a_ring_is_heard_at_the_lowest_volume() -> None:
    mixer = a_mixer(volume=0.0)
    mixer.ring(True)
    whole(mixer, 1, a_sound(0.5, 20))
    assert mixer.render(20)[-1] == pytest.approx(0.25 * gain(0.25))


def test_volume_goes_from_silence_over_40_db_up() -> None:
    assert gain(0) == 0
    assert 20 * np.log10(gain(0.01)) == pytest.approx(-39.6)
    assert 20 * np.log10(gain(0.5)) == pytest.approx(-20)
    assert gain(1) == 1


def test_a_change_of_volume_on_its_way_turns_around_where_it_is() -> None:
    ramp = Ramp(1.0, 10)
    ramp.to(0.0)
    assert np.asarray(ramp.take(5))[-1] == pytest.approx(0.5)
    ramp.to(1.0)
    assert np.asarray(ramp.take(10)) == pytest.approx(0.5 + 0.05 * np.arange(1, 11))
    assert ramp.resting_at == 1.0


@given(st.lists(st.floats(-50, 50, width=32), min_size=1))
def test_the_mix_never_exceeds_one(values: list[float]) -> None:
    mix = np.array(values, np.float32)
    out = limited(mix)
    assert np.abs(out).max() <= 1.0
    quiet = np.abs(mix) <= 0.9
    assert np.array_equal(out[quiet], mix[quiet])
    order = np.argsort(mix, kind="stable")
    assert np.all(np.diff(out[order]) >= 0)


def test_everything_at_once_does_not_clip() -> None:
    mixer = a_mixer()
    whole(mixer, 1, a_sound(1.0, 100))
    mixer.ring(True)
    for _ in range(4):
        mixer.tone(Tone.ERROR)
    assert np.abs(mixer.render(100)).max() <= 1.0


NOISE = np.random.default_rng(5).uniform(-0.6, 0.6, 44_100).astype(np.float32)


def noise(rate_hz: int, ms: int, channels: int = 1) -> Sound:
    samples = np.repeat(NOISE[: rate_hz * ms // 1000], channels)
    return Sound(to_pcm16(samples), AudioFormat(rate_hz, 2, channels))


def a_busy_mixer() -> Mixer:
    """Three formats, an underrun, a tone, a loop with its delay, a change of volume on its way."""
    mixer = Mixer(chimes(16_000), MixSettings(thinking_delay_ms=100))
    whole(mixer, 1, noise(22_050, 150), noise(16_000, 70), noise(44_100, 35, channels=2))
    whole(mixer, 2, noise(16_000, 33))
    mixer.begin(3)
    mixer.add(3, noise(24_000, 140))
    mixer.tone(Tone.LISTENING)
    mixer.think(True)
    mixer.ring(True)
    mixer.set_volume(0.8)
    return mixer


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=12))
def test_the_samples_do_not_depend_on_the_blocks(sizes: list[int]) -> None:
    mixer = a_busy_mixer()
    rendered = np.concatenate([mixer.render(size) for size in sizes])
    at_once = a_busy_mixer().render(len(rendered))
    assert np.array_equal(rendered, at_once)


def test_a_fade_out_goes_on_in_the_next_block() -> None:
    mixer = a_busy_mixer()
    rendered = np.concatenate([mixer.render(7) for _ in range(2_000)])
    assert mixer.underruns == 1
    assert np.array_equal(rendered, a_busy_mixer().render(len(rendered)))


def test_a_playback_is_what_the_resampler_makes_of_it_as_a_whole() -> None:
    source = noise(22_050, 500)
    resampler = MonoResampler(source.format, 48_000)
    expected = np.concatenate([resampler.push(source.pcm), resampler.finish()])
    mixer = Mixer(pips(48_000), MixSettings(fade_ms=0))
    pieces = [source.pcm[at : at + 777] for at in range(0, len(source.pcm), 777)]
    whole(mixer, 1, *(Sound(pcm, source.format) for pcm in pieces))
    assert np.array_equal(mixer.render(len(expected)), limited(expected))
    assert mixer.heard() == [1]


def test_another_loudspeaker_plays_on_where_the_first_one_ended() -> None:
    mixer = Mixer(pips(48_000), PLAIN)
    whole(mixer, 1, a_sound(0.5, 24_000, rate_hz=24_000))
    mixer.render(24_000)
    mixer.retune(pips(16_000))
    assert mixer.rate_hz == 16_000
    assert mixer.waiting_ms == pytest.approx(500, abs=2)
    rest = mixer.render(16_000)
    assert np.count_nonzero(np.abs(rest) > 0.25) / 16 == pytest.approx(500, abs=2)
    assert np.median(rest[:7_900]) == pytest.approx(0.5, abs=0.01)
    assert mixer.heard() == [1]
