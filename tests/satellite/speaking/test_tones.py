"""The feedback sounds: as loud as their names say, without clicks, at any rate, or from a file."""

import tomllib
import wave
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from satellite.effects import Tone
from satellite.events import Trouble
from satellite.parts import Audio
from satellite.speaking.tones import (
    RINGING_DBFS,
    THINKING_DBFS,
    TONE_DBFS,
    chimes,
    read_sentences,
    read_tones,
    resampled,
)
from wyoming_voice.core.own_languages import LANGUAGES
from wyoming_voice.errors import ConfigError

RATES_HZ = (8_000, 16_000, 22_050, 44_100, 48_000)


def dbfs(samples: Audio) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def a_wav(path: Path, samples: Audio, rate_hz: int = 8_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", "not compressed"))
        file.writeframes((samples * 32768).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_every_sound_has_its_loudness_and_no_click(rate_hz: int) -> None:
    made = chimes(rate_hz)
    expected = [(sound, TONE_DBFS) for sound in made.tones.values()]
    expected += [(made.thinking, THINKING_DBFS), (made.ringing, RINGING_DBFS)]
    for samples, level_dbfs in expected:
        assert samples.dtype == np.float32
        assert dbfs(samples) == pytest.approx(level_dbfs, abs=0.1)
        assert np.abs(samples).max() < 0.7
        assert abs(samples.mean()) < 1e-4
        assert abs(samples[0]) < 1e-3
        assert abs(samples[-1]) < 1e-3
        attack = np.abs(samples[: rate_hz // 1000])  # within a millisecond it has hardly begun
        assert attack.max() < 0.1 * np.abs(samples).max()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_sounds_last_as_long_at_every_rate(rate_hz: int) -> None:
    made = chimes(rate_hz)
    assert set(made.tones) == set(Tone)
    assert all(0.1 < len(sound) / rate_hz < 0.5 for sound in made.tones.values())
    assert len(made.thinking) / rate_hz == pytest.approx(1.8, abs=1e-4)
    assert len(made.ringing) / rate_hz == pytest.approx(1.8, abs=1e-4)


def strongest_hz(samples: Audio, rate_hz: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples, rate_hz))))


def test_listening_rises_and_done_falls() -> None:
    tones = chimes(16_000).tones
    halves = {tone: (tones[tone][:1_280], tones[tone][1_280:]) for tone in Tone}
    for tone, rising in ((Tone.LISTENING, True), (Tone.DONE, False)):
        first, second = (strongest_hz(half, 16_000) for half in halves[tone])
        assert (second > first + 100) is rising


def test_a_file_takes_the_place_of_a_tone(tmp_path: Path) -> None:
    square = np.repeat([0.5, -0.5, 0.5], 100).astype(np.float32)
    path = a_wav(tmp_path / "done.wav", square)
    recorded = read_tones({Tone.DONE: path, Tone.ERROR: None})
    assert list(recorded) == [Tone.DONE]
    assert np.array_equal(chimes(8_000, recorded).tones[Tone.DONE], square)
    assert len(chimes(16_000, recorded).tones[Tone.DONE]) == 600
    assert dbfs(chimes(8_000, recorded).tones[Tone.ERROR]) == pytest.approx(TONE_DBFS, abs=0.1)


@pytest.mark.parametrize("seconds", [0, 11])
def test_a_tone_has_a_length(tmp_path: Path, seconds: int) -> None:
    path = a_wav(tmp_path / "tone.wav", np.zeros(8_000 * seconds, np.float32))
    with pytest.raises(ConfigError, match=r"tone\.wav' lasts .* s; give one of up to 10 s"):
        read_tones({Tone.DONE: path})


def test_a_file_that_is_no_sound_is_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"ID3 not a wave at all")
    with pytest.raises(ConfigError, match=r"song\.wav' can't be read: .*; give a WAV file"):
        read_tones({Tone.DONE: path})
    with pytest.raises(ConfigError, match=r"gone\.wav' can't be read"):
        read_tones({Tone.DONE: tmp_path / "gone.wav"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_sentence_for_every_trouble(language: str) -> None:
    sentences = read_sentences(language)
    assert set(sentences) == set(Trouble)
    for sound in sentences.values():
        assert (sound.format.width_bytes, sound.format.channels) == (2, 1)
        assert len(sound.pcm) < 120_000
        samples = resampled(sound, sound.format.rate_hz)
        audible = np.flatnonzero(np.abs(samples) > 0.01)
        assert audible[0] / sound.format.rate_hz < 0.05
        assert (len(samples) - audible[-1]) / sound.format.rate_hz < 0.15
        assert dbfs(samples[audible[0] : audible[-1]]) == pytest.approx(-20, abs=0.5)
        assert np.abs(samples).max() <= 10 ** (-0.2 / 20)
        assert abs(samples.mean()) < 1e-3


def test_what_the_recordings_say_is_written_down() -> None:
    shipped = files("satellite.speaking") / "sentences"
    texts = tomllib.loads((shipped / "texts.toml").read_text(encoding="utf-8"))
    assert tuple(texts) == LANGUAGES
    for said in texts.values():
        assert list(said) == list(Trouble)
        assert all(text[-1] in ".。" for text in said.values())
        assert len(set(said.values())) == len(Trouble)


def test_sentences_are_in_the_language_and_else_in_english() -> None:
    assert read_sentences("de_AT") is read_sentences("de")
    assert read_sentences("fi") is read_sentences() is read_sentences("en")
    recordings = {read_sentences(language)[Trouble.FAILED].pcm for language in LANGUAGES}
    assert len(recordings) == len(LANGUAGES)
