"""What Home Assistant's WebSocket says, read.

PURE. The API: https://developers.home-assistant.io/docs/api/websocket. Rule: what has an unexpected
shape is left out, and never an error; a failure's text doesn't repeat what Home Assistant says of a command,
which may be what somebody said.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from wyoming_voice.hass.errors import HassError, Trouble

_UNTOUCHED = {"invalid_format", "not_allowed", "not_supported", "not_found", "id_reuse"}
"""Codes with which a command is refused before anything is done (components/websocket_api/const.py)."""


@dataclass(frozen=True, slots=True)
class Result:
    """A command was carried out."""

    id: int
    value: object


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command was not; `message` may repeat what was asked."""

    id: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the subscription with this id."""

    id: int
    event: object


@dataclass(frozen=True, slots=True)
class Greeting:
    """A word of the beginning: "auth_required", "auth_ok", "auth_invalid"."""

    type: str
    version: str


Message = Result | Refusal | Happened | Greeting


def read(text: str | bytes) -> list[Message]:
    """The messages in one frame, which holds one or (after `coalesce_messages`) a list of them."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    documents = document if isinstance(document, list) else [document]
    return [message for one in documents if isinstance(one, dict) for message in _message(one)]


def _message(document: dict[str, object]) -> Iterator[Message]:
    match document:
        case {"type": "result", "id": int(id), "success": True}:
            yield Result(id, document.get("result"))
        case {"type": "result", "id": int(id)}:
            code, message = _error(document.get("error"))
            yield Refusal(id, code, message)
        case {"type": "event", "id": int(id), "event": event}:
            yield Happened(id, event)
        case {"type": str(type)} if type.startswith("auth"):
            yield Greeting(type, _word(document.get("ha_version")))


def _error(error: object) -> tuple[str, str]:
    fields: Mapping[object, object] = error if isinstance(error, dict) else {}
    message = fields.get("message")
    return (
        _word(fields.get("code")) or "unknown_error",
        message[:2000] if isinstance(message, str) else "",
    )


def _word(value: object) -> str:
    """What may stand in a line of the log; "" for anything else."""
    return value[:80] if isinstance(value, str) and value.isprintable() else ""


def failure(command: str, code: str) -> HassError:
    """What a refusal of `command` with this code comes to."""
    if code == "unauthorized":
        return HassError(
            Trouble.REFUSED,
            f"Home Assistant refuses {command!r}: the user of the token is no administrator",
        )
    if code == "unknown_command":
        return HassError(
            Trouble.REFUSED, f"this Home Assistant doesn't know {command!r}; a newer one does"
        )
    if code in _UNTOUCHED:
        return HassError(Trouble.REFUSED, f"Home Assistant refuses {command!r} ({code})")
    return HassError(Trouble.FAILED, f"{command!r} failed in Home Assistant ({code}); see its log")


def socket_url(url: str) -> str:
    """Where the WebSocket of the Home Assistant at `http://HOST:PORT` is."""
    return f"ws{url.rstrip('/').removeprefix('http')}/api/websocket"


def shown(url: str) -> str:
    """The address without a name and password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
