"""System prompts of single satellites: `NAME.txt` in one directory, read again when it changes.

Rule: names come from the network and make no path: what is in the directory is listed, and a name is looked
up in the list. Bounded: at most one look in LOOK_EVERY_S, MAX_FILES files, and MAX_PROMPT_CHARS of each. A
file that can't be used is told of once, and what it said before holds, since an editor may be saving it; a
file that is gone says nothing.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.session import MAX_PROMPT_CHARS

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""A prompt that was edited holds from the next question on; a look at some files takes well under 1 ms."""

MAX_FILES = 256

_SUFFIX = ".txt"
_MAX_BYTES = 4 * MAX_PROMPT_CHARS


@dataclass(frozen=True, slots=True)
class _File:
    """What was read, and how the file looked then (time in ns, bytes)."""

    stamp: tuple[int, int]
    text: str


class SatellitePrompts:
    """The prompts in one directory; names are compared without regard to case."""

    def __init__(self, directory: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError where `directory` can't be listed."""
        self._directory = directory
        self._now_s = now_s
        self._files: dict[str, _File] = {}
        self._told: set[str] = set()
        try:
            self._look()
        except OSError as error:
            raise ConfigError(
                f"--satellite-prompt-dir: {directory} can't be read: {error}"
            ) from error
        self._looked_s = now_s()

    def of(self, names: Iterable[str]) -> str:
        """The prompt of the first of `names` that has one, else ""."""
        self._refresh()
        for name in names:
            file = self._files.get(name.casefold())
            if name and file is not None:
                return file.text
        return ""

    def _refresh(self) -> None:
        if self._now_s() < self._looked_s + LOOK_EVERY_S:
            return
        self._looked_s = self._now_s()
        try:
            self._look()
        except OSError as error:
            self._warn(str(self._directory), f"can't be read: {error}")

    def _look(self) -> None:
        paths = sorted(p for p in self._directory.iterdir() if p.name.endswith(_SUFFIX))
        if len(paths) > MAX_FILES:
            self._warn(str(self._directory), f"has {len(paths)} files; {MAX_FILES} are taken")
        found = {}
        for path in paths[:MAX_FILES]:
            name = path.name.removesuffix(_SUFFIX).casefold()
            file = self._read(path, self._files.get(name))
            if file is not None:
                found[name] = file
        self._files = found

    def _read(self, path: Path, before: _File | None) -> _File | None:
        """`path` as it is, or as it was `before` where it hasn't changed or can't be used."""
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if before is not None and before.stamp == stamp:
                return before
            wrong, text = "", ""
            if not path.is_file():
                wrong = "is not a file"
            elif stat.st_size > _MAX_BYTES:
                wrong = f"is longer than {MAX_PROMPT_CHARS} characters"
            else:
                text = path.read_text(encoding="utf-8").strip()
                wrong = _wrong_with(text)
        except (OSError, UnicodeDecodeError) as error:
            wrong = f"can't be read: {error}"
        if wrong:
            self._warn(str(path), wrong)
            return before
        self._told.discard(str(path))
        return _File(stamp, text)

    def _warn(self, path: str, wrong: str) -> None:
        if path not in self._told:
            self._told.add(path)
            _log.warning("--satellite-prompt-dir: %s %s", path, wrong)


def _wrong_with(text: str) -> str:
    if not text:
        return "is empty"
    if len(text) > MAX_PROMPT_CHARS:
        return f"has {len(text)} characters; at most {MAX_PROMPT_CHARS} are taken"
    return ""
