"""What a Whisper says of itself, by its name and by the file beside its weights.

Rule: a small file is read at most, so that what can't be had is refused before anything is loaded.
"""

import json
from pathlib import Path
from typing import Any

from wyoming_voice.asr.languages import WHISPER
from wyoming_voice.errors import EngineError


def expected_languages(model: str) -> tuple[str, ...]:
    """What a model understands, by its config where it is a directory, else by its name."""
    config = config_of(Path(model))
    return (
        ("en",) if _english_by_name(model) or (config and not config.get("lang_ids")) else WHISPER
    )


def config_of(directory: Path) -> dict[str, Any]:
    """What a model says of itself; nothing where it says nothing. Raises EngineError."""
    path = directory / "config.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} can't be read: {error}") from error
    if not isinstance(found, dict):
        raise EngineError(f"{path} can't be read: it should hold one object")
    return found


def _english_by_name(model: str) -> bool:
    """`base.en` and its like, and the distilled models, which were trained on English alone."""
    name = model.rsplit("/", 1)[-1]
    return name.endswith((".en", "-en")) or "distil-" in name
