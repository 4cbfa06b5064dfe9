"""What the benchmarks say to a recogniser, and how: at once, or at the pace of a microphone.

The speech is made by the embedded espeak-ng, whose commands the small command model understands.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from wyoming_voice.audio import MonoResampler, to_pcm16
from wyoming_voice.core.pcm import SPEECH, AudioFormat
from wyoming_voice.tts.engine import Utterance
from wyoming_voice.tts.espeak import EspeakEngine
from wyoming_voice.wire import connect

COMMANDS = (
    "Turn on the kitchen light.",
    "What time is it?",
    "Set a timer for five minutes.",
    "Set the bedroom lamp to fifty percent.",
)
CHUNK_MS = 64
TRAILING_SILENCE_MS = 700
"""As Home Assistant waits before it sends `audio-stop`."""

_LEADING_SILENCE_MS = 200
_AUDIBLE = 10 ** (-50 / 20)


@dataclass(frozen=True)
class Recording:
    """A spoken command at 16 kHz, with silence before and after it."""

    text: str
    samples: npt.NDArray[np.float32]

    @property
    def last_sound_s(self) -> float:
        """When the last sample above -50 dBFS is over."""
        loud = np.flatnonzero(np.abs(self.samples) > _AUDIBLE)
        return float(loud[-1] + 1) / SPEECH.rate_hz

    def chunks(self, length_ms: float) -> list[bytes]:
        """16-bit PCM in pieces; the last one is filled up with silence."""
        size = SPEECH.size_bytes(length_ms)
        pcm = to_pcm16(self.samples)
        pcm += bytes(-len(pcm) % size)
        return [pcm[at : at + size] for at in range(0, len(pcm), size)]


def recordings(trailing_silence_ms: float = TRAILING_SILENCE_MS) -> list[Recording]:
    """The commands, spoken."""
    engine = EspeakEngine()
    engine.load()
    return [Recording(text, _spoken(engine, text, trailing_silence_ms)) for text in COMMANDS]


def _spoken(engine: EspeakEngine, text: str, trailing_silence_ms: float) -> npt.NDArray[np.float32]:
    source = AudioFormat(engine.sample_rate_hz, width_bytes=2, channels=1)
    resampler = MonoResampler(source, SPEECH.rate_hz)
    parts = [
        resampler.push(to_pcm16(samples))
        for samples in engine.synthesize(Utterance(text, voice="en-us"))
    ]
    sound = np.concatenate([*parts, resampler.finish()])
    loud = np.flatnonzero(np.abs(sound) > _AUDIBLE)
    sound = sound[loud[0] : loud[-1] + 1]
    lead, tail = (
        np.zeros(round(ms * SPEECH.rate_hz / 1000), np.float32)
        for ms in (_LEADING_SILENCE_MS, trailing_silence_ms)
    )
    return np.concatenate([lead, sound, tail])


async def paced(chunks: list[bytes], length_ms: float, start_s: float) -> AsyncIterator[bytes]:
    """Each chunk when its last sample has been heard, counted from `start_s` on the monotonic clock."""
    for number, chunk in enumerate(chunks, start=1):
        await asyncio.sleep(max(0.0, start_s + number * length_ms / 1000 - time.monotonic()))
        yield chunk


@dataclass(frozen=True)
class Heard:
    """What a recogniser made of a recording, and how long after `audio-stop`."""

    text: str
    after_stop_s: float


async def transcribed(uri: str, chunks: list[bytes], *, at_once: bool) -> Heard:
    """One utterance on a connection of its own, in chunks of CHUNK_MS; a server that fails ends us."""
    rate, width, channels = SPEECH.rate_hz, SPEECH.width_bytes, SPEECH.channels
    start_s = time.monotonic() - (len(chunks) * CHUNK_MS / 1000 if at_once else 0.0)
    async with connect(uri) as connection:
        await connection.write(Transcribe(language="en").event())
        await connection.write(AudioStart(rate, width, channels).event())
        async for chunk in paced(chunks, CHUNK_MS, start_s):
            await connection.write(AudioChunk(rate, width, channels, chunk).event())
        await connection.write(AudioStop().event())
        stopped_s = time.monotonic()
        async for event in connection:
            if Transcript.is_type(event.type):
                text = Transcript.from_event(event).text
                return Heard(text.strip(), time.monotonic() - stopped_s)
            if event.type == "error":
                raise SystemExit(f"{uri} says: {event.data}")
    raise SystemExit(f"{uri} hung up without a transcript")
