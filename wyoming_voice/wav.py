"""Reads WAV files as speech: 16 kHz, mono, whatever rate, width and channels they have."""

import wave
from pathlib import Path

import numpy as np

from wyoming_voice.audio import Audio, MonoResampler, checked_format
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import ConfigError, VoiceError


def read_speech(path: Path) -> Audio:
    """The samples of a WAV file at 16 kHz, shape (n,); ConfigError when it can't be read."""
    try:
        with path.expanduser().open("rb") as opened, wave.open(opened) as file:
            source = checked_format(file.getframerate(), file.getsampwidth(), file.getnchannels())
            pcm = file.readframes(file.getnframes())
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    except (EOFError, wave.Error, VoiceError) as error:
        reason = str(error) or "it is empty"
        raise ConfigError(
            f"{path} can't be read as plain PCM ({reason}); `sox {path} -b 16 plain.wav` converts it"
        ) from error
    resampler = MonoResampler(source, SPEECH.rate_hz)
    return np.concatenate((resampler.push(pcm), resampler.finish()))
