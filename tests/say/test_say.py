"""`wyoming-voice say`: what was asked for is there as a whole, and says what the text says."""

import io
import sys
import wave
from pathlib import Path

import numpy as np
import pysubs2
import pytest

from wyoming_voice.cli import main
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError
from wyoming_voice.media.decoding import Media
from wyoming_voice.say.plan import planned
from wyoming_voice.say.settings import SaySettings

pytest.importorskip("espeakng_loader")

TEXT = (
    "# A trip\n\nIt goes at **5 km/h**, and costs $3.50 each 🙂.\n\nSee [the docs](https://a.io/b)."
)
SHOWN = "A trip It goes at 5 km/h, and costs $3.50 each. See the docs."


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def say(*arguments: str) -> int:
    return main(["say", "--engine", "espeak", *arguments])


def length_s(path: Path) -> float:
    with wave.open(str(path)) as file:
        return float(file.getnframes() / file.getframerate())


def shown(path: Path) -> str:
    return " ".join(" ".join(event.plaintext.split()) for event in pysubs2.load(str(path)))


def test_a_text_becomes_audio_and_subtitles(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(TEXT, "-o", "out/a.wav", "--srt", "a.srt", "--vtt", "a.vtt") == 0
    seconds = length_s(here / "out" / "a.wav")
    assert shown(here / "a.srt") == shown(here / "a.vtt") == SHOWN
    events = pysubs2.load(str(here / "a.srt")).events
    assert 0.5 * seconds < events[-1].end / 1000 <= seconds + 1
    assert f"{seconds:.1f} s of speech" in capsys.readouterr().err
    assert sorted(path.name for path in here.rglob("*.*")) == ["a.srt", "a.vtt", "a.wav"]


def test_words_have_times_of_their_own(here: Path) -> None:
    assert say("One two three.", "-o", "a.wav", "--vtt", "a.vtt", "--words") == 0
    assert (here / "a.vtt").read_text().count("<00:00:0") == 2


@pytest.mark.parametrize("name", ["a.mp3", "a.opus", "a.ogg", "a.flac", "a.aac", "a.wav"])
def test_the_kind_is_that_of_the_name(here: Path, name: str) -> None:
    assert say("Hello there.", "-o", name) == 0
    samples = np.concatenate(list(Media(here / name).blocks(16_000)))
    assert 0.5 < len(samples) / 16_000 < 1.5
    assert np.abs(samples).max() > 0.1


def test_it_speaks_files_and_standard_input_to_standard_output(
    here: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.txt").write_text("\ufeffHello there.", encoding="utf-8")
    assert say("--file", "a.txt", "-o", "-", "--format", "pcm") == 0
    from_file = capfdbinary.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Hello there.")))
    assert say("-", "-o", "-", "--format", "pcm") == 0
    assert len(capfdbinary.readouterr().out) == pytest.approx(len(from_file), rel=0.02)
    assert len(from_file) > 20_000


def test_a_directory_is_spoken_file_by_file(here: Path) -> None:
    for name in ("b/one.txt", "b/deep/two.md", "b/three.pdf", "b/.hidden/four.txt"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("Hello there.")
    assert say("--file", "b", "-o", "out", "--srt", "subs", "--format", "flac") == 0
    made = sorted(str(path.relative_to(here)) for path in here.rglob("*.*") if path.is_file())
    assert [name for name in made if not name.startswith("b/")] == [
        "out/deep/two.flac",
        "out/one.flac",
        "subs/deep/two.srt",
        "subs/one.srt",
    ]


def test_speed_and_voice_are_the_servers_unless_they_are_said(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "This is how fast I can speak today."
    assert say(text, "-o", "a.wav") == 0
    (here / "voice.toml").write_text('[tts]\nengine = "espeak"\nspeed = 2.0\n')
    assert main(["say", text, "-o", "b.wav", "--config", "voice.toml"]) == 0
    monkeypatch.setenv("WYOMING_VOICE_TTS_ENGINE", "espeak")
    assert main(["say", text, "-o", "c.wav", "--speed", "0.5"]) == 0
    lengths_s = [length_s(here / f"{name}.wav") for name in "bac"]
    assert lengths_s[0] * 1.5 < lengths_s[1] < lengths_s[2] / 1.5


def test_nothing_is_overwritten_without_being_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.wav", "a.srt"):
        (here / name).write_text("mine")
    assert say("Hello.", "-o", "a.wav", "--srt", "a.srt") == 2
    error = capsys.readouterr().err
    assert error.count("--overwrite replaces it") == 2
    assert (here / "a.wav").read_text() == "mine"
    assert say("Hello.", "-o", "a.wav", "--srt", "a.srt", "--overwrite") == 0
    assert length_s(here / "a.wav") > 0.2


def test_what_fails_leaves_nothing_behind(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "blocked").write_text("")
    assert say("Hello.", "-o", "a.wav", "--srt", "blocked/a.srt") == 2
    assert "blocked/a.srt can't be written" in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == ["blocked"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say what"),
        (["Hello.", "--file", "a.txt", "-o", "a.wav"], "say what"),
        (["Hello."], "--output is missing"),
        (["--file", "none.txt", "-o", "a.wav"], "there is no none.txt"),
        (["Hello.", "-o", "a.m4b"], "ends in none of .wav"),
        (["--file", "texts", "-o", "-"], "is a directory"),
        (["--file", "empty", "-o", "out"], "no .txt"),
        (["--file", "texts", "-o", "out"], "can't hold the speech of 2 texts"),
        (["--file", "latin.txt", "-o", "a.wav"], "is not UTF-8 text (byte 2)"),
        (["Hello.", "-o", "texts", "--format", "wav"], "is a directory"),
        (["--file", "texts/a.txt", "-o", "texts/a.txt", "--format", "wav"], "is the text itself"),
        (["Hello.", "-o", "a.srt", "--format", "wav", "--srt", "a.srt"], "can't hold the speech"),
    ],
)
def test_what_cannot_be_done_is_told_first(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    (here / "texts").mkdir()
    (here / "empty").mkdir()
    for name in ("texts/a.txt", "texts/a.md"):
        (here / name).write_text("Hello.")
    (here / "latin.txt").write_bytes("caf\xe9".encode("latin1")[1:])
    assert say(*arguments) == 2
    assert told in capsys.readouterr().err
    assert not list(here.rglob("*.wav"))


def test_a_text_of_nothing_is_a_little_silence(here: Path) -> None:
    assert say("🙂", "-o", "a.wav", "--vtt", "a.vtt") == 0
    assert length_s(here / "a.wav") == pytest.approx(0.08, abs=0.001)
    assert (here / "a.vtt").read_text() == "WEBVTT\n\n"


def test_lines_of_a_page_are_one_and_others_have_cues_of_their_own(here: Path) -> None:
    text = "A heading\n\nA sentence that was broken to fit on a page\nof a book.\n\n- milk\n- bread"
    (here / "a.md").write_text(text)
    assert say("--file", "a.md", "-o", "a.wav", "--srt", "a.srt") == 0
    cues = [" ".join(event.plaintext.split()) for event in pysubs2.load(str(here / "a.srt"))]
    assert cues == [
        *("A heading", "A sentence that was broken to fit on a page of a book."),
        *("milk", "bread"),
    ]


def test_subtitles_of_one_text_are_the_files_that_were_named(here: Path) -> None:
    settings = load(SaySettings, ["Hi.", "-o", "a.raw", "--srt", "b.srt"], {})
    (recital,) = planned(settings)
    assert (recital.kind, recital.files) == ("pcm", (Path("a.raw"), Path("b.srt")))
    with pytest.raises(ConfigError, match="ends in none of"):
        planned(load(SaySettings, ["Hi.", "-o", "a"], {}))
