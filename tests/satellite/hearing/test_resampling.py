"""Tones through the prompt resampler: same sound, at once, whatever the chunks."""

import numpy as np
import pytest

from satellite.hearing.resampling import PromptResampler
from satellite.parts import Audio

RATES_HZ = (16_000, 22_050, 24_000, 44_100, 48_000)


def tone(frequency_hz: float, rate_hz: int) -> Audio:
    at = np.arange(rate_hz) / rate_hz
    return (0.5 * np.sin(2 * np.pi * frequency_hz * at)).astype(np.float32)


def resampled(samples: Audio, rate_hz: int, chunk: int) -> Audio:
    resampler = PromptResampler(rate_hz, 16_000)
    pieces = [resampler.push(samples[at : at + chunk]) for at in range(0, len(samples), chunk)]
    return np.concatenate(pieces)


def level_db(samples: Audio) -> float:
    return 10 * float(np.log10(np.mean(samples**2) + 1e-12))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_nothing_is_held_back(rate_hz: int) -> None:
    resampler, made = PromptResampler(rate_hz, 16_000), 0
    for number in range(1, 101):
        made += len(resampler.push(np.zeros(rate_hz // 100, np.float32)))
        due = 160 * number * (rate_hz // 100) / (rate_hz / 100)
        assert 0 <= due - made <= 16  # a millisecond


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("frequency_hz", [100, 1000, 4000])
def test_a_tone_stays_what_and_where_it_was(frequency_hz: int, rate_hz: int) -> None:
    made = resampled(tone(frequency_hz, rate_hz), rate_hz, 480)
    wanted = tone(frequency_hz, 16_000)[: len(made)]
    assert level_db(made[800:-800] - wanted[800:-800]) < level_db(wanted) - 35


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_what_16_khz_cannot_hold_is_taken_out(rate_hz: int) -> None:
    assert level_db(resampled(tone(12_000, rate_hz), rate_hz, 480)) < -45


@pytest.mark.parametrize("chunk", [1, 7, 441, 5000])
def test_any_split_of_the_input_sounds_the_same(chunk: int) -> None:
    sound = tone(700, 44_100)[:10_000]
    whole = resampled(sound, 44_100, len(sound))
    np.testing.assert_allclose(resampled(sound, 44_100, chunk), whole, atol=1e-6)
