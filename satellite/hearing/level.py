"""How loud sound is: the one meaning of a level in dB, for `status`, the doctor and a deaf microphone. Pure.

Rule: a level is never infinite; digital silence, which has none, is at QUIETEST_DB.
"""

import math

import numpy as np

from satellite.parts import Audio

QUIETEST_DB = -120.0
_FULL_SCALE = 32_767 / 32_768


def decibels(power: float) -> float:
    """A power, or a ratio of two, in dB; QUIETEST_DB at the least."""
    return 10.0 * math.log10(max(power, 10.0 ** (QUIETEST_DB / 10.0)))


def level_dbfs(samples: Audio) -> float:
    """The level of samples within [-1, 1], where 0 dB is the loudest square wave."""
    return decibels(float(np.dot(samples, samples)) / max(1, len(samples)))


def is_clipped(samples: Audio) -> bool:
    """Whether any of them is as loud as 16 bits can say: the converter may have cut off what was louder."""
    return bool(len(samples)) and float(np.abs(samples).max()) >= _FULL_SCALE


def amplified(samples: Audio, gain_db: float) -> Audio:
    """The samples after `--mic-gain-db`, cut off at full scale where that is too much."""
    louder: Audio = np.clip(samples * np.float32(10.0 ** (gain_db / 20.0)), -1.0, 1.0)
    return louder
