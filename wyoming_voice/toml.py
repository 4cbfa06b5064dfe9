"""Reads a TOML file for people who write one seldom: what can't be read is told with a remedy.

Rule: no value is told, for it may be a secret.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from wyoming_voice.errors import ConfigError


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file. Raises ConfigError with the line of what can't be read."""
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        hint = _quotes_hint(text, str(error))
        raise ConfigError(
            f"the configuration {str(path)!r} can't be read: {error}{hint}"
        ) from error
    return tables


def _quotes_hint(text: str, error: str) -> str:
    """The remedy where a text stands without quotes; the text itself, which may be a secret, is not told."""
    where = re.search(r"Invalid value \(at line (\d+)", error)
    lines = text.split("\n")
    if where is None or int(where[1]) > len(lines):
        return ""
    key, _, value = lines[int(where[1]) - 1].partition("=")
    if re.match(r"\s*[^\s\"'\[{\d+-]", value) is None:
        return ""
    return f'; a text stands in quotes: {key.strip()} = "..."'
