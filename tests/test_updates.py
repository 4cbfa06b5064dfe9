"""After an update: old names and files of another version are told in words; every version can be seen."""

import re
from pathlib import Path

import pytest

from satellite.config import SatelliteSettings
from wyoming_voice import __version__
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.cli import main
from wyoming_voice.config import Settings, load
from wyoming_voice.engine_versions import installed
from wyoming_voice.errors import ConfigError
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.renamed import CONFIG_VERSION, RENAMED, Renamed
from wyoming_voice.tts.settings import TtsSettings

ROOT = Path(__file__).parent.parent
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS: tuple[type[Settings], ...] = (
    *(AsrSettings, TtsSettings, HandleSettings),
    *(SatelliteSettings, GatewaySettings),
)


def refusal(argv: list[str], environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as told:
        load(AsrSettings, argv, environ or {})
    return str(told.value)


def written(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "voice.toml"
    path.write_text(text, encoding="utf-8")
    return ["--config", str(path)]


def test_an_old_key_is_told_its_new_name(tmp_path: Path) -> None:
    said = refusal(written(tmp_path, "[asr]\nmax_audio_seconds = 3\n"))
    assert said.startswith("[asr] max_audio_seconds: no such setting; since 0.1.0 it is called max")
    assert said.endswith("max_audio_s")


@pytest.mark.parametrize("ending", ["", "_FILE"])
def test_so_is_an_old_variable(ending: str) -> None:
    said = refusal([], {f"WYOMING_VOICE_ASR_MAX_AUDIO_SECONDS{ending}": "3"})
    assert said.endswith("; since 0.1.0 it is called WYOMING_VOICE_ASR_MAX_AUDIO_S")


def test_so_is_an_old_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load(AsrSettings, ["--max-audio-seconds", "3"], {})
    assert ended.value.code == 2
    assert "since 0.1.0 it is called --max-audio-s\n" in capsys.readouterr().err


@pytest.mark.parametrize("row", RENAMED, ids=lambda row: f"{row.section}-{row.old}")
def test_a_new_name_exists_and_the_old_one_does_not(row: Renamed) -> None:
    kind = next(kind for kind in KINDS if kind.section == row.section)
    assert row.new in kind.model_fields
    assert row.old not in kind.model_fields


def test_the_version_of_a_file_may_be_left_out_or_be_ours(tmp_path: Path) -> None:
    for first in ("", f"config_version = {CONFIG_VERSION}\n"):
        settings = load(AsrSettings, written(tmp_path, f"{first}[asr]\nbeam_size = 2\n"), {})
        assert settings.beam_size == 2


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (CONFIG_VERSION + 1, "was written for a newer wyoming-voice"),
        (0, f"is no version; write config_version = {CONFIG_VERSION}"),
        ("true", "config_version = True is no version"),
        ('"1"', "config_version = '1' is no version"),
    ],
)
def test_another_version_is_refused_in_words(tmp_path: Path, version: object, told: str) -> None:
    said = refusal(written(tmp_path, f"config_version = {version}\n[asr]\nbeam_size = 2\n"))
    assert told in said
    assert "voice.toml" in said


def test_the_version_tells_of_the_engines_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    first, *rows = capsys.readouterr().out.splitlines()
    assert first == f"wyoming-voice {__version__}"
    shown = {row.split()[0]: row.split()[1] for row in rows}
    assert shown.pop("python").startswith("3.")
    assert shown == installed()
    assert {"pocketsphinx", "espeakng-loader", "faster-whisper", "wyoming"} <= set(shown)


def test_the_changelog_begins_with_this_version() -> None:
    assert re.findall(r"^## (\S+)", CHANGES, re.MULTILINE)[0] == __version__


def test_the_changelog_names_what_was_renamed() -> None:
    for row in RENAMED:
        assert row.old in CHANGES
        assert row.new in CHANGES


def test_the_example_says_its_version() -> None:
    example = (ROOT / "systemd" / "voice.toml").read_text(encoding="utf-8")
    assert re.search(rf"^config_version = {CONFIG_VERSION}\b", example, re.MULTILINE)
