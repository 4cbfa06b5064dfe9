"""What the tests know of speech: commands that the small model understands, and how loud and long it is."""

import io
import wave
from dataclasses import dataclass

import numpy as np

COMMANDS = (
    "Turn on the kitchen light.",
    "What time is it?",
    "Set a timer for five minutes.",
    "Turn off the bathroom fan.",
    "Set the bedroom lamp to fifty percent.",
)
"""Said by our TTS server they begin after 20 ms. The model was taught with 200 ms of silence before the
first sound, and commands that begin with a stop or a hiss need it."""


@dataclass(frozen=True)
class Sound:
    """Speech as a listener would meter it."""

    seconds: float
    loudness_dbfs: float
    peak: float
    rate_hz: int

    def is_speech_of(self, text: str) -> bool:
        """Whether it could be this text: 8 to 30 characters a second, loud enough, not clipped."""
        return 8 < len(text) / self.seconds < 30 and -32 < self.loudness_dbfs < -8 and self.peak < 1


def metered(wav: bytes) -> Sound:
    """Read a 16-bit mono WAV file."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getsampwidth(), file.getnchannels()) == (2, 1)
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0
    power = float(np.mean(np.square(samples))) if len(samples) else 0.0
    return Sound(
        seconds=len(samples) / rate_hz,
        loudness_dbfs=10 * float(np.log10(power + 1e-12)),
        peak=float(np.abs(samples).max(initial=0.0)),
        rate_hz=rate_hz,
    )
