"""The arithmetic of linear PCM: formats, and milliseconds to samples to bytes and back."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AudioFormat:
    """Interleaved linear PCM: little-endian and signed, but unsigned where `width_bytes` is 1."""

    rate_hz: int
    width_bytes: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample on every channel."""
        return self.width_bytes * self.channels

    def ms(self, size_bytes: int) -> float:
        """How long `size_bytes` of audio last."""
        return 1000.0 * size_bytes / (self.frame_bytes * self.rate_hz)

    def size_bytes(self, duration_ms: float) -> int:
        """The size of `duration_ms` of audio, in whole frames."""
        return round(duration_ms * self.rate_hz / 1000) * self.frame_bytes


SPEECH = AudioFormat(rate_hz=16_000, width_bytes=2, channels=1)
"""What microphones send and recognisers hear."""
