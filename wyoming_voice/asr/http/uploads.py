"""An uploaded file and the fields around it, from whatever a client sends.

`multipart/form-data` has the file in its part `file`; any other body is the file itself, whatever type is
declared, as `curl --data-binary` sends it; options are then in the query. Rule: what is large lies on disk,
and is gone when the request is.
"""

import contextlib
import tempfile
from typing import BinaryIO, Self, cast

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from wyoming_voice.http.bodies import MULTIPART, media_type_of
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.http.leaving import ClientLeft

_MOST_FIELDS = 100
_LONGEST_FIELD_BYTES = 64 * 1024
_IN_MEMORY_BYTES = 1024 * 1024

Fields = dict[str, list[str]]
"""The values of each field, in the order in which they came; without those that are empty."""


class Upload:
    """A file that was received, and what was said with it; leaving it closes the file."""

    def __init__(self, file: UploadFile, fields: Fields) -> None:
        self.file = file.file
        self.size_bytes = file.size or 0
        self.fields = fields

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


async def received(request: Request) -> Upload:
    """What a request brings. Raises BadRequest, ClientLeft, and what the limits of the door raise."""
    fields: Fields = {}
    _add(fields, request.query_params.multi_items())
    try:
        if media_type_of(request) == MULTIPART:
            return await _in_form(request, fields)
        return Upload(await _whole_body(request), fields)
    except ClientDisconnect as error:
        raise ClientLeft("the client left before all of its file had come") from error


async def _in_form(request: Request, fields: Fields) -> Upload:
    form = await _form(request)
    file = form.get("file")
    if not isinstance(file, UploadFile):
        await form.close()
        raise BadRequest("no file came; send it as the part 'file', with a file name", "file")
    named = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    for name, _ in named:
        fields.pop(name, None)  # what is said in the form counts
    _add(fields, named)
    return Upload(file, fields)


async def _form(request: Request) -> FormData:
    try:
        return await request.form(
            max_files=1, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD_BYTES
        )
    except HTTPException as error:  # which says what is wrong with it
        raise BadRequest(f"the form can't be read: {error.detail}") from error


async def _whole_body(request: Request) -> UploadFile:
    with contextlib.ExitStack() as stack:
        spooled = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))
        file = UploadFile(cast(BinaryIO, spooled), size=0)
        async for chunk in request.stream():
            await file.write(chunk)
        if not file.size:
            raise BadRequest(
                "no file came; send it as the part 'file' of multipart/form-data, or as the body",
                "file",
            )
        stack.pop_all()  # closed by whoever is handed the Upload
    return file


def _add(fields: Fields, items: list[tuple[str, str]]) -> None:
    for name, value in items:
        if value:
            fields.setdefault(name, []).append(value)
