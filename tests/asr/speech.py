"""Synthetic speech that the command model knows, and an utterance as events."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from wyoming.event import Event

from wyoming_voice.asr.engine import RATE_HZ, Audio
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.pcm import SPEECH, AudioFormat
from wyoming_voice.tts.engine import Utterance
from wyoming_voice.tts.espeak import EspeakEngine

COMMAND_MODEL = Path(__file__).parents[1] / "models" / "command_whisper"


@functools.cache
def said(text: str, voice: str = "en-us") -> Audio:
    """What a recogniser hears when espeak-ng says `text`, with some silence before and after it."""
    engine = EspeakEngine()
    engine.load()
    (voiced,) = (sound.samples for sound in engine.synthesize(Utterance(text, voice)))
    speech = soxr.resample(voiced, engine.sample_rate_hz, RATE_HZ).astype(np.float32)
    speech *= 0.6 / np.abs(speech).max()
    return np.concatenate((silence(0.2), speech, silence(0.4)))


def silence(duration_s: float) -> Audio:
    return np.zeros(int(duration_s * RATE_HZ), np.float32)


def noise(duration_s: float, level: float = 0.05) -> Audio:
    generator = np.random.default_rng(7)
    return (level * generator.standard_normal(int(duration_s * RATE_HZ))).astype(np.float32)


def start(source: AudioFormat = SPEECH) -> Event:
    return Event("audio-start", _fields(source))


def chunk(pcm: bytes, source: AudioFormat = SPEECH) -> Event:
    return Event("audio-chunk", _fields(source), pcm)


def stop() -> Event:
    return Event("audio-stop")


def utterance(audio: Audio, chunk_ms: float = 10, **asked: Any) -> list[Event]:
    """All events of one request, in chunks as Home Assistant sends them."""
    pcm, size = to_pcm16(audio), SPEECH.size_bytes(chunk_ms)
    pieces = [chunk(pcm[at : at + size]) for at in range(0, len(pcm), size)]
    return [Event("transcribe", asked), start(), *pieces, stop()]


def _fields(source: AudioFormat) -> dict[str, Any]:
    return {"rate": source.rate_hz, "width": source.width_bytes, "channels": source.channels}
