"""Which files are read and written: all mistakes before any work, nothing overwritten by chance."""

from pathlib import Path
from typing import Any

import pytest

from wyoming_voice.errors import ConfigError
from wyoming_voice.subtitles.plan import Wanted, planned


@pytest.fixture
def media(tmp_path: Path) -> Path:
    names = ("a.mp4", "deep/b.MKV", "deep/c.mp3", "notes.txt", ".hidden/d.mp4", "deep/.e.mp4")
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def plan(*paths: Path, **asked: Any) -> list[tuple[str, str]]:
    wanted = {"output": "", "kind": None, "overwrite": False, **asked}
    return [(film.medium.name, str(film.output)) for film in planned(Wanted(paths=paths, **wanted))]


def test_subtitles_lie_beside_the_medium(media: Path) -> None:
    assert plan(media / "a.mp4") == [("a.mp4", str(media / "a.srt"))]
    assert plan(media / "a.mp4", kind="vtt") == [("a.mp4", str(media / "a.vtt"))]


def test_a_directory_is_searched_for_media(media: Path) -> None:
    found = plan(media)
    assert found == [
        ("a.mp4", str(media / "a.srt")),
        ("b.MKV", str(media / "deep/b.srt")),
        ("c.mp3", str(media / "deep/c.srt")),
    ]
    assert plan(media, media / "a.mp4") == found


def test_a_named_file_is_a_medium_whatever_it_is_called(media: Path) -> None:
    assert plan(media / "notes.txt") == [("notes.txt", str(media / "notes.srt"))]


def test_the_output_may_be_a_file_which_says_the_format(media: Path) -> None:
    (film,) = planned(Wanted([media / "a.mp4"], str(media / "out.vtt"), None, overwrite=False))
    assert (film.output, film.kind) == (media / "out.vtt", "vtt")


def test_the_output_may_be_a_directory_that_is_like_the_source(media: Path) -> None:
    out = media / "new"
    found = [output for _, output in plan(media, output=str(out))]
    assert found == [str(out / name) for name in ("a.srt", "deep/b.srt", "deep/c.srt")]
    assert plan(media / "a.mp4", output=f"{out}/") == [("a.mp4", str(out / "a.srt"))]
    out.mkdir()
    assert plan(media / "a.mp4", output=str(out)) == [("a.mp4", str(out / "a.srt"))]


def test_a_dash_is_standard_output(media: Path) -> None:
    assert plan(media / "a.mp4", output="-") == [("a.mp4", "None")]
    with pytest.raises(ConfigError, match="one at a time"):
        plan(media, output="-")


def test_what_is_there_is_not_overwritten_unless_that_is_said(media: Path) -> None:
    for name in ("a.srt", "deep/c.srt"):
        (media / name).touch()
    with pytest.raises(ConfigError, match=r"a\.srt is there(?s:.)*c\.srt is there") as refused:
        plan(media)
    assert "--overwrite" in str(refused.value)
    assert len(plan(media, overwrite=True)) == 3


@pytest.mark.parametrize(
    ("paths", "asked", "remedy"),
    [
        (["none.mp4", "nor.mp4"], {}, r"none\.mp4: there is no such(?s:.)*nor\.mp4"),
        ([".hidden/.."], {"kind": "srt", "output": "x.vtt"}, "contradict"),
        (["empty"], {}, "no media in .*name the files"),
        (["a.mp4"], {"output": "a.mp4"}, "the medium itself"),
    ],
)
def test_what_can_not_be_is_told(
    media: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], asked: Any, remedy: str
) -> None:
    (media / "empty").mkdir()
    monkeypatch.chdir(media)
    with pytest.raises(ConfigError, match=remedy):
        plan(*map(Path, paths), **asked)


def test_two_media_do_not_share_a_file(media: Path) -> None:
    (media / "a.mkv").touch()
    with pytest.raises(ConfigError, match=r"a\.srt can't hold .*a\.mkv, .*a\.mp4"):
        plan(media)


def test_many_mistakes_are_not_all_told(media: Path) -> None:
    with pytest.raises(ConfigError, match="and 30 more"):
        plan(*(media / f"{number}.mp4" for number in range(50)))


def test_a_link_to_a_medium_is_that_medium(media: Path) -> None:
    (media / "z.mp4").symlink_to(media / "a.mp4")
    assert [name for name, _ in plan(media)] == ["a.mp4", "b.MKV", "c.mp3"]
