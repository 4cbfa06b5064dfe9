"""A token in a file, read each time that it is needed.

Rule: what is read stands in no error, no log and no repr.
"""

from collections.abc import Callable
from pathlib import Path

from wyoming_voice.errors import why
from wyoming_voice.hass.errors import HassError, Trouble

_MOST_CHARS = 8192


def token_in(path: Path) -> Callable[[], str]:
    """What reads the file anew: one line of printable ASCII; raises HassError that names the file."""

    def token() -> str:
        text = _text(path).strip()
        if not text:
            raise HassError(Trouble.TOKEN, f"{path} is empty; put a long-lived access token in it")
        if not (text.isascii() and text.isprintable()) or " " in text or len(text) > _MOST_CHARS:
            raise HassError(Trouble.TOKEN, f"{path} holds no token: one line of ASCII, no spaces")
        return text

    return token


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_MOST_CHARS + 2)
    except OSError as error:
        remedy = "write a long-lived access token of Home Assistant into it"
        raise HassError(Trouble.TOKEN, f"{path} can't be read ({why(error)}); {remedy}") from error
    except UnicodeDecodeError:
        # Not chained: the exception holds the bytes.
        raise HassError(Trouble.TOKEN, f"{path} holds no token: it is no text") from None
