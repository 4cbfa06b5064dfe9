"""What the benchmarks say to a recogniser, and what they let it hear that nobody has said.

The speech is made by the embedded espeak-ng, whose commands the small command model understands.
"""

import numpy as np

from wyoming_voice.audio import AUDIBLE, Audio, MonoResampler, to_pcm16
from wyoming_voice.benchmark.recording import (
    TRAILING_SILENCE_MS,
    Recording,
    between_silences,
    silence,
)
from wyoming_voice.core.pcm import SPEECH, AudioFormat
from wyoming_voice.tts.engine import Utterance
from wyoming_voice.tts.espeak import EspeakEngine

COMMANDS = (
    "Turn on the kitchen light.",
    "What time is it?",
    "Set a timer for five minutes.",
    "Set the bedroom lamp to fifty percent.",
)
_PAIRS = ((COMMANDS[1], COMMANDS[0]), (COMMANDS[0], COMMANDS[2]))
_HESITATION_MS = 450
_NOISE_S = 4
_LOUD = np.float32(10 ** (-20 / 20))
_QUIET = np.float32(10 ** (-45 / 20))


def recordings(trailing_silence_ms: float = TRAILING_SILENCE_MS) -> list[Recording]:
    """The commands, spoken."""
    engine = _engine()
    return [between_silences(text, _spoken(engine, text), trailing_silence_ms) for text in COMMANDS]


def hesitant() -> list[Recording]:
    """Two commands in one, with a pause between them that a speaker needs to think."""
    engine = _engine()
    said = []
    for first, second in _PAIRS:
        before, after = (_trimmed(_spoken(engine, text)) for text in (first, second))
        whole = np.concatenate([before, silence(_HESITATION_MS), after])
        said.append(between_silences(f"{first} {second}", whole))
    return said


def spoken(text: str) -> Audio:
    """A text without silence before and after it."""
    return _trimmed(_spoken(_engine(), text))


def long_recording(length_s: float) -> Recording:
    """Commands one after another until so many seconds are full."""
    said = np.concatenate([one.samples for one in recordings()])
    size = round(length_s * SPEECH.rate_hz)
    return Recording("", np.tile(said, 1 + size // len(said))[:size])


def unspoken() -> dict[str, Recording]:
    """Name -> a sound that holds no words: whoever reads any in it has made them up."""
    size = _NOISE_S * SPEECH.rate_hz
    rng = np.random.default_rng(0)
    white: Audio = rng.standard_normal(size, dtype=np.float32) / np.float32(3)
    brown = np.cumsum(rng.standard_normal(size)).astype(np.float32)
    brown -= np.linspace(brown[0], brown[-1], size, dtype=np.float32)
    brown /= np.abs(brown).max()
    hum = np.sin(2 * np.pi * 50 * np.arange(size) / SPEECH.rate_hz).astype(np.float32)
    clicks = np.zeros(size, np.float32)
    clicks[:: SPEECH.rate_hz // 2] = 1.0
    sounds: dict[str, Audio] = {
        "silence": silence(1000 * _NOISE_S),
        "white noise, quiet": white * _QUIET,
        "white noise, loud": white * _LOUD,
        "brown noise, loud": brown * _LOUD,
        "hum of 50 Hz": hum * _LOUD,
        "clicks": clicks * _LOUD,
    }
    return {name: Recording("", sound) for name, sound in sounds.items()}


def _engine() -> EspeakEngine:
    engine = EspeakEngine()
    engine.load()
    return engine


def _spoken(engine: EspeakEngine, text: str) -> Audio:
    source = AudioFormat(engine.sample_rate_hz, width_bytes=2, channels=1)
    resampler = MonoResampler(source, SPEECH.rate_hz)
    parts = [
        resampler.push(to_pcm16(sound.samples))
        for sound in engine.synthesize(Utterance(text, voice="en-us"))
    ]
    return np.concatenate([*parts, resampler.finish()])


def _trimmed(sound: Audio) -> Audio:
    loud = np.flatnonzero(np.abs(sound) > AUDIBLE)
    return sound[loud[0] : loud[-1] + 1]
