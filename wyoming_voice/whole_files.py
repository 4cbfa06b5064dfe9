"""Files that are there as a whole or not at all, whatever happens while they are written.

Rule: files that belong together get their names together, once the last of them is complete; standard output
gets its bytes as they are made.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from wyoming_voice.errors import ConfigError, why


@contextlib.contextmanager
def whole_files(paths: Sequence[Path | None]) -> Iterator[list[BinaryIO]]:
    """A file for each path, that gets its name at the end; None: standard output.

    Directories are made where there are none. Raises ConfigError for what can't be written.
    """
    with contextlib.ExitStack() as stack:
        files = [_half(stack, path) if path else sys.stdout.buffer for path in paths]
        yield files
        for path, file in zip(paths, files, strict=True):
            with _told(path):
                file.flush()
        for path in filter(None, paths):
            with _told(path):
                _part(path).replace(path)


def leave_standard_output() -> None:
    """Write to nobody: who read it has had enough, nor shall the flush at the exit fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _half(stack: contextlib.ExitStack, path: Path) -> BinaryIO:
    part = _part(path)
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = stack.enter_context(part.open("w+b"))
        stack.callback(part.unlink, missing_ok=True)
        return file


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


@contextlib.contextmanager
def _told(path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if path is None:
            raise
        raise ConfigError(f"{path} can't be written: {why(error)}") from error
