"""`wyoming-voice subtitles` on small films, read again by a subtitle library."""

import asyncio
import itertools
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysubs2
import pytest

from tests.asr.fakes import HashingEngine, LoudDetector, ScriptedEngine
from tests.asr.media import wav
from tests.asr.speech import COMMAND_MODEL, said, silence
from tests.subtitles.films import LIGHT, TIME, TIMER, conversation, film, starts_s
from wyoming_voice import cli
from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Segment
from wyoming_voice.asr.server import AsrProgram
from wyoming_voice.config import load
from wyoming_voice.progress import Showing
from wyoming_voice.subtitles import command
from wyoming_voice.subtitles.settings import SubtitleSettings

MODEL = ("--model", str(COMMAND_MODEL), "--workers", "1", "--cpu-threads", "1")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("films")
    film(directory / "one.mp4", "aac", conversation())
    film(directory / "two.mkv", "libopus", conversation())
    return directory


@pytest.fixture
def here(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(films, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    return cli.main(["subtitles", *MODEL, *arguments])


def cues(path: Path) -> pysubs2.SSAFile:
    return pysubs2.load(str(path))


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def check(found: pysubs2.SSAFile) -> None:
    texts = [re.sub(r"<[0-9:.]+>", "", cue.plaintext) for cue in found]
    assert [" ".join(text.split()) for text in texts] == [LIGHT, TIMER, TIME]
    for cue, start_s in zip(found, starts_s(), strict=True):
        assert abs(cue.start / 1000 - start_s) < 0.3
        assert 0.8 <= cue.duration / 1000 <= 7
    for before, after in itertools.pairwise(found):
        assert before.end < after.start


def test_films_get_their_subtitles(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(here)) == 0
    check(cues(here / "one.srt"))
    check(cues(here / "two.srt"))
    told = capsys.readouterr()
    assert told.out == ""
    first, second = told.err.splitlines()
    assert "one.mp4: 0:40, language en, 3 cues" in first
    assert "two.srt" in second
    assert names(here) == {"one.mp4", "one.srt", "two.mkv", "two.srt"}


def test_each_word_may_have_its_time(here: Path) -> None:
    assert run("one.mp4", "--words", "-o", "new/subs.vtt") == 0
    text = (here / "new/subs.vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n")
    assert text.count("<00:00:0") >= 8
    check(cues(here / "new/subs.vtt"))


def test_lines_are_as_short_as_is_said(here: Path) -> None:
    assert run("one.mp4", "--max-line", "12", "--max-lines", "1", "--max-cps", "30") == 0
    found = cues(here / "one.srt")
    assert max(len(cue.plaintext) for cue in found) <= 12
    assert " ".join(cue.plaintext for cue in found) == f"{LIGHT} {TIMER} {TIME}"


def test_standard_output_has_the_subtitles_and_nothing_else(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("two.mkv", "--output", "-", "--format", "vtt") == 0
    told = capsys.readouterr()
    check(pysubs2.SSAFile.from_string(told.out))
    assert "standard output" in told.err


def test_what_can_not_be_read_is_told_and_the_others_go_on(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.mp4").write_bytes(b"PK\x03\x04" + bytes(300))
    (here / "bad.srt").write_text("precious", encoding="utf-8")
    assert run(str(here), "--overwrite") == 1
    assert "bad.mp4: the file is a ZIP archive" in capsys.readouterr().err
    assert (here / "bad.srt").read_text(encoding="utf-8") == "precious"
    check(cues(here / "two.srt"))
    assert not list(here.glob(".*"))


def test_a_film_that_is_cut_off_is_told_and_has_what_is_there(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = wav(np.concatenate((said(LIGHT), silence(9)))).getvalue()
    (here / "half.wav").write_bytes(whole[: len(whole) // 2])
    assert run("half.wav") == 0
    assert "half.wav: the file is cut off" in capsys.readouterr().err
    assert "kitchen" in (here / "half.srt").read_text(encoding="utf-8")


def test_nothing_is_overwritten_and_nothing_begun(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "two.srt").write_text("precious", encoding="utf-8")
    assert run(str(here)) == 2
    assert "two.srt is there already; --overwrite replaces it" in capsys.readouterr().err
    assert not (here / "one.srt").exists()
    assert run("two.mkv", "--overwrite") == 0
    check(cues(here / "two.srt"))


def test_an_english_model_can_not_translate(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("one.mp4", "--translate") == 1
    assert "multilingual" in capsys.readouterr().err
    assert not (here / "one.srt").exists()


def test_the_model_is_the_servers_where_none_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = f'[asr]\nmodel = "{COMMAND_MODEL}"\nworkers = 1\ncpu_threads = 1\nlanguage = "fr"\n'
    (here / "voice.toml").write_text(table, encoding="utf-8")
    common = ["subtitles", "--config", "voice.toml", "one.mp4"]
    assert cli.main(common) == 2
    assert "'fr'" in capsys.readouterr().err
    assert cli.main([*common, "--language", "en"]) == 0
    check(cues(here / "one.srt"))


def test_a_directory_that_can_not_be_written_is_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "file").touch()
    assert run("one.mp4", "-o", "file/one.srt") == 1
    assert "file/one.srt can't be written" in capsys.readouterr().err


async def test_what_is_broken_off_leaves_nothing_behind(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()
    monkeypatch.setattr(Showing, "reached", lambda *_: begun.set())
    arguments = [*MODEL, "one.mp4"]
    task = asyncio.create_task(command.run(load(SubtitleSettings, arguments)))
    async with asyncio.timeout(20):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(here) == {"one.mp4", "two.mkv"}


class Polyglot(ScriptedEngine):
    """Takes the beginning of each file for English, where it is not told."""

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        guess = "en" if not self.calls else "de"
        told = replace(options, language=options.language or guess)
        self.asked = [*getattr(self, "asked", []), options.language]
        yield from super().transcribe(audio, told)


async def test_the_language_of_a_file_is_decided_once(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Polyglot("Guten Tag.", languages=("en", "de"))
    monkeypatch.setattr("wyoming_voice.asr.server.build", lambda asr: AsrProgram(asr, [engine]))
    monkeypatch.setattr("wyoming_voice.asr.recording.Silero", LoudDetector)
    loud = np.full(21 * RATE_HZ, 0.5, np.float32)
    (here / "long.wav").write_bytes(wav(np.concatenate([loud, silence(1)] * 4)).getvalue())
    assert await command.run(load(SubtitleSettings, ["long.wav"])) == 0
    assert "language de (found)" in capsys.readouterr().err
    told = engine.asked.index("de")
    assert told in (3, 4)  # the fourth window may have been begun
    assert engine.asked[told:] == ["de"] * 4


async def test_nobody_waits_for_the_end_of_a_window(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = HashingEngine()
    monkeypatch.setattr("wyoming_voice.asr.server.build", lambda asr: AsrProgram(asr, [engine]))
    monkeypatch.setattr("wyoming_voice.asr.recording.Silero", LoudDetector)
    loud = np.concatenate([np.full(5 * RATE_HZ, 0.5, np.float32), silence(1)] * 8)
    (here / "long.wav").write_bytes(wav(loud).getvalue())
    assert await command.run(load(SubtitleSettings, ["long.wav", "--language", "en"])) == 0
    assert [round(heard_s) for heard_s in engine.heard_s] == [23, 24]


@pytest.mark.parametrize(
    ("told", "mistake"),
    [
        (["--max-line", "3"], "--max-line"),
        (["--min-s", "5", "--max-s", "4"], "--max-s 4 must be more"),
        (["--format", "ass"], "--format"),
        (["--engine", "pocketsphinx", "--translate"], "translate"),
    ],
)
def test_settings_that_can_not_be_are_told(
    here: Path, capsys: pytest.CaptureFixture[str], told: Sequence[str], mistake: str
) -> None:
    assert cli.main(["subtitles", "one.mp4", *told]) in (1, 2)
    assert mistake in capsys.readouterr().err
