"""How a request about a text is read: JSON or a form, bounded before it is held, checked against a model.

A body that begins with `{` is JSON whatever its type says: `curl -d` calls all that it sends a form. Rule:
whatever the bytes, the answer to bad ones is a refusal that says what is meant.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from wyoming_voice.errors import TooLarge, UnknownChoice
from wyoming_voice.http.errors import AnyRefusal, BadRequest, of_validation
from wyoming_voice.http.leaving import ClientLeft

M = TypeVar("M", bound=BaseModel)

_MOST_BYTES_A_CHAR = 6
"""`\\u4e2d`: one character in JSON. Nothing but emoji takes more; 600 KB are parsed in 4 ms."""

_ROOM_BYTES = 16_384
"""What may stand beside the text."""

_FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


def most_bytes(most_chars: int) -> int:
    """How long a request about a text may be."""
    return most_chars * _MOST_BYTES_A_CHAR + _ROOM_BYTES


async def read(request: Request, kind: type[M], most_chars: int) -> M:
    """The request's fields; raises BadRequest, TooLarge, AnyRefusal (415), ClientLeft."""
    body = await _bounded(request, most_bytes(most_chars))
    media_type = media_type_of(request)
    if body.lstrip()[:1] == b"{" or media_type.endswith("json"):
        return checked(kind, parsed(body), strict=True)
    if media_type == _FORM:
        return checked(kind, _form(body))
    if media_type == MULTIPART:
        return checked(kind, await _multipart(request, body))
    raise AnyRefusal(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"a body of type {media_type[:80]!r}; send JSON (Content-Type: application/json) or a form",
    )


def media_type_of(request: Request) -> str:
    """What the client calls its body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parsed(text: bytes | str) -> dict[str, Any]:
    """The JSON object in a text; BadRequest for all else."""
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"this is no JSON: {_first_words(error)}") from error
    if not isinstance(value, dict):
        raise BadRequest(f'a JSON object is needed, such as {{"text": "…"}}, not {_kind(value)}')
    return value


def checked(kind: type[M], fields: object, *, strict: bool = False) -> M:
    """The fields as a model; BadRequest names the first that is wrong. `strict`: a text is no number."""
    try:
        return kind.model_validate(fields, strict=strict)
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False, include_context=False)
        raise of_validation(told) from error


def check_names(names: Iterable[str], kind: type[BaseModel]) -> None:
    """Raises BadRequest for a field that the model has not."""
    for name in names:
        if name not in kind.model_fields:
            raise BadRequest(str(UnknownChoice("field", name, kind.model_fields)), name[:80])


async def _bounded(request: Request, most: int) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLarge(
                    f"a request of over {most} bytes about a text; send a shorter text"
                    " (--max-text-chars)"
                )
    except ClientDisconnect as error:
        raise ClientLeft("the client left before it had asked") from error
    return bytes(body)


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="replace"))
    except ValueError as error:
        raise BadRequest(f"this is no form: {_first_words(error)}") from error


async def _multipart(request: Request, body: bytes) -> dict[str, Any]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        async with Request(request.scope, receive).form(max_part_size=len(body)) as form:
            return dict(form)
    except HTTPException as error:
        raise BadRequest(f"this is no form: {error.detail}") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} stands for no number in JSON")


def _kind(value: object) -> str:
    return {list: "an array", str: "a text", type(None): "null"}.get(type(value), "a single value")


def _first_words(error: Exception, most: int = 100) -> str:
    """What Python says, without what was sent."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)[:most]
