"""One value in the user's file is set, and nothing else of it changes."""

import os
from pathlib import Path

import pytest

from wyoming_voice.calibrate.configuration import write_value
from wyoming_voice.errors import ConfigError

FILE = """# mine
[asr]
model = "small.en"  # the big one is too slow
audio_context = "full"

[tts]
voice = 'af_bella(2)+af_sky(1)'
"""


def test_comments_and_everything_else_stay(tmp_path: Path) -> None:
    path = tmp_path / "voice.toml"
    path.write_text(FILE, encoding="utf-8")
    write_value(path, "asr", "audio_context", "8")
    assert path.read_text(encoding="utf-8") == FILE.replace('"full"', '"8"')


def test_a_section_that_is_not_there_is_added(tmp_path: Path) -> None:
    path = tmp_path / "voice.toml"
    path.write_text("[tts]\nspeed = 1.1\n", encoding="utf-8")
    write_value(path, "asr", "audio_context", "8")
    assert path.read_text(encoding="utf-8") == '[tts]\nspeed = 1.1\n\n[asr]\naudio_context = "8"\n'


def test_a_file_that_is_not_there_is_made_with_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "wyoming-voice" / "voice.toml"
    write_value(path, "asr", "audio_context", "10")
    assert path.read_text(encoding="utf-8") == '[asr]\naudio_context = "10"\n'


def test_a_new_file_can_be_read_by_the_server_s_own_user(tmp_path: Path) -> None:
    path, other = tmp_path / "voice.toml", tmp_path / "other"
    write_value(path, "asr", "audio_context", "10")
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_its_rights_stay_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "voice.toml"
    real.write_text(FILE, encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    write_value(link, "asr", "audio_context", "8")
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert 'audio_context = "8"' in real.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["[asr\n", 'asr = "whisper"\n', "\xe9"])
def test_what_is_no_configuration_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "voice.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"voice\.toml"):
        write_value(path, "asr", "audio_context", "8")
    assert path.read_bytes() == text.encode("latin-1")
    assert os.listdir(tmp_path) == ["voice.toml"]  # noqa: PTH208  (hidden ones, too)


def test_a_place_that_cannot_be_written_to_is_told_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match='add audio_context = "8"'):
        write_value(tmp_path / "file" / "voice.toml", "asr", "audio_context", "8")
