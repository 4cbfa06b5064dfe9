"""A token in a file, read each time that it is needed.

Rule: what is read stands in no error, no log and no repr; nor does what was written in place of a file's
name and looks like a token.
"""

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

from wyoming_voice.errors import why
from wyoming_voice.hass.errors import HassError, Trouble

_log = logging.getLogger(__name__)

OPTION = "--hass-token-file"

_MOST_CHARS = 8192
_LONG_CHARS = 100
"""Home Assistant's tokens have 180 characters and more."""

_WEB_TOKEN = "eyJ"
"""How a JSON Web Token begins (RFC 7519): `{"` in base64."""

_MOUNTED = ("/run/credentials", "/run/secrets", "/var/run/secrets")
"""Whoever runs systemd or the containers decides who may read what is there."""


def token_in(path: Path, option: str = "") -> Callable[[], str]:
    """What reads the file anew: one line of printable ASCII; raises HassError that names the file.

    Where it can't be read the cause is the OSError, which holds the path; HassError.anew() is without it.
    `option`, where it is given, stands before that name; then a file that others may read is told, once.
    """
    return _TokenFile(path, option).read


class _TokenFile:
    def __init__(self, path: Path, option: str) -> None:
        self._path = path
        self._option = option
        self._place = f"{option}: {path}" if option else str(path)
        self._watched = bool(option)

    def read(self) -> str:
        text = self._text().strip()
        if not text:
            raise self._trouble("is empty; put a long-lived access token in it")
        if not (text.isascii() and text.isprintable()) or " " in text or len(text) > _MOST_CHARS:
            raise self._trouble("holds no token: one line of ASCII, no spaces")
        return text

    def _text(self) -> str:
        try:
            with self._path.open(encoding="utf-8") as file:
                text = file.read(_MOST_CHARS + 2)
                self._warn_of_readers(file)
                return text
        except OSError as error:
            remedy = "write a long-lived access token of Home Assistant into it"
            raise self._trouble(f"can't be read ({why(error)}); {remedy}") from error
        except UnicodeDecodeError:
            # Not chained: the exception holds the bytes.
            raise self._trouble("holds no token: it is no text") from None

    def _trouble(self, what: str) -> HassError:
        if not looks_like_a_token(self._path):
            return HassError(Trouble.TOKEN, f"{self._place} {what}")
        said = "this looks like the token itself; write it to a file and name that"
        return HassError(Trouble.TOKEN, f"{self._option}: {said}" if self._option else said)

    def _warn_of_readers(self, file: IO[str]) -> None:
        if not self._watched:
            return
        self._watched = False
        found = os.fstat(file.fileno())
        # Of somebody else's file it is the group by which it is read here.
        own = found.st_uid == os.geteuid()
        open_to = found.st_mode & (0o077 if own else 0o007)
        if not open_to or not stat.S_ISREG(found.st_mode) or _is_mounted(self._path):
            return
        remedy = "chmod 600" if own else "make it this user's own (chown), and chmod 600"
        shown = self._option if looks_like_a_token(self._path) else self._place
        _log.warning("%s can be read by others on this machine; %s", shown, remedy)


def looks_like_a_token(path: Path) -> bool:
    """Whether what should be the name of a file is a token, so that it must not be shown."""
    text = str(path)
    if text.startswith(_WEB_TOKEN):
        return True
    # os.path, since pathlib raises for a name that is too long.
    if os.path.exists(path) or ("/" in text and os.path.isdir(path.parent)):  # noqa: PTH110, PTH112
        return False
    return len(text) > _LONG_CHARS or (text.count(".") == 2 and "/" not in text)


def _is_mounted(path: Path) -> bool:
    # Kubernetes mounts what is a link to a link.
    return any(one.is_relative_to(root) for root in _MOUNTED for one in (path, path.resolve()))
