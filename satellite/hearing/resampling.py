"""Resamples what the loudspeaker plays for the echo canceller, with half a millisecond of delay.

Exact polyphase filtering by a windowed sinc (https://ccrma.stanford.edu/~jos/resample/). Rule: nothing is
held back. A soxr stream sounds better and holds back up to 40 ms, with which the far end would come after
its own echo.
"""

import math

import numpy as np

from satellite.parts import Audio

_CROSSINGS = 8
"""Zero crossings of the sinc on each side, at the lower rate."""

_CUTOFF = 0.9
"""What passes, of the lower rate's band."""


class PromptResampler:
    """Mono float32 at `source_hz` in, at `target_hz` out, in chunks of any size."""

    def __init__(self, source_hz: int, target_hz: int) -> None:
        shared = math.gcd(source_hz, target_hz)
        self._phases, self._step = target_hz // shared, source_hz // shared
        ratio = max(1.0, source_hz / target_hz)
        self._taps = 2 * math.ceil(_CROSSINGS * ratio)
        places = np.arange(self._taps) - self._taps / 2
        offsets = places - np.arange(self._phases)[:, np.newaxis] / self._phases
        window = 0.5 + 0.5 * np.cos(2 * np.pi * np.clip(offsets / self._taps, -0.5, 0.5))
        kernels = np.sinc(offsets * _CUTOFF / ratio) * window
        self._kernels = (kernels / kernels.sum(axis=1, keepdims=True)).astype(np.float32)
        self._held: Audio = np.zeros(self._taps // 2, np.float32)
        self._at = 0  # of the next sample's window in what is held, in 1/phases of a sample

    def push(self, samples: Audio) -> Audio:
        """The samples that can be made of all that has come, shape (n,)."""
        held = np.concatenate((self._held, samples))
        count = max(0, ((len(held) - self._taps) * self._phases - self._at) // self._step + 1)
        begins, phases = np.divmod(self._at + self._step * np.arange(count), self._phases)
        used, self._at = divmod(self._at + self._step * count, self._phases)
        self._held = held[used:]
        if not count:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(held, self._taps)[begins]
        resampled: Audio = np.einsum("ij,ij->i", windows, self._kernels[phases])
        return resampled
