"""A decoded frame of any sample type and any channels as mono float32: decides the weight of a channel.

Rule: one or two channels, or channels without names, are averaged, as live audio is. In surround sound
people speak from the centre: it weighs most, and the channel of effects (LFE) nothing. The weights are
those of ITU-R BS.775-4, table 2, for fewer loudspeakers, scaled so that nothing can clip.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from wyoming_voice.audio import Audio

_WEIGHTS = {"FC": 1.0, "FL": 0.707, "FR": 0.707, "LFE": 0.0, "LFE2": 0.0}
_OTHERS = 0.5


def mono(frames: npt.NDArray[np.generic], channels: Sequence[str]) -> Audio:
    """Samples of shape (channels, n), integer or float of any width, as float32 of shape (n,).

    Integers come out within [-1, 1]; floats as they are: not finite, or louder.
    """
    scaled = _as_float(frames)
    if len(channels) == 1:
        only: Audio = scaled[0]
        return only
    if len(channels) == 2 or not {"FL", "FR", "FC"} <= set(channels):
        averaged: Audio = scaled.mean(axis=0, dtype=np.float32)
        return averaged
    weights = np.array([_WEIGHTS.get(name, _OTHERS) for name in channels], np.float32)
    mixed: Audio = (weights / weights.sum()) @ scaled
    return mixed


def _as_float(frames: npt.NDArray[np.generic]) -> Audio:
    if frames.dtype == np.uint8:
        return (frames.astype(np.float32) - 128.0) / 128.0
    if np.issubdtype(frames.dtype, np.integer):
        full = np.float32(2 ** (8 * frames.dtype.itemsize - 1))
        return frames.astype(np.float32) / full
    with np.errstate(over="ignore"):  # a double may be too large: infinite, and refused as such
        return frames.astype(np.float32)
