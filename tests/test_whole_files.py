"""Files that belong together are there together, or not at all."""

import contextlib
from pathlib import Path

import pytest

from wyoming_voice.errors import ConfigError
from wyoming_voice.whole_files import whole_files


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if path.is_file())


def test_they_get_their_names_at_the_end(tmp_path: Path) -> None:
    with whole_files([tmp_path / "deep" / "a.wav", tmp_path / "a.srt"]) as (audio, subtitles):
        audio.write(b"sound")
        subtitles.write(b"text")
        assert not {"a.wav", "a.srt"} & {*names(tmp_path)}
    assert names(tmp_path) == ["a.srt", "a.wav"]
    assert (tmp_path / "deep" / "a.wav").read_bytes() == b"sound"


def test_what_is_broken_off_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    making = whole_files([tmp_path / "a", tmp_path / "b"])
    making.__enter__()[0].write(b"half")
    assert len(names(tmp_path)) == 3
    with contextlib.suppress(KeyboardInterrupt):
        making.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "mine"


def test_what_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "a", tmp_path / ("a" * 300)):
        with pytest.raises(ConfigError, match="can't be written"), whole_files([path]):
            pass
    assert names(tmp_path) == ["file"]


def test_none_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with whole_files([None]) as (file,):
        file.write(b"sound")
    assert capfdbinary.readouterr().out == b"sound"
