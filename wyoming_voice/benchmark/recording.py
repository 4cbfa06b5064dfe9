"""What is said to a recogniser, and how: at once, or at the pace of a microphone."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wyoming_voice.audio import AUDIBLE, Audio, to_pcm16
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import ConfigError
from wyoming_voice.wav import read_speech

CHUNK_MS = 64
TRAILING_SILENCE_MS = 700
"""As Home Assistant waits before it sends `audio-stop`."""

_LEADING_SILENCE_MS = 200


@dataclass(frozen=True)
class Recording:
    """Something said, at 16 kHz, with silence before and after it; `text` is what, where that is known."""

    text: str
    samples: Audio

    @property
    def last_sound_s(self) -> float:
        """When the last sample above -50 dBFS is over."""
        loud = np.flatnonzero(np.abs(self.samples) > AUDIBLE)
        return float(loud[-1] + 1) / SPEECH.rate_hz if len(loud) else 0.0

    def chunks(self, length_ms: float = CHUNK_MS) -> list[bytes]:
        """16-bit PCM in pieces; the last one is filled up with silence."""
        size = SPEECH.size_bytes(length_ms)
        pcm = to_pcm16(self.samples)
        pcm += bytes(-len(pcm) % size)
        return [pcm[at : at + size] for at in range(0, len(pcm), size)]


def between_silences(
    text: str, sound: Audio, trailing_ms: float = TRAILING_SILENCE_MS
) -> Recording:
    """A recording whose speech ends exactly `trailing_ms` before it does."""
    loud = np.flatnonzero(np.abs(sound) > AUDIBLE)
    spoken = sound[loud[0] : loud[-1] + 1] if len(loud) else sound
    return Recording(
        text, np.concatenate([silence(_LEADING_SILENCE_MS), spoken, silence(trailing_ms)])
    )


def silence(length_ms: float) -> Audio:
    """So much of it, at 16 kHz."""
    return np.zeros(round(length_ms * SPEECH.rate_hz / 1000), np.float32)


def read_recordings(directory: Path) -> list[Recording]:
    """Every WAV file of a directory, in the order of their names; ConfigError when there is none."""
    paths = sorted(directory.expanduser().glob("*.wav"))
    if not paths:
        raise ConfigError(f"no *.wav in {str(directory)!r}; name a directory with recordings")
    return [between_silences(path.stem, read_speech(path)) for path in paths]


async def paced(chunks: list[bytes], length_ms: float, start_s: float) -> AsyncIterator[bytes]:
    """Each chunk when its last sample has been heard, counted from `start_s` on the monotonic clock."""
    for number, chunk in enumerate(chunks, start=1):
        await asyncio.sleep(max(0.0, start_s + number * length_ms / 1000 - time.monotonic()))
        yield chunk
