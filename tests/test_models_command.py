"""`wyoming-voice models`: what is here, and where; nothing here asks the network."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from wyoming_voice.errors import EngineError, UnknownChoice
from wyoming_voice.models import ModelsSettings, run

WHISPER_FILES = ("config.json", "model.bin", "tokenizer.json")
KOKORO_FILES = ("config.json", "kokoro.pth", "voices/af_heart.pt")


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the cache of whoever runs the tests nor the hub has anything."""

    def nothing(*_args: object, **_options: object) -> str:
        raise ConnectionError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", nothing)


def lay(directory: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return directory


async def models(model_dir: Path, **fields: Any) -> int:
    return await run(ModelsSettings(model_dir=model_dir, **fields))


async def test_the_list_says_what_is_here_and_where_it_looked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path / "faster-whisper-base.en", WHISPER_FILES)
    lay(tmp_path / "faster-whisper-tiny.en", WHISPER_FILES[:2])
    assert await models(tmp_path) == 0
    *table, last = capsys.readouterr().out.splitlines()
    rows = {row.split()[1]: row.split() for row in table}
    assert rows["base.en"] == ["asr", "base.en", "Systran/faster-whisper-base.en", "yes"]
    assert [name for name, row in rows.items() if row[-1] == "yes"] == ["base.en"]
    assert rows["hexgrad/Kokoro-82M"][0] == "tts"
    assert last == f"looked at {tmp_path}"


@pytest.mark.parametrize(
    ("fields", "directory", "files"),
    [
        ({}, "faster-whisper-base.en", WHISPER_FILES),
        ({"name": "tiny.en"}, "faster-whisper-tiny.en", WHISPER_FILES),
        ({"name": "someone/their-own"}, "their-own", WHISPER_FILES),
        ({"kind": "tts"}, "Kokoro-82M", KOKORO_FILES),
    ],
)
@pytest.mark.parametrize("action", ["path", "fetch"])
async def test_weights_that_are_here_are_named_by_their_directory(
    action: str,
    fields: dict[str, str],
    directory: str,
    files: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = lay(tmp_path / directory, files)
    assert await models(tmp_path, action=action, **fields) == 0
    assert capsys.readouterr().out == f"{here}\n"


@pytest.mark.parametrize("action", ["path", "fetch"])
async def test_weights_that_are_not_here_are_told_with_the_remedy(
    action: str, tmp_path: Path
) -> None:
    with pytest.raises(EngineError) as caught:
        await models(tmp_path, action=action, name="tiny")
    command = f"wyoming-voice models fetch asr tiny --model-dir {tmp_path}"
    assert command in str(caught.value)
    assert f"are not in {tmp_path}" in str(caught.value)


async def test_a_misspelt_size_is_told_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownChoice, match=r"did you mean 'base\.en'\?"):
        await models(tmp_path, action="path", name="base.eng")


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ValidationError, match="'list', 'fetch' or 'path'"):
        ModelsSettings.model_validate({"action": "remove"})
