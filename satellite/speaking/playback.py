"""One playback: pieces of sound of any format go in as they come, mono samples at one rate come out.

It decides when there is enough to begin, and when to pause because more is late. Rule: nothing that came is
dropped, nothing clicks where it begins, pauses and breaks off, and the samples do not depend on how
many are taken at a time. Pieces are kept as they came and resampled in slices as they are needed,
so that neither a long piece nor a long playback costs anything at once.
"""

from collections import deque

import numpy as np

from satellite.parts import Audio
from wyoming_voice.audio import MonoResampler, to_pcm16
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat

_SLICE_MS = 20
_NOTHING: Audio = np.zeros(0, np.float32)


class Playback:
    """Waits until `jitter_ms` have come or it is complete, then gives samples; pauses when it runs dry."""

    def __init__(self, rate_hz: int, *, jitter_ms: float, fade_ms: float) -> None:
        self.complete = False  # no more pieces will come
        self.given_ms = 0.0
        self.paused = True
        self._jitter_ms = jitter_ms
        self._fade_ms = fade_ms
        self._pieces: deque[Sound] = deque()
        self._offset_bytes = 0  # of the first piece, already resampled
        self._pieces_ms = 0.0
        self._resampler: MonoResampler | None = None
        self._resampler_takes: AudioFormat | None = None
        self._ready = _NOTHING
        self._since_start = 0
        self._set_rate(rate_hz)

    @property
    def waiting_ms(self) -> float:
        """What has come and was not given yet."""
        return self._pieces_ms + 1000.0 * len(self._ready) / self._rate_hz

    @property
    def _enough(self) -> bool:
        """There is enough to begin with, or all there will be."""
        waiting_ms = self.waiting_ms
        return self.complete or (waiting_ms > 0 and waiting_ms >= self._jitter_ms)

    @property
    def over(self) -> bool:
        """Everything was given."""
        return self.complete and not self._pieces and not len(self._ready) and not self._resampler

    def add(self, sound: Sound) -> None:
        """Take a piece; its format is one that `checked_format` lets pass."""
        if not sound.pcm:
            return
        self._pieces.append(sound)
        self._pieces_ms += sound.format.ms(len(sound.pcm))

    def take(self, most: int) -> Audio:
        """Up to `most` samples; fewer when it is over, waits, or has just run dry (see `dry`)."""
        if self.paused:
            if not self._enough:
                return _NOTHING
            self.paused = False
            self._since_start = 0
        # The last samples stay behind while more may come: they are what `cut` fades out.
        kept = 0 if self.complete else self._fade_samples
        self._resample(most + max(1, kept))
        return self._faded_in(self._taken(min(most, max(0, len(self._ready) - kept))))

    @property
    def dry(self) -> bool:
        """It plays, and has nothing left but what a fade-out needs: `cut` it."""
        return (
            not self.paused
            and not self.complete
            and not self._pieces
            and len(self._ready) <= self._fade_samples
        )

    def cut(self) -> Audio:
        """Pause: the next few samples, faded out; nothing where it doesn't sound."""
        if self.paused:
            return _NOTHING
        self._resample(self._fade_samples)
        tail = self._faded_in(self._taken(min(self._fade_samples, len(self._ready))))
        self.paused = True
        return tail * np.linspace(1, 0, len(tail) + 1, dtype=np.float32)[1:]

    def retune(self, rate_hz: int) -> None:
        """Go on for a loudspeaker with another rate."""
        held = self._ready
        if self._resampler is not None:
            held = np.concatenate([held, self._resampler.finish()])
        self._resampler = self._resampler_takes = None
        self._ready = _NOTHING
        if len(held):
            self._skip_begun()
            self._pieces.appendleft(Sound(to_pcm16(held), AudioFormat(self._rate_hz, 2, 1)))
            self._pieces_ms += 1000.0 * len(held) / self._rate_hz
        self._set_rate(rate_hz)

    def _set_rate(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._fade_samples = max(1, round(self._fade_ms * rate_hz / 1000))

    def _taken(self, count: int) -> Audio:
        taken, self._ready = self._ready[:count], self._ready[count:]
        self.given_ms += 1000.0 * count / self._rate_hz
        return taken

    def _faded_in(self, samples: Audio) -> Audio:
        position = self._since_start
        self._since_start += len(samples)
        if position >= self._fade_samples or not len(samples):
            return samples
        steps = np.arange(position + 1, position + len(samples) + 1)
        gain: Audio = np.minimum(steps / self._fade_samples, 1.0).astype(np.float32)
        return samples * gain

    def _resample(self, wanted: int) -> None:
        """Make `wanted` samples ready, or as many as there are."""
        parts = [self._ready]
        count = len(self._ready)
        while count < wanted and (self._pieces or (self.complete and self._resampler)):
            parts.append(self._next_slice())
            count += len(parts[-1])
        if len(parts) > 1:
            self._ready = np.concatenate(parts)

    def _next_slice(self) -> Audio:
        """What the resampler makes of the next slice, or held back where the format ends."""
        following = self._pieces[0].format if self._pieces else None
        if self._resampler is not None and self._resampler_takes != following:
            held_back = self._resampler.finish()
            self._resampler = self._resampler_takes = None
            return held_back
        if following is None:
            return _NOTHING
        if self._resampler is None:
            self._resampler = MonoResampler(following, self._rate_hz)
            self._resampler_takes = following
        return self._resampler.push(self._next_pcm(following))

    def _next_pcm(self, source: AudioFormat) -> bytes:
        piece = self._pieces[0].pcm
        end = self._offset_bytes + max(source.frame_bytes, source.size_bytes(_SLICE_MS))
        pcm = piece[self._offset_bytes : end]
        self._offset_bytes = end
        self._pieces_ms -= source.ms(len(pcm))
        if end >= len(piece):
            self._pieces.popleft()
            self._offset_bytes = 0
        if not self._pieces:
            self._pieces_ms = 0.0  # takes what rounding has left
        return pcm

    def _skip_begun(self) -> None:
        """Leave of the first piece what was not resampled yet."""
        if self._offset_bytes:
            first = self._pieces.popleft()
            self._pieces.appendleft(Sound(first.pcm[self._offset_bytes :], first.format))
            self._offset_bytes = 0
