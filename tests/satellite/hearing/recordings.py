"""Recordings that the tests hear: the wake words of `data`, and the question that the package ships."""

import wave
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from satellite.parts import Audio
from wyoming_voice.audio import MonoResampler, to_mono, to_pcm16
from wyoming_voice.core.pcm import SPEECH, AudioFormat

DATA = Path(__file__).parent / "data"


def wake_word(name: str) -> bytes:
    """A spoken wake word: 16 kHz, 16-bit mono PCM."""
    return to_pcm16(_read(DATA / f"{name}.wav"))


def question() -> Audio:
    """A recorded question, at 16 kHz."""
    with as_file(files("wyoming_voice") / "data" / "question.wav") as path:
        return _read(path)


def silence(ms: int) -> bytes:
    """Nothing at all."""
    return bytes(SPEECH.size_bytes(ms))


def samples(pcm: bytes) -> Audio:
    """PCM as float32."""
    return to_mono(pcm, SPEECH)


def _read(path: Path) -> Audio:
    with wave.open(str(path)) as recording:
        source = AudioFormat(
            recording.getframerate(), recording.getsampwidth(), recording.getnchannels()
        )
        pcm = recording.readframes(recording.getnframes())
    resampler = MonoResampler(source, SPEECH.rate_hz)
    return np.concatenate([resampler.push(pcm), resampler.finish()])
