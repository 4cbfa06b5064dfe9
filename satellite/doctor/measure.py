"""What the doctor measures in sound: levels, hum, speech, and how much of our own voice comes back. Pure.

Sound is mono float32 at 16 kHz within [-1, 1], as the microphone's thread heard it. Rule: a level is a
ratio of powers in dB; what is lost in the noise is told as such, never as a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satellite.hearing.level import QUIETEST_DB, decibels, level_dbfs
from satellite.parts import Audio, HeardFrame
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.vad import FRAME_MS

CLIPPED = 0.999
"""A sample beyond it has been cut off."""

_HUM_HZ = (50, 60)
_HARMONICS = 8
_HUM_SHARE = 0.5
"""A noise of which more than this is mains frequency hums."""
_AUDIBLE = 4.0
"""An echo has at least this part more power than the noise: 6 dB."""
_OURS = 0.1
"""How well what comes back must agree with what was played.

Measured: noise 0.01, other speech 0.06, simulated rooms 0.13 to 0.5.
"""
_LONGEST_DELAY_MS = 1_000


@dataclass(frozen=True)
class Level:
    """How loud something is; `clipped` is the share of its samples that were cut off."""

    rms_dbfs: float
    peak_dbfs: float
    clipped: float

    @property
    def silent(self) -> bool:
        """Whether not a single sample differs from zero."""
        return self.peak_dbfs <= QUIETEST_DB


@dataclass(frozen=True)
class Spoken:
    """Speech as the detector found it: how long, how loud, and how sure it was at best."""

    length_ms: int
    rms_dbfs: float
    best_probability: float


@dataclass(frozen=True)
class Echo:
    """What comes back of a sound: its level against what was played in dB, before and after cancelling.

    None: it is lost in the noise, which has `noise_db`; `heard` says whether anything came back.
    """

    heard: bool
    noise_db: float
    return_db: float | None
    left_db: float | None
    delay_ms: int


def level(samples: Audio) -> Level:
    """The level of samples of any number."""
    peak = float(np.abs(samples).max(initial=0.0))
    clipped = float(np.mean(np.abs(samples) >= CLIPPED)) if len(samples) else 0.0
    return Level(level_dbfs(samples), decibels(peak**2), clipped)


def hum_hz(samples: Audio) -> int | None:
    """50 or 60 where the noise is mostly that and its harmonics; at least half a second is needed."""
    if len(samples) < SPEECH.rate_hz // 2:
        return None
    # The microphone's direct current is no sound.
    spectrum = np.abs(np.fft.rfft((samples - samples.mean()) * np.hanning(len(samples)))) ** 2
    total = float(spectrum.sum())
    if total <= 0.0:
        return None
    shares = {hz: _share(spectrum, hz, len(samples)) / total for hz in _HUM_HZ}
    loudest = max(shares, key=lambda hz: shares[hz])
    return loudest if shares[loudest] > _HUM_SHARE else None


def spoken(frames: Sequence[HeardFrame], threshold: float) -> Spoken:
    """The speech in frames that were heard; `threshold` is the probability that counts as speech."""
    speech = [frame for frame in frames if frame.probability >= threshold]
    power = sum(10.0 ** (frame.level_dbfs / 10.0) for frame in speech) / max(1, len(speech))
    return Spoken(
        length_ms=len(speech) * FRAME_MS,
        rms_dbfs=decibels(power),
        best_probability=max((frame.probability for frame in frames), default=0.0),
    )


def echo(played: Audio, heard: Audio, cleaned: Audio, noise_dbfs: float) -> Echo | None:
    """What of `played` is in `heard` and left in `cleaned`, all of one length and one time.

    The second half of the sound counts, when an echo canceller has had time to learn. None where
    nothing was played.
    """
    sounding = np.flatnonzero(np.abs(played) > 1e-4)
    if len(sounding) == 0:
        return None
    first, last = int(sounding[0]), int(sounding[-1]) + 1
    delay, agreement = _delay(played, heard)
    begin, end = (first + last) // 2, last
    played_power = _power(played[begin:end])
    window = slice(begin + delay, min(len(heard), end + delay))
    noise_power = 10.0 ** (noise_dbfs / 10.0)
    came_back = _power(heard[window]) > _AUDIBLE * noise_power and agreement > _OURS
    return Echo(
        heard=came_back,
        noise_db=decibels(noise_power / played_power),
        return_db=_over(heard[window], noise_power, played_power) if came_back else None,
        left_db=_over(cleaned[window], noise_power, played_power) if came_back else None,
        delay_ms=round(1000 * delay / SPEECH.rate_hz),
    )


def _share(spectrum: Audio, hz: int, samples: int) -> float:
    bins = [round(number * hz * samples / SPEECH.rate_hz) for number in range(1, _HARMONICS + 1)]
    return float(sum(spectrum[at - 2 : at + 3].sum() for at in bins))


def _delay(played: Audio, heard: Audio) -> tuple[int, float]:
    """After how many samples the sound came back, and how alike it is: 0 to 1."""
    size = 1 << (len(played) + len(heard)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    likeness = np.abs(np.fft.irfft(product, size)[: SPEECH.rate_hz * _LONGEST_DELAY_MS // 1000])
    delay = int(np.argmax(likeness))
    whole = float(np.sqrt(np.dot(played, played) * np.dot(heard, heard)))
    return delay, float(likeness[delay]) / whole if whole > 0 else 0.0


def _over(samples: Audio, noise_power: float, played_power: float) -> float | None:
    power = _power(samples) - noise_power
    return decibels(power / played_power) if power > noise_power * (_AUDIBLE - 1) else None


def _power(samples: Audio) -> float:
    return float(np.dot(samples, samples)) / max(1, len(samples))
