"""What the doctor measures, on sound whose numbers are known."""

import numpy as np
import pytest

from satellite.doctor.measure import Echo, echo, hum_hz, level, spoken
from satellite.events import Trouble
from satellite.hearing.echo import WebRtcCleaner
from satellite.hearing.level import amplified
from satellite.parts import Audio, HeardFrame
from satellite.speaking.tones import read_sentences, resampled

RATE_HZ = 16_000


def sine(hz: float, seconds: float, level_dbfs: float) -> Audio:
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    peak = np.sqrt(2) * 10 ** (level_dbfs / 20)
    wave: Audio = (peak * np.sin(2 * np.pi * hz * at_s)).astype(np.float32)
    return wave


def noise(seconds: float, level_dbfs: float, seed: int = 1) -> Audio:
    random = np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
    return (10 ** (level_dbfs / 20) * random).astype(np.float32)


def speech() -> Audio:
    sentences = read_sentences()
    whole = [sentences[trouble] for trouble in (Trouble.TIMEOUT, Trouble.FAILED, Trouble.NO_HANDLE)]
    return np.concatenate([resampled(sound, RATE_HZ) for sound in whole])


def returned(played: Audio, delay_ms: int, level_db: float) -> Audio:
    """What a microphone hears of it: later and softer, of the same length."""
    delay = np.zeros(RATE_HZ * delay_ms // 1000, np.float32)
    return np.concatenate([delay, played])[: len(played)] * np.float32(10 ** (level_db / 20))


def with_pause(sound: Audio) -> Audio:
    return np.concatenate([np.zeros(8_000, np.float32), sound, np.zeros(16_000, np.float32)])


def frame(probability: float, level_dbfs: float) -> HeardFrame:
    return HeardFrame(bytes(1024), 32, probability, level_dbfs)


def measured(played: Audio, heard: Audio, cleaned: Audio, noise_dbfs: float = -70) -> Echo:
    found = echo(played, heard, cleaned, noise_dbfs)
    assert found is not None
    return found


def test_levels_of_a_sine() -> None:
    found = level(sine(440, 1, -20))
    assert found.rms_dbfs == pytest.approx(-20, abs=0.05)
    assert found.peak_dbfs == pytest.approx(-17, abs=0.05)
    assert found.clipped == 0
    assert not found.silent


def test_zeros_are_silent_and_one_bit_is_not() -> None:
    assert level(np.zeros(1600, np.float32)).silent
    assert level(np.zeros(0, np.float32)).silent
    one_bit = np.zeros(1600, np.float32)
    one_bit[7] = 1 / 32768
    assert not level(one_bit).silent


def test_what_is_too_loud_is_cut_off_by_the_gain_too() -> None:
    assert level(amplified(sine(440, 1, -10), 6)).clipped == 0
    assert level(amplified(sine(440, 1, -10), 20)).clipped > 0.3
    assert level(amplified(sine(440, 1, -30), 6)).rms_dbfs == pytest.approx(-24, abs=0.05)


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_is_told_from_noise(mains_hz: int) -> None:
    hum = sine(mains_hz, 1.5, -50) + sine(3 * mains_hz, 1.5, -55)
    assert hum_hz(hum + noise(1.5, -60)) == mains_hz
    assert hum_hz(hum + noise(1.5, -40)) is None
    assert hum_hz(hum + np.float32(0.1)) == mains_hz


def test_neither_silence_nor_a_moment_hums() -> None:
    assert hum_hz(np.zeros(RATE_HZ, np.float32)) is None
    assert hum_hz(sine(50, 0.2, -40)) is None


def test_speech_is_measured_where_it_is() -> None:
    frames = [frame(0.1, -70)] * 20 + [frame(0.9, -30)] * 10 + [frame(0.6, -30)] * 5
    found = spoken(frames, 0.5)
    assert (found.length_ms, found.best_probability) == (480, 0.9)
    assert found.rms_dbfs == pytest.approx(-30)
    assert spoken(frames, 0.7).length_ms == 320
    assert spoken([], 0.5).length_ms == 0


def test_an_echo_is_measured_with_its_delay() -> None:
    played = with_pause(speech())
    heard = returned(played, 140, -32) + noise(len(played) / RATE_HZ, -95)
    found = measured(played, heard, heard * np.float32(0.1), -95)
    assert found.heard
    assert found.delay_ms == pytest.approx(140, abs=1)
    assert found.return_db == pytest.approx(-32, abs=0.3)
    assert found.left_db == pytest.approx(-52, abs=0.5)


def test_an_echo_in_a_room_is_still_ours() -> None:
    played = with_pause(speech())
    decay = np.exp(-np.arange(3200) / 800) * np.random.default_rng(2).standard_normal(3200)
    heard = np.convolve(returned(played, 60, -30), decay)[: len(played)].astype(np.float32)
    found = measured(played, heard + noise(len(played) / RATE_HZ, -75), heard, -75)
    assert found.heard
    assert 60 <= found.delay_ms <= 200


def test_what_the_canceller_takes_away_is_seen() -> None:
    played = with_pause(speech())
    heard = returned(played, 100, -20) + noise(len(played) / RATE_HZ, -80)
    whole = len(heard) - len(heard) % 160
    cleaned = WebRtcCleaner(True, 0, False).clean(heard[:whole], played[:whole])
    found = measured(played[:whole], heard[:whole], cleaned, -80)
    assert found.return_db == pytest.approx(-20, abs=0.3)
    assert found.left_db is None or found.left_db < -35


def test_an_echo_below_the_noise_is_none() -> None:
    played = with_pause(speech())
    loud = noise(len(played) / RATE_HZ, -40)
    found = measured(played, loud + returned(played, 100, -45), loud, -40)
    assert not found.heard
    assert found.noise_db == pytest.approx(-20, abs=2)


def test_the_noise_is_no_part_of_the_echo() -> None:
    played = with_pause(speech())
    hiss = noise(len(played) / RATE_HZ, -40)
    found = measured(played, returned(played, 100, -13) + hiss, hiss, -40)
    assert found.return_db == pytest.approx(-13, abs=0.3)


def test_the_canceller_may_learn_for_half_of_the_sound() -> None:
    played = with_pause(speech())
    heard = returned(played, 20, -10)
    cleaned = heard.copy()
    cleaned[RATE_HZ * 26 // 10 :] *= np.float32(0.1)
    found = measured(played, heard, cleaned, -80)
    assert found.left_db is not None
    assert found.left_db < -25


def test_somebody_who_speaks_meanwhile_is_no_echo() -> None:
    played = with_pause(speech())
    somebody = noise(len(played) / RATE_HZ, -30)
    assert not measured(played, somebody, somebody, -70).heard


def test_what_was_cancelled_into_the_noise_has_no_number() -> None:
    played = with_pause(speech())
    hiss = noise(len(played) / RATE_HZ, -60)
    found = measured(played, returned(played, 100, -20) + hiss, hiss, -60)
    assert found.return_db == pytest.approx(-20, abs=0.3)
    assert found.left_db is None


def test_without_a_sound_there_is_no_echo() -> None:
    nothing = np.zeros(RATE_HZ, np.float32)
    assert echo(nothing, noise(1, -30), noise(1, -30), -70) is None
