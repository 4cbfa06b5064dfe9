"""Binary messages of any size into mono samples for the recogniser, whatever format they are in.

Rule: how a client cuts its audio into messages changes nothing, and no number in it breaks anything: what
is no number is silence, and what is too loud is cut off.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from wyoming_voice.asr.engine import RATE_HZ, Audio
from wyoming_voice.audio import Resampler, to_mono
from wyoming_voice.core.pcm import AudioFormat

SampleFormat = Literal["f32le", "s16le"]

_WIDTH_BYTES = {"f32le": 4, "s16le": 2}
_STEP_MS = 250.0
"""Converting and scoring that much takes 1 to 2 ms."""


class Ears:
    """PCM of one format in, mono float32 at RATE_HZ out. `broken` counts samples that were no numbers."""

    def __init__(self, rate_hz: int, sample_format: SampleFormat, channels: int) -> None:
        self._source = AudioFormat(rate_hz, _WIDTH_BYTES[sample_format], channels)
        self._floats = sample_format == "f32le"
        self._resampler = Resampler(rate_hz, RATE_HZ)
        self._rest = b""
        self.broken = 0

    def push(self, pcm: bytes) -> Iterator[Audio]:
        """The samples that a message completes, no more than 250 ms at a time."""
        data = self._rest + pcm
        usable = len(data) - len(data) % self._source.frame_bytes
        self._rest = data[usable:]
        step = self._source.size_bytes(_STEP_MS)
        for start in range(0, usable, step):
            yield self._resampler.push(self._samples(data[start : min(start + step, usable)]))

    def finish(self) -> Audio:
        """What was still held back; half a sample is forgotten."""
        self._rest = b""
        return self._resampler.finish()

    def _samples(self, frames: bytes) -> Audio:
        if not self._floats:
            return to_mono(frames, self._source)
        samples = np.frombuffer(frames, "<f4")
        sound = np.isfinite(samples)
        if not sound.all():
            self.broken += int(samples.size - np.count_nonzero(sound))
            samples = np.where(sound, samples, np.float32(0.0))
        within = np.clip(samples, -1.0, 1.0).astype(np.float32)
        mono: Audio = within.reshape(-1, self._source.channels).mean(axis=1, dtype=np.float32)
        return mono
