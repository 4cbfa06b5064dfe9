"""PCM as devices have it, to speech and back: 16 kHz, 16-bit mono comes in, mono float goes out.

Rule: streams may be cut anywhere; what a chunk leaves over is kept for the next one.
"""

import numpy as np

from satellite.parts import Audio
from wyoming_voice.audio import MonoResampler, to_pcm16
from wyoming_voice.core.pcm import SPEECH, AudioFormat

BLOCK_MS = 20
"""How much is captured or asked for at once: two frames of the echo canceller, 50 wake-ups a second."""


class SpeechConverter:
    """A device's PCM in, 16 kHz, 16-bit mono PCM out."""

    def __init__(self, source: AudioFormat) -> None:
        self.source = source
        self._resampler = MonoResampler(source, SPEECH.rate_hz)

    def push(self, pcm: bytes) -> bytes:
        """What this chunk completes; may be empty."""
        return to_pcm16(self._resampler.push(pcm))


def encode(samples: Audio, target: AudioFormat) -> bytes:
    """Mono samples within [-1, 1] at the target's rate as its PCM, the same on every channel."""
    if target.width_bytes == 2:
        mono = np.frombuffer(to_pcm16(samples), "<i2")
        return np.repeat(mono, target.channels).tobytes()
    full_scale = float(1 << (8 * target.width_bytes - 1))
    scaled = np.clip(np.rint(samples.astype(np.float64) * full_scale), -full_scale, full_scale - 1)
    wide = np.repeat(scaled.astype("<i4"), target.channels)
    match target.width_bytes:
        case 1:
            return (wide + 128).astype(np.uint8).tobytes()
        case 3:
            return wide.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        case _:
            return wide.tobytes()
