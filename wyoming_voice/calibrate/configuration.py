"""Writes one value into the user's TOML file and leaves all else as it was: the one importer of tomlkit.

Rule: the file is replaced in one step, with the owner and the rights that it had, or not at all.
"""

import os
import shutil
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from wyoming_voice.errors import ConfigError, why


def write_value(path: Path, section: str, key: str, value: str) -> None:
    """Set `[section] key`; a file that isn't there is made. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        document = tomlkit.parse(text)
        table = document.setdefault(section, tomlkit.table())
        table[key] = value
        _replace(path, tomlkit.dumps(document))
    except (OSError, UnicodeDecodeError) as error:
        reason = why(error) if isinstance(error, OSError) else str(error)
        raise ConfigError(f'{path} can\'t be written: {reason}; add {key} = "{value}"') from error
    except (TOMLKitError, TypeError) as error:  # a section that is no table, say
        raise ConfigError(f"{path} is no configuration: {error}") from error


def _replace(path: Path, text: str) -> None:
    target = path.resolve()  # a link stays one
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
        if target.exists():
            shutil.copymode(target, temporary)
            _copy_owner(target, temporary)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _copy_owner(source: Path, target: Path) -> None:
    if os.geteuid() == 0:
        status = source.stat()
        os.chown(target, status.st_uid, status.st_gid)
