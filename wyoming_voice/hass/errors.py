"""What can keep Home Assistant from answering, and whether it may have done something all the same.

Rule: the text names the remedy and never the token; `untouched` is true only where it is certain that
Home Assistant did nothing, so that a command may be tried another way.
"""

import ssl
from enum import Enum

from wyoming_voice.errors import UpstreamError


class Trouble(Enum):
    """What is wrong, for a program."""

    AWAY = "it can't be reached"
    TOKEN = "the token can't be read, or is refused"
    REFUSED = "it doesn't carry out this command"
    FAILED = "it tried, and failed"
    LATE = "no answer in time"


_UNTOUCHED = {Trouble.AWAY, Trouble.TOKEN, Trouble.REFUSED}


class HassError(UpstreamError):
    """Home Assistant gave no result; the text says why, and what to do about it."""

    def __init__(self, trouble: Trouble, text: str, *, untouched: bool | None = None) -> None:
        """`untouched`: nothing was done; without it, what is usual for this trouble."""
        super().__init__(text)
        self.trouble = trouble
        self.untouched = trouble in _UNTOUCHED if untouched is None else untouched

    def anew(self) -> "HassError":
        """The same without its traceback, whose frames hold what was asked, or the token."""
        return HassError(self.trouble, str(self), untouched=self.untouched)


def no_socket(status: int) -> str:
    """Why a WebSocket was asked for, and an HTTP answer with this status came."""
    if status == 403:
        return "it answers 403; after wrong tokens it bans an address, see its ip_bans.yaml"
    if status in (502, 503):
        return f"it answers {status}; is it still starting, and is --hass-url right?"
    return f"this is no Home Assistant's WebSocket (it answers {status}); is --hass-url right?"


def no_tls(error: ssl.SSLError) -> str:
    """Why nothing encrypted came about, where it is not for the certificate."""
    reason = (error.reason or "no answer").replace("_", " ").lower()
    return f"it speaks no TLS here ({reason}); is it http://, or another port?"
