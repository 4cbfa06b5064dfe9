"""Speech of any format as 16-bit mono PCM of one rate."""

from wyoming_voice.audio import MonoResampler, checked_format, to_pcm16
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat


class Mono:
    """Pieces of sound in, PCM out; what has the format already stays as it is."""

    def __init__(self, rate_hz: int) -> None:
        self.format = AudioFormat(rate_hz, 2, 1)
        self._resampler: MonoResampler | None = None
        self._takes: AudioFormat | None = None

    def push(self, sound: Sound) -> bytes:
        """What can be made of it by now; raises BadAudio."""
        source = checked_format(
            sound.format.rate_hz, sound.format.width_bytes, sound.format.channels
        )
        before = b"" if source == self._takes else self.finish()
        if source == self.format:
            return before + sound.pcm[: len(sound.pcm) - len(sound.pcm) % source.frame_bytes]
        if self._resampler is None:
            self._resampler, self._takes = MonoResampler(source, self.format.rate_hz), source
        return before + to_pcm16(self._resampler.push(sound.pcm))

    def finish(self) -> bytes:
        """What was held back."""
        resampler, self._resampler, self._takes = self._resampler, None, None
        return b"" if resampler is None else to_pcm16(resampler.finish())
