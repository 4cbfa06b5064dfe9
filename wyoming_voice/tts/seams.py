"""Joins an engine's pieces into one voice: no clicks, equal levels, pauses where the text has them.

Rule: engines differ in the silence they put around a piece and in loudness from piece to piece; what
leaves here starts 20 ms before the first sound, rests by punctuation only, and stays below -1 dBFS.
"""

from dataclasses import dataclass

import numpy as np

from wyoming_voice.tts.engine import Samples

_CEILING = 10 ** (-1 / 20)
_SILENT_PEAK = 1e-4
"""-80 dBFS: a piece below it holds no sound that could be trimmed around."""

_SOUND_BELOW_PEAK = 10 ** (-40 / 20)
"""What is more than 40 dB under a piece's peak counts as silence at its ends."""

_BLOCK_MS = 5
_MOST_GAIN = 10 ** (3 / 20)
"""3 dB: enough for a clause that came out weak, too little to lift a whisper to a shout."""

_CLOSERS = "\"')]}»”’」』）*_ \t\n"
_PAUSES_MS = (
    (".!?…。！？", 320),
    (":;：；", 220),
    (",、，—–-", 150),
)
_NO_PUNCTUATION_MS = 60


@dataclass(frozen=True, slots=True)
class SeamSettings:
    """How pieces are joined; `speed` shortens the pauses as it shortens the words."""

    rate_hz: int
    speed: float = 1.0
    lead_ms: float = 20.0
    tail_ms: float = 40.0
    fade_ms: float = 5.0
    blank_ms: float = 80.0


@dataclass(frozen=True, slots=True)
class Joined:
    """Silence of `rest_samples` and a piece behind it; the piece's sample 0 would be at `origin`."""

    samples: Samples
    rest_samples: int = 0
    origin: int = 0

    def place(self, sample: int) -> int:
        """Where a sample of the piece is; what was trimmed away is at the piece's nearer end."""
        return min(max(self.origin + sample, self.rest_samples), len(self.samples))


class Seams:
    """Pieces in, joined audio out; mono float32 throughout, shape (n,)."""

    def __init__(self, settings: SeamSettings) -> None:
        self._settings = settings
        self._rest_ms = 0.0
        self._blank = True
        self._loudness = 0.0
        self._loud_samples = 0

    def push(self, samples: Samples, text: str) -> Joined:
        """The pause that the text before asked for, then this piece; `text` is what it says."""
        if not len(samples):
            return Joined(samples)
        settings = self._settings
        trimmed, start = _trimmed(samples, settings)
        piece = _limited(self._levelled(trimmed), settings.rate_hz)
        rest = self.rest()
        joined = Joined(np.concatenate((rest, piece)), len(rest), len(rest) - start)
        around_ms = settings.lead_ms + settings.tail_ms
        self._rest_ms = max(0.0, pause_after_ms(text) / settings.speed - around_ms)
        self._blank = False
        return joined

    @property
    def rest_ms(self) -> float:
        """The silence between the last piece and a next one that hasn't been given out yet."""
        return self._rest_ms

    def rest(self) -> Samples:
        """That silence, for who knows that there is a next piece before it is made."""
        rest_ms, self._rest_ms = self._rest_ms, 0.0
        return self._silence(rest_ms)

    def finish(self) -> Samples:
        """Silence of `blank_ms` when nothing was pushed, else nothing."""
        return self._silence(self._settings.blank_ms if self._blank else 0.0)

    def _levelled(self, piece: Samples) -> Samples:
        """The piece at the loudness of those before it; the first one sets it."""
        loudness, length = _rms_of_sound(piece), len(piece)
        if loudness <= _SILENT_PEAK:
            return piece
        gain = self._loudness / loudness if self._loud_samples else 1.0
        gain = min(max(gain, 1 / _MOST_GAIN), _MOST_GAIN)
        self._loud_samples += length
        self._loudness += (loudness * gain - self._loudness) * length / self._loud_samples
        return (piece * gain).astype(np.float32)

    def _silence(self, ms: float) -> Samples:
        return np.zeros(self._count(ms), np.float32)

    def _count(self, ms: float) -> int:
        return round(ms * self._settings.rate_hz / 1000)


def pause_after_ms(text: str) -> float:
    """How long a reader rests after `text`, at normal speed."""
    last = text.rstrip(_CLOSERS)[-1:]
    for marks, pause_ms in _PAUSES_MS:
        if last and last in marks:
            return pause_ms
    return _NO_PUNCTUATION_MS


def _trimmed(samples: Samples, settings: SeamSettings) -> tuple[Samples, int]:
    """Without silence but for `lead_ms` before the first sound and `tail_ms` after the last.

    And which sample it begins with; one before the first is negative. What is left is faded where it
    begins and ends, which may be in the middle of a sound, and filled up with silence: so every piece
    rests for as long at its ends.
    """
    magnitudes = np.abs(samples)
    peak = float(magnitudes.max())
    if peak <= _SILENT_PEAK:
        return samples, 0
    lead, tail, fade = (
        round(ms * settings.rate_hz / 1000)
        for ms in (settings.lead_ms, settings.tail_ms, settings.fade_ms)
    )
    loud = np.flatnonzero(magnitudes > peak * _SOUND_BELOW_PEAK)
    start, end = int(loud[0]) - lead, int(loud[-1]) + 1 + tail
    audible = np.flatnonzero(magnitudes[max(0, start) : end]) + max(0, start)
    first, last = int(audible[0]), int(audible[-1]) + 1
    padded: Samples = np.pad(_faded(samples[first:last], fade), (first - start, end - last))
    return padded, start


def _rms_of_sound(piece: Samples) -> float:
    """The root mean square of what is not a pause within the piece."""
    peak = float(np.abs(piece).max())
    sound = piece[np.abs(piece) > peak * 0.05]
    return float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0


def _limited(piece: Samples, rate_hz: int) -> Samples:
    """The piece with its peaks turned down to -1 dBFS, over 5 ms to either side.

    Each block has the gain that its peak needs; an edge between blocks takes the lower gain of the two,
    and the gain runs straight from edge to edge: so it is nowhere above what the block needs.
    """
    if float(np.abs(piece).max()) <= _CEILING:
        return piece
    block = rate_hz * _BLOCK_MS // 1000
    count = -(-len(piece) // block)
    peaks = np.abs(np.pad(piece, (0, count * block - len(piece)))).reshape(count, block).max(axis=1)
    gains = np.minimum(1.0, _CEILING / np.maximum(peaks, _CEILING))
    padded = np.concatenate((gains[:1], gains, gains[-1:]))
    edges = np.minimum(padded[:-1], padded[1:])
    curve = np.interp(np.arange(len(piece)), np.arange(count + 1) * block, edges)
    limited: Samples = (piece * curve).astype(np.float32)
    return limited


def _faded(piece: Samples, fade_samples: int) -> Samples:
    """The piece with its first and last samples brought to nothing, so that no seam jumps."""
    count = min(fade_samples, len(piece) // 2)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    faded = piece.copy()
    faded[:count] *= ramp
    faded[len(faded) - count :] *= ramp[::-1]
    return faded
