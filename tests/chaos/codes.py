"""Numbers that can be said, heard and written: a word of four syllables, and a tune of as many tones.

So that a test can tell of every sound which utterance or which answer it is. Rule: a number is heard when all
of its tune was, check digit and last mark included, at whatever volume; half a tune is no number.
"""

import re
from itertools import groupby

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

SYLLABLES = ("ba", "be", "bi", "bo", "bu", "da", "de", "di", "do", "du")
MOST = 10_000
SYMBOL_MS = 64
TUNE_MS = 11 * SYMBOL_MS

_MARK_HZ = 2125.0
_DIGITS_HZ = [500.0 + 125.0 * digit for digit in range(10)]
_TONES_HZ = np.array([*_DIGITS_HZ, _MARK_HZ])
_MARK = 10
_OFF_HZ = 45.0
_LEVEL = 0.3
_FAINTEST = 0.01
_WORD = re.compile(r"\b(?:[bd][aeiou]){4}\b")


def word_of(number: int) -> str:
    """0 to 9999 as a word that nobody abbreviates or reads as a number."""
    return "".join(SYLLABLES[int(digit)] for digit in f"{number:04d}")


def numbers_in(text: str) -> list[int]:
    """The numbers whose words are in a text, in their order."""
    return [_number(word) for word in _WORD.findall(text.lower())]


def _number(word: str) -> int:
    syllables = [word[at : at + 2] for at in range(0, 8, 2)]
    return int("".join(str(SYLLABLES.index(syllable)) for syllable in syllables))


def tune_of(number: int, rate_hz: int) -> Samples:
    """The tune of a number; `TUNE_MS` long."""
    digits = [int(digit) for digit in f"{number:04d}"]
    symbols = [_MARK]
    for digit in (*digits, sum(digits) % 10):
        symbols += [digit, _MARK]
    return np.concatenate([hum(SYMBOL_MS, rate_hz, float(_TONES_HZ[one])) for one in symbols])


def hum(ms: float, rate_hz: int, tone_hz: float = 250.0) -> Samples:
    """A tone that is, as it is, no symbol."""
    at_s = np.arange(round(ms * rate_hz / 1000)) / rate_hz
    return (_LEVEL * np.sin(2 * np.pi * tone_hz * at_s)).astype(np.float32)


def numbers_heard(samples: Samples, rate_hz: int) -> list[int]:
    """The numbers whose tunes are in the sound, in their order."""
    runs = [(symbol, len(list(run))) for symbol, run in groupby(_symbols(samples, rate_hz))]
    symbols = [symbol for symbol, length in runs if length >= 2 and symbol is not None]
    found: list[int] = []
    at = 0
    while at + 11 <= len(symbols):
        number = _read(symbols[at : at + 11])
        if number is not None:
            found.append(number)
        at += 1 if number is None else 10
    return found


def _read(symbols: list[int]) -> int | None:
    digits = symbols[1::2]
    if set(symbols[::2]) != {_MARK} or _MARK in digits or sum(digits[:4]) % 10 != digits[4]:
        return None
    return int("".join(map(str, digits[:4])))


def _symbols(samples: Samples, rate_hz: int) -> list[int | None]:
    """What sounds in each window of half a symbol, every quarter of one."""
    window = rate_hz * SYMBOL_MS // 2000
    if len(samples) < window:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(samples, window)[:: window // 2]
    loud = np.abs(windows).max(axis=1) > _FAINTEST
    size = 4 * window
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(window), size, axis=1))
    tones_hz = spectrum.argmax(axis=1) * rate_hz / size
    off_hz = np.abs(tones_hz[:, None] - _TONES_HZ[None, :])
    nearest = off_hz.argmin(axis=1)
    fits = loud & (off_hz.min(axis=1) < _OFF_HZ)
    return [int(one) if fit else None for one, fit in zip(nearest, fits, strict=True)]
