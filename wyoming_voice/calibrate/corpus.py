"""The speech to calibrate on, with what was said: the user's recordings, or what a TTS server speaks.

Rule: synthetic speech is cleaner than a room, so each sentence also comes with noise; recordings are taken
as they are.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import cycle
from pathlib import Path

import numpy as np

from wyoming_voice.audio import Audio, MonoResampler
from wyoming_voice.client import Speech
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.core.timing import new_turn_id
from wyoming_voice.describing import describe_on
from wyoming_voice.errors import ConfigError, UpstreamError, why
from wyoming_voice.wav import read_speech
from wyoming_voice.wire import connect

_PAUSE_S = 0.3
"""The silence before and after each sentence, as between a wake word and a command."""

_NOISE_DB = -20.0
"""Under the speech: a room with a fan in it."""

_SENTENCE_WITHIN_S = 60.0


@dataclass(frozen=True)
class Sample:
    """An utterance of 16 kHz and its words."""

    audio: Audio
    text: str


def recorded(directory: Path) -> list[Sample]:
    """Each `NAME.wav` of a directory that has a `NAME.txt` beside it; raises ConfigError."""
    pairs = [(wav, wav.with_suffix(".txt")) for wav in sorted(directory.expanduser().glob("*.wav"))]
    found = [(wav, _text(text)) for wav, text in pairs if text.exists()]
    samples = [Sample(read_speech(wav), text) for wav, text in found if _has_words(text)]
    if not samples:
        raise ConfigError(
            f"--corpus {directory}: no NAME.wav with what was said in a NAME.txt beside it"
        )
    return samples


def sentences(path: Path | None) -> list[str]:
    """The lines of a file, or our own English ones; raises ConfigError."""
    own = files("wyoming_voice") / "data" / "calibration.txt"
    text = own.read_text(encoding="utf-8") if path is None else _text(path.expanduser())
    lines = [line.strip() for line in text.splitlines() if _has_words(line)]
    if not lines:
        raise ConfigError(f"--sentences {path}: there is no sentence in it")
    return lines


async def spoken(uri: str, texts: list[str], language: str, voices: int) -> AsyncIterator[Sample]:
    """Each sentence clean and with noise, in turn by up to `voices` voices of a server; UpstreamError."""
    names = cycle(await _voices(uri, language, voices))
    noise = np.random.default_rng(0)
    for text in texts:
        try:
            clean = await _said(uri, text, next(names))
        except OSError as error:
            raise UpstreamError(f"the TTS server at {uri}: {why(error)}") from error
        yield Sample(clean, text)
        loudness = float(np.sqrt(np.mean(np.square(clean)))) * 10 ** (_NOISE_DB / 20)
        rustle = noise.standard_normal(len(clean), dtype=np.float32) * np.float32(loudness)
        yield Sample(clean + rustle, text)


async def _voices(uri: str, language: str, most: int) -> list[str]:
    try:
        async with connect(uri) as connection:
            info = await describe_on(connection, uri)
    except OSError as error:
        raise UpstreamError(
            f"no TTS server answers at {uri}: {why(error)}; start one, or give --corpus DIR"
        ) from error
    voices = [voice for program in info.tts for voice in program.voices if voice.installed]
    code = language.split("-")[0].split("_")[0]
    able = [v.name for v in voices if any(tag.lower().startswith(code) for tag in v.languages)]
    if not able:
        raise UpstreamError(f"{uri} has no voice for {language!r}; give --corpus DIR, or --tts-uri")
    return able[:: max(1, len(able) // most)][:most]


async def _said(uri: str, text: str, voice: str) -> Audio:
    async with connect(uri) as connection, asyncio.timeout(_SENTENCE_WITHIN_S):
        speech = Speech(connection, new_turn_id(), voice)
        await speech.whole(text)
        resampler: MonoResampler | None = None
        parts = [_silence()]
        async for sound in speech.whole_sounds():
            resampler = resampler or MonoResampler(sound.format, SPEECH.rate_hz)
            parts.append(resampler.push(sound.pcm))
        if resampler is None:
            raise UpstreamError(f"{uri} spoke nothing of {text!r}")
        return np.concatenate([*parts, resampler.finish(), _silence()])


def _silence() -> Audio:
    return np.zeros(round(_PAUSE_S * SPEECH.rate_hz), np.float32)


def _has_words(text: str) -> bool:
    """Nothing can be misheard of a line of marks."""
    return any(map(str.isalnum, text))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
