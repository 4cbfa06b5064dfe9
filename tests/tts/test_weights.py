"""Where Kokoro's weights come from: a directory, the cache, the hub; and what is said without."""

from pathlib import Path

import pytest

from wyoming_voice.errors import EngineError
from wyoming_voice.tts.voices import KOKORO_VOICES
from wyoming_voice.tts.weights import kokoro_files, kokoro_voices

REMEDY = "wyoming-voice models fetch tts"


def make(directory: Path, *names: str) -> Path:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return directory


def test_a_directory_of_ones_own(tmp_path: Path) -> None:
    make(tmp_path, "config.json", "mine.pth", "voices/af_sky.pt")
    files = kokoro_files(str(tmp_path))
    assert files.config() == tmp_path / "config.json"
    assert files.checkpoint() == tmp_path / "mine.pth"
    assert files.voice("af_sky") == tmp_path / "voices" / "af_sky.pt"


def test_what_is_missing_is_told_with_the_place_and_the_remedy(tmp_path: Path) -> None:
    files = kokoro_files(str(make(tmp_path, "config.json")))
    for ask, name in (
        (files.checkpoint, "kokoro-v1_0.pth"),
        (lambda: files.voice("af_sky"), "voices/af_sky.pt"),
        (kokoro_files(str(tmp_path / "no")).config, "config.json"),
    ):
        with pytest.raises(EngineError) as caught:
            ask()
        assert name in str(caught.value)
        assert str(tmp_path) in str(caught.value)
        assert REMEDY in str(caught.value)


def test_two_checkpoints_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"several checkpoints \(a.pth, b.pth\)"):
        kokoro_files(str(make(tmp_path, "a.pth", "b.pth"))).checkpoint()


def test_without_weights_or_hub_the_error_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EngineError) as caught:
        kokoro_files("hexgrad/Kokoro-82M", tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert REMEDY in str(caught.value)


def test_fetched_weights_are_found_without_a_network(tmp_path: Path) -> None:
    there = make(tmp_path / "Kokoro-82M", "config.json", "kokoro-v1_0.pth", "voices/af_heart.pt")
    assert kokoro_files("hexgrad/Kokoro-82M", tmp_path).directory == there


def test_a_directory_offers_the_voices_that_lie_in_it(tmp_path: Path) -> None:
    make(tmp_path, "voices/bf_emma.pt", "voices/af_mine.pt", "voices/notes.pt")
    assert [voice.name for voice in kokoro_voices(str(tmp_path))] == ["af_mine", "bf_emma"]


def test_the_hub_offers_what_is_published(tmp_path: Path) -> None:
    assert kokoro_voices("hexgrad/Kokoro-82M") == KOKORO_VOICES
    assert kokoro_voices(str(tmp_path / "empty")) == KOKORO_VOICES
