"""Who speaks to the model when it is checked: espeak-ng's library, and synthesizer programs.

A speaker turns a written sentence into audio at 16 kHz with a little silence around it.
"""

import io
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.random import Generator

from tests.models.train_command_whisper.channel import SAMPLE_HZ, Audio, disturb
from tests.models.train_command_whisper.data import Voices, draw_manner, to_audio
from tests.models.train_command_whisper.espeak import Espeak, Manner

_LEAD_S, _TAIL_S = 0.2, 0.3

Say = Callable[[str], Audio]


@dataclass(frozen=True, slots=True)
class Speaker:
    """A name for the table, and the voice behind it."""

    name: str
    say: Say


def embedded(voice: Espeak, held_out: Voices, taught: Voices, rng: Generator) -> list[Speaker]:
    """The library: the plain voice, the taught ones, these disturbed, and unknown ones."""

    def plain(text: str) -> Audio:
        return _framed(to_audio(voice.say(text, "en-us", Manner())))

    def drawn(text: str) -> Audio:
        return _framed(to_audio(voice.say(text, taught.draw(rng), draw_manner(rng))))

    def disturbed(text: str) -> Audio:
        return disturb(drawn(text), rng)

    def telephone(text: str) -> Audio:
        narrow = soxr.resample(plain(text), SAMPLE_HZ, 8000)
        return np.asarray(soxr.resample(narrow, 8000, SAMPLE_HZ), np.float64)

    def unknown(text: str) -> Audio:
        return _framed(to_audio(voice.say(text, held_out.draw(rng), Manner())))

    return [
        Speaker("espeak-ng library, en-us", plain),
        Speaker("the same through 8 kHz", telephone),
        Speaker("taught voices, any rate and pitch", drawn),
        Speaker("taught voices, level, tone, band, noise 15 to 50 dB", disturbed),
        Speaker("voices held out", unknown),
    ]


def programs() -> list[Speaker]:
    """Debian's synthesizers, those that are installed."""
    commands = {
        "espeak-ng program": ["espeak-ng", "-w", "{file}", "{text}"],
        "espeak-ng program, -v en-us": ["espeak-ng", "-v", "en-us", "-w", "{file}", "{text}"],
        "espeak-ng program, -s 150": ["espeak-ng", "-s", "150", "-w", "{file}", "{text}"],
        "flite, slt": ["flite", "-voice", "slt", "-t", "{text}", "-o", "{file}"],
        "flite, kal16": ["flite", "-voice", "kal16", "-t", "{text}", "-o", "{file}"],
        "festival, kal": ["text2wave", "-o", "{file}"],
    }
    return [
        Speaker(name, _program(command))
        for name, command in commands.items()
        if shutil.which(command[0])
    ]


def _program(command: list[str]) -> Say:
    def say(text: str) -> Audio:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "speech.wav"
            filled = [part.format(file=file, text=text) for part in command]
            subprocess.run(filled, input=text.encode(), check=True, capture_output=True)
            return _framed(_read(file.read_bytes()))

    return say


def _read(content: bytes) -> Audio:
    with wave.open(io.BytesIO(content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        rate_hz = file.getframerate()
    return np.asarray(soxr.resample(samples / 32768, rate_hz, SAMPLE_HZ), np.float64)


def _framed(audio: Audio) -> Audio:
    lead, tail = np.zeros(int(_LEAD_S * SAMPLE_HZ)), np.zeros(int(_TAIL_S * SAMPLE_HZ))
    return np.concatenate([lead, audio, tail])
