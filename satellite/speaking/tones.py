"""The sounds that no server makes: feedback tones, the thinking loop, the ring, and spoken sentences.

Tones are computed, so that they fit any rate; a WAV file can take the place of a tone. Rule: every sound
begins and ends at zero and has no direct current, so that nothing clicks; its loudness is that of its name.
"""

import wave
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np

from satellite.effects import Tone
from satellite.events import Trouble
from satellite.parts import Audio
from wyoming_voice.audio import MonoResampler, checked_format
from wyoming_voice.client import Sound
from wyoming_voice.core.own_languages import own_language
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import BadAudio, ConfigError

TONE_DBFS = -22.0
"""RMS of a tone over its length: a little under speech, which is at -20."""
THINKING_DBFS = -42.0
"""RMS of the thinking loop with its pauses."""
RINGING_DBFS = -18.0
"""RMS of the ring with its pauses."""
LONGEST_TONE_S = 10.0

_ATTACK_MS = 8
_RELEASE_MS = 30
_OVERTONES = (1.0, 0.25, 0.08)
"""A sine alone is hard to hear on a small loudspeaker, and hard to find in a room."""


@dataclass(frozen=True)
class Note:
    """A sine with two overtones that swells, decays and ends; 0 Hz is a pause."""

    hz: float
    length_ms: int


E5, A5, C6, A4, E4 = 659.3, 880.0, 1046.5, 440.0, 329.6

_TONES = {
    Tone.LISTENING: (Note(E5, 80), Note(A5, 130)),
    Tone.DONE: (Note(A5, 80), Note(E5, 130)),
    Tone.ERROR: (Note(A4, 140), Note(0, 40), Note(E4, 240)),
}
_THINKING = (Note(A4, 160), Note(0, 240), Note(E5, 160), Note(0, 1_240))
_RINGING = (
    *(Note(A5, 120), Note(C6, 120), Note(0, 60)) * 3,
    Note(0, 900),
)


@dataclass(frozen=True)
class Chimes:
    """All feedback sounds at one rate, mono, shape (n,); the last two are loops without a seam."""

    rate_hz: int
    tones: Mapping[Tone, Audio]
    thinking: Audio
    ringing: Audio


def chimes(rate_hz: int, recorded: Mapping[Tone, Sound] | None = None) -> Chimes:
    """The sounds for a loudspeaker at `rate_hz`; what was `recorded` takes the place of a tone."""
    tones = {tone: _played(notes, rate_hz, TONE_DBFS) for tone, notes in _TONES.items()}
    for tone, sound in (recorded or {}).items():
        tones[tone] = resampled(sound, rate_hz)
    return Chimes(
        rate_hz,
        tones,
        _played(_THINKING, rate_hz, THINKING_DBFS),
        _played(_RINGING, rate_hz, RINGING_DBFS),
    )


def read_tones(paths: Mapping[Tone, Path | None]) -> dict[Tone, Sound]:
    """The files that take the place of tones; None keeps a tone. Raises ConfigError with the remedy."""
    return {tone: _read_tone(path) for tone, path in paths.items() if path is not None}


def read_sentences(language: str = "") -> Mapping[Trouble, Sound]:
    """What the satellite can say without a server: a sentence for each trouble, from the package.

    Those of a BCP-47 tag's language, in English where there are none in it; read once.
    """
    return _read_sentences(own_language(language))


@cache
def _read_sentences(language: str) -> Mapping[Trouble, Sound]:
    shipped = files("satellite.speaking") / "sentences" / language
    sentences = {}
    for trouble in Trouble:
        with (shipped / f"{trouble.value}.wav").open("rb") as file, wave.open(file) as recording:
            sentences[trouble] = _sound_in(recording)
    return sentences


def resampled(sound: Sound, rate_hz: int) -> Audio:
    """The whole sound as mono samples at `rate_hz`, shape (n,)."""
    resampler = MonoResampler(sound.format, rate_hz)
    return np.concatenate([resampler.push(sound.pcm), resampler.finish()])


def _read_tone(path: Path) -> Sound:
    try:
        with wave.open(str(path), "rb") as recording:
            sound = _sound_in(recording)
    except (OSError, wave.Error, EOFError, BadAudio) as error:
        raise ConfigError(
            f"tone {str(path)!r} can't be read: {error}; give a WAV file of 16-bit PCM"
        ) from error
    length_s = sound.format.ms(len(sound.pcm)) / 1000
    if not 0 < length_s <= LONGEST_TONE_S:
        raise ConfigError(
            f"tone {str(path)!r} lasts {length_s:.1f} s; give one of up to {LONGEST_TONE_S:.0f} s"
        )
    return sound


def _sound_in(recording: wave.Wave_read) -> Sound:
    source: AudioFormat = checked_format(
        recording.getframerate(), recording.getsampwidth(), recording.getnchannels()
    )
    return Sound(recording.readframes(recording.getnframes()), source)


def _played(notes: tuple[Note, ...], rate_hz: int, level_dbfs: float) -> Audio:
    # Boundaries are rounded from the beginning on, so that a loop is as long at every rate.
    ends_ms = np.cumsum([0, *(note.length_ms for note in notes)])
    edges = [round(int(ms) * rate_hz / 1000) for ms in ends_ms]
    samples = np.concatenate(
        [
            _note(note, end - start, rate_hz)
            for note, (start, end) in zip(notes, pairwise(edges), strict=True)
        ]
    )
    rms = float(np.sqrt(np.mean(samples**2)))
    return (samples * (10 ** (level_dbfs / 20) / rms)).astype(np.float32)


def _note(note: Note, count: int, rate_hz: int) -> Audio:
    """A bell-like note of `count` samples; overtones that the rate can't carry are left out."""
    if not note.hz:
        return np.zeros(count, np.float32)
    at_s = np.arange(count) / rate_hz
    wave_form = np.zeros(count)
    for number, level in enumerate(_OVERTONES, 1):
        if number * note.hz < rate_hz / 2:
            wave_form += level * np.sin(2 * np.pi * number * note.hz * at_s)
    length_s = count / rate_hz
    attack = np.minimum(at_s * 1000 / _ATTACK_MS, 1.0)
    release = np.minimum((length_s - at_s) * 1000 / _RELEASE_MS, 1.0)
    swell = np.sin(0.5 * np.pi * attack) ** 2 * np.sin(0.5 * np.pi * release) ** 2
    shaped = wave_form * swell * np.exp(-2.0 * at_s / length_s)
    # The swell leaves a trace of direct current; taken out in its own shape, both ends stay at zero.
    centred: Audio = (shaped - swell * (shaped.sum() / swell.sum())).astype(np.float32)
    return centred
