"""Turns any PCM into mono float32 at one rate, as a stream: the one importer of soxr.

Resampling keeps its state across chunks, so that 10 ms chunks sound as one recording does.
"""

from typing import cast

import numpy as np
import numpy.typing as npt
import soxr

from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import BadAudio

Audio = npt.NDArray[np.float32]

RATES_HZ = range(1_000, 192_001)
CHANNELS = range(1, 9)
WIDTHS_BYTES = (1, 2, 3, 4)

AUDIBLE = 10 ** (-50 / 20)
"""The level above which a sample can be heard in a quiet room: -50 dBFS."""


def checked_format(rate_hz: object, width_bytes: object, channels: object) -> AudioFormat:
    """The format that a peer named; BadAudio says which part can't be converted."""
    for name, value, allowed in (
        ("rate", rate_hz, RATES_HZ),
        ("width", width_bytes, WIDTHS_BYTES),
        ("channels", channels, CHANNELS),
    ):
        if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
            raise BadAudio(
                f"audio {name} {str(value)[:40]!r} can't be used; from {allowed[0]} to {allowed[-1]}"
            )
    return AudioFormat(cast(int, rate_hz), cast(int, width_bytes), cast(int, channels))


class Resampler:
    """Mono float32 at one rate in, at another out; with equal rates what comes in goes out."""

    def __init__(self, source_hz: int, target_hz: int) -> None:
        self._stream = (
            soxr.ResampleStream(source_hz, target_hz, 1, dtype="float32", quality="HQ")
            if source_hz != target_hz
            else None
        )

    def push(self, samples: Audio) -> Audio:
        """The samples that this chunk completes, shape (n,)."""
        return self._resampled(samples, last=False)

    def finish(self) -> Audio:
        """What was still held back, shape (n,)."""
        return self._resampled(np.zeros(0, np.float32), last=True)

    def _resampled(self, samples: Audio, *, last: bool) -> Audio:
        if self._stream is None:
            return samples
        return cast(Audio, self._stream.resample_chunk(samples, last=last))


class MonoResampler:
    """PCM of one format in, mono float32 at `target_hz` out; chunks may end anywhere, in a frame too."""

    def __init__(self, source: AudioFormat, target_hz: int) -> None:
        self._source = source
        self._rest = b""
        self._resampler = Resampler(source.rate_hz, target_hz)

    def push(self, pcm: bytes) -> Audio:
        """The samples that this chunk completes, shape (n,)."""
        return self._resampler.push(self._whole_frames(pcm))

    def finish(self) -> Audio:
        """What the resampler still held back, shape (n,)."""
        self._rest = b""
        return self._resampler.finish()

    def _whole_frames(self, pcm: bytes) -> Audio:
        data = self._rest + pcm if self._rest else pcm
        usable = len(data) - len(data) % self._source.frame_bytes
        self._rest = data[usable:]
        return to_mono(data[:usable], self._source)


def to_mono(pcm: bytes, source: AudioFormat) -> Audio:
    """Whole frames of PCM as float32 within [-1, 1], the mean of the channels, shape (n,)."""
    match source.width_bytes:
        case 1:
            samples = (np.frombuffer(pcm, np.uint8).astype(np.float32) - 128.0) / 128.0
        case 2:
            samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0
        case 3:
            triples = np.frombuffer(pcm, np.uint8).reshape(-1, 3)
            padded = np.zeros((len(triples), 4), np.uint8)
            padded[:, 1:] = triples
            samples = padded.view("<i4")[:, 0].astype(np.float32) / 2147483648.0
        case _:
            samples = np.frombuffer(pcm, "<i4").astype(np.float32) / 2147483648.0
    if source.channels == 1:
        return samples
    return cast(Audio, samples.reshape(-1, source.channels).mean(axis=1, dtype=np.float32))


def to_pcm16(samples: Audio) -> bytes:
    """Float32 within [-1, 1] as little-endian 16-bit PCM, the inverse of `to_mono`; louder is clipped."""
    scaled: Audio = np.clip(np.rint(samples * 32768.0), -32768, 32767)
    return scaled.astype("<i2").tobytes()


def first_audible_s(pcm: bytes, source: AudioFormat) -> float | None:
    """Seconds to the first sample above AUDIBLE; None when all is silence."""
    whole = pcm[: len(pcm) - len(pcm) % source.frame_bytes]
    loud = np.flatnonzero(np.abs(to_mono(whole, source)) > AUDIBLE)
    return float(loud[0]) / source.rate_hz if len(loud) else None
