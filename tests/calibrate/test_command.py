"""The whole command, with the command model: on recordings, and on what a TTS server speaks."""

import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.asr.speech import COMMAND_MODEL, said
from wyoming_voice.audio import to_pcm16
from wyoming_voice.calibrate.command import CalibrateSettings, run
from wyoming_voice.calibrate.corpus import recorded, sentences, spoken
from wyoming_voice.config import CONFIG_VARIABLE
from wyoming_voice.errors import ConfigError, UpstreamError
from wyoming_voice.service import serving
from wyoming_voice.tts.server import build
from wyoming_voice.tts.settings import TtsSettings

COMMANDS = ("Turn on the kitchen light.", "What time is it?", "Set a timer for five minutes.")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Commands as WAV files with their texts, and two files that are no pair."""
    directory = tmp_path / "corpus"
    directory.mkdir()
    for number, text in enumerate(COMMANDS):
        with wave.open(str(directory / f"{number}.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(to_pcm16(said(text)))
        (directory / f"{number}.txt").write_text(f"{text}\n", encoding="utf-8")
    (directory / "alone.wav").write_bytes((directory / "0.wav").read_bytes())
    (directory / "notes.txt").write_text("about these", encoding="utf-8")
    return directory


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "voice.toml"
    path.write_text(f'[asr]\nmodel = "{COMMAND_MODEL}"  # ours\n', encoding="utf-8")
    return path


@pytest.fixture
async def voice() -> AsyncIterator[str]:
    settings = TtsSettings(engine="espeak", uri="tcp://127.0.0.1:0")
    async with serving(build(settings), settings) as address:
        yield str(address)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def calibrated(**fields: Any) -> int:
    return await run(CalibrateSettings(**fields))


async def test_the_choice_is_written_into_the_config_and_shown(
    corpus: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await calibrated(corpus=corpus, config=config) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "%" in line]
    assert [row[0] for row in rows] == ["6", "8", "10", "15", "full"]
    chosen = next(row[0] for row in rows if "(chosen)" in row)
    assert all(rate == "0.0%" for row in rows for rate in row if rate.endswith("%"))
    assert text_of(config).splitlines()[1:] == [
        f'model = "{COMMAND_MODEL}"  # ours',
        f'audio_context = "{chosen}"',
    ]


async def test_the_config_of_the_environment_is_meant_too_and_a_dry_run_writes_nothing(
    corpus: Path,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = text_of(config)
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    assert await calibrated(corpus=corpus, dry_run=True) == 0
    assert text_of(config) == before
    assert "[asr] audio_context" in capsys.readouterr().out


async def test_without_a_config_the_line_is_shown(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WYOMING_VOICE_ASR_MODEL", str(COMMAND_MODEL))
    assert await calibrated(corpus=corpus) == 0
    assert "--config FILE" in capsys.readouterr().out


async def test_a_tts_server_speaks_each_sentence_clean_and_with_noise(voice: str) -> None:
    samples = [sample async for sample in spoken(voice, list(COMMANDS[:2]), "en", voices=2)]
    assert [sample.text for sample in samples] == [text for text in COMMANDS[:2] for _ in "ab"]
    clean, noisy = samples[0].audio, samples[1].audio
    assert len(clean) == len(noisy)
    assert not clean[:1000].any()
    level = np.sqrt(np.mean(np.square(noisy - clean))) / np.sqrt(np.mean(np.square(clean)))
    assert level == pytest.approx(0.1, rel=0.05)


async def test_speech_that_the_model_does_not_know_changes_nothing(
    voice: str, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "poem.txt").write_text("Shall I compare thee to a summer's day\n", encoding="utf-8")
    assert await calibrated(sentences=tmp_path / "poem.txt", tts_uri=voice, config=config) == 0
    assert "which tells nothing" in capsys.readouterr().out
    assert 'audio_context = "full"' in text_of(config)


async def test_a_server_without_a_voice_for_the_language_is_told(voice: str) -> None:
    with pytest.raises(UpstreamError, match="no voice for 'xx'"):
        _ = [sample async for sample in spoken(voice, ["one"], "xx", 1)]


async def test_a_server_that_is_not_there_is_told_with_the_other_way() -> None:
    with pytest.raises(UpstreamError, match="--corpus DIR"):
        _ = [sample async for sample in spoken("tcp://127.0.0.1:1", ["one"], "en", 1)]


async def test_other_languages_need_sentences_of_their_own(config: Path) -> None:
    with pytest.raises(ConfigError, match="--sentences FILE"):
        await calibrated(language="de", config=config)


async def test_an_engine_without_a_context_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "voice.toml"
    path.write_text('[asr]\nengine = "pocketsphinx"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="only whisper"):
        await calibrated(config=path)


def test_a_directory_without_pairs_and_a_file_without_sentences_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n...\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"NAME\.txt"):
        recorded(tmp_path)
    with pytest.raises(ConfigError, match="no sentence"):
        sentences(tmp_path / "empty.txt")
    with pytest.raises(ConfigError, match="can't be read"):
        sentences(tmp_path / "missing.txt")


def test_pairs_alone_are_taken_and_our_own_sentences_are_there(corpus: Path) -> None:
    assert [sample.text for sample in recorded(corpus)] == list(COMMANDS)
    assert len(sentences(None)) == 24
