"""One shape of every error at the HTTP doors, which is OpenAI's: its clients read it, and any JSON reader.

`{"error": {"message", "type", "param", "code", "request_id"}}`: the message names the value and the remedy.
The doors add to the tree of `wyoming_voice.errors`:

VoiceError
├── PeerError
│   ├── BadRequest               bad-request: a field that makes no sense
│   ├── Unauthorized             unauthorized: no key, or a wrong one
│   ├── ForbiddenOrigin          forbidden-origin: a web page that may not call
│   ├── NotFound                 not-found: nothing is there
│   └── AnyRefusal               what the framework refuses
└── Loading                      loading: not ready yet, or no longer
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from wyoming_voice.errors import PeerError, VoiceError

_STATUS = {
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "forbidden-origin": HTTPStatus.FORBIDDEN,
    "not-found": HTTPStatus.NOT_FOUND,
    "unknown-model": HTTPStatus.NOT_FOUND,
    "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too-slow": HTTPStatus.REQUEST_TIMEOUT,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "loading": HTTPStatus.SERVICE_UNAVAILABLE,
    "timeout": HTTPStatus.GATEWAY_TIMEOUT,
    "upstream-failed": HTTPStatus.BAD_GATEWAY,
}

_PARTS_OF_A_REQUEST = ("body", "query", "path", "header")

AGAIN_S = 1
"""`Retry-After` of what is only refused for the moment."""


class Detail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None = None
    code: str
    request_id: str


class ErrorBody(BaseModel):
    """The body of every answer with a status of 400 and more."""

    error: Detail


class Unauthorized(PeerError):
    """No key, or one that isn't known."""

    code = "unauthorized"


class ForbiddenOrigin(PeerError):
    """A web page that may not call, or a name that isn't ours."""

    code = "forbidden-origin"


class NotFound(PeerError):
    """There is nothing at this path."""

    code = "not-found"


class BadRequest(PeerError):
    """A field of a request that makes no sense; `param` is its name."""

    code = "bad-request"

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class AnyRefusal(PeerError):
    """What the framework refuses, with the status and the headers that it chose."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.code = HTTPStatus(status).phrase.lower().replace(" ", "-")


class Loading(VoiceError):
    """The engine is not ready yet, or no longer."""

    code = "loading"


def status_of(error: VoiceError) -> int:
    """The HTTP status that says whose fault it is."""
    usual = (
        HTTPStatus.BAD_REQUEST if isinstance(error, PeerError) else HTTPStatus.INTERNAL_SERVER_ERROR
    )
    if isinstance(error, AnyRefusal):
        return error.status
    return int(_STATUS.get(error.code, usual))


def body_of(error: VoiceError, request_id: str) -> dict[str, Any]:
    """The error as it is sent."""
    status = status_of(error)
    detail = Detail(
        message=str(error),
        type=_type_of(status),
        param=error.param if isinstance(error, PeerError) else None,
        code=error.code,
        request_id=request_id,
    )
    return ErrorBody(error=detail).model_dump()


def headers_of(error: VoiceError) -> dict[str, str]:
    """What goes with the status."""
    if isinstance(error, AnyRefusal):
        return dict(error.headers)
    match status_of(error):
        case HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": "Bearer"}
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": str(AGAIN_S)}
    return {}


def of_validation(errors: Sequence[Mapping[str, Any]]) -> BadRequest:
    """What FastAPI or pydantic found wrong with a request, in a sentence."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return BadRequest(f"that is not JSON: {first['ctx']['error']}")
    if first["type"] in ("model_attributes_type", "model_type"):
        return BadRequest("the body should be a JSON object, with Content-Type: application/json")
    place = [str(part) for part in first["loc"] if part not in _PARTS_OF_A_REQUEST]
    name = ".".join(place) or None
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    said = str(first["msg"]).removeprefix("Value error, ")
    return BadRequest(f"{name or 'the request'}: {said}{more}", name)


def _type_of(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "authentication_error"
    return "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
