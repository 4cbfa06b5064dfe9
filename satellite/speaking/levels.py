"""Loudness: what a volume means, gains that move without a click, and the ceiling of the mix.

Pure arithmetic on mono float32. Rule: each sample is treated by itself or by its number, never by the
block that it is in.
"""

import numpy as np

from satellite.parts import Audio

QUIETEST_DB = -40.0
"""The loudness of the lowest volume that is not silence."""
_KNEE = 0.9
"""Below it the mix is left as it is."""


def gain(volume: float) -> float:
    """The factor for a volume from 0 to 1: silence, then from -40 to 0 dB as the ear counts."""
    return 10 ** (QUIETEST_DB * (1 - volume) / 20) if volume > 0 else 0.0


def limited(mix: Audio) -> Audio:
    """The mix with what is over -0.9 dBFS bent, so that nothing exceeds 1.0 however loud it is."""
    over = np.abs(mix) - np.float32(_KNEE)
    if over.max(initial=0.0) <= 0.0:
        return mix
    excess = np.maximum(over, 0)
    bent = _KNEE + excess / (1 + excess / (1 - _KNEE))
    return np.where(over > 0, np.copysign(bent, mix), mix).astype(np.float32)


class Ramp:
    """A gain that goes to its target in a straight line."""

    def __init__(self, value: float, length_samples: int) -> None:
        self._start = self._target = value
        self._length = self._done = max(1, length_samples)

    @property
    def resting_at(self) -> float | None:
        """The gain, while it doesn't change."""
        return self._target if self._done >= self._length else None

    def to(self, target: float) -> None:
        """Begin to move from where it is."""
        if target == self._target:
            return
        moved = min(1.0, self._done / self._length)
        self._start += (self._target - self._start) * moved
        self._target, self._done = target, 0

    def take(self, count: int) -> Audio | np.float32:
        """The gain of the next `count` samples: shape (count,), or one for all of them."""
        if self._done >= self._length:
            return np.float32(self._target)
        steps = np.arange(self._done + 1, self._done + count + 1)
        self._done += count
        values = self._start + (self._target - self._start) * (steps / self._length)
        return np.where(steps < self._length, values, self._target).astype(np.float32)
