"""Weights: what is here is found without a network, what is not is told with the remedy."""

import socket
from pathlib import Path

import pytest
from huggingface_hub import constants

from wyoming_voice import hub
from wyoming_voice.errors import ConfigError, EngineError, UnknownChoice


def lay(directory: Path, *names: str) -> None:
    for name in names:
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("base.en", "Systran/faster-whisper-base.en"),
        ("turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo"),
        ("someone/whisper-of-their-own", "someone/whisper-of-their-own"),
    ],
)
def test_sizes_and_repositories(name: str, repository: str) -> None:
    assert hub.whisper(name).repository == repository


def test_a_size_that_does_not_exist() -> None:
    with pytest.raises(
        UnknownChoice, match=r"unknown model 'base\.eng'; did you mean 'base\.en'\?"
    ):
        hub.whisper("base.eng")


def test_a_complete_directory_is_found(tmp_path: Path) -> None:
    weights = hub.whisper("base.en")
    lay(tmp_path / "faster-whisper-base.en", "config.json", "model.bin", "tokenizer.json")
    assert hub.local(weights, tmp_path) == tmp_path / "faster-whisper-base.en"
    assert hub.obtain(weights, tmp_path) == tmp_path / "faster-whisper-base.en"


def test_half_a_download_is_not_taken_for_a_model(tmp_path: Path) -> None:
    lay(tmp_path / "faster-whisper-base.en", "config.json", "tokenizer.json")
    assert hub.local(hub.whisper("base.en"), tmp_path) is None


def test_what_cannot_be_had_names_the_directory_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_args: object, **_options: object) -> str:
        raise ConnectionError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(EngineError) as caught:
        hub.obtain(hub.kokoro(), tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert f"wyoming-voice models fetch tts hexgrad/Kokoro-82M --model-dir {tmp_path}" in str(
        caught.value
    )
    for remedy in ("(--model-dir)", "--engine espeak (pip install 'wyoming-voice[embedded]')"):
        assert remedy in str(caught.value)


def test_a_directory_of_the_users_own(tmp_path: Path) -> None:
    lay(tmp_path, "config.json", "voices/af_heart.pt")
    assert hub.directory(tmp_path, ("config.json", "voices/*.pt")) == tmp_path
    with pytest.raises(ConfigError, match=r"holds no model\.bin"):
        hub.directory(tmp_path, ("config.json", "model.bin"))


def test_a_mirror_is_reached_at_its_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "is_offline_mode", lambda: False)
    with socket.create_server(("127.0.0.1", 0)) as mirror:
        endpoint = f"http://127.0.0.1:{mirror.getsockname()[1]}/hub"
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        assert hub.reachable()
    assert not hub.reachable()
