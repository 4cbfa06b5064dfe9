"""What can be asked over HTTP: a recording or a text, as a form or as JSON; checked before it is asked."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import UploadFile
from pydantic import BaseModel, BeforeValidator, Field, model_validator
from starlette.datastructures import UploadFile as StarletteUpload
from starlette.requests import Request

from wyoming_voice.errors import TooLarge
from wyoming_voice.http.bodies import (
    MULTIPART,
    check_names,
    checked,
    media_type_of,
    most_bytes,
    read,
)
from wyoming_voice.http.errors import BadRequest


def _sayable(value: object) -> object:
    """Halves of characters, which JSON can hold, can't be sent on."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_sayable)]

Encoding = Literal["wav", "mp3", "opus", "flac", "aac", "pcm"]


CONVERSATION_ID = r"^[A-Za-z0-9_-]{0,64}$"


class Wanted(BaseModel):
    """How an answer is wanted."""

    voice: Text = Field(
        "", max_length=200, description="a name of `/voices` (default: the server's)"
    )

    @model_validator(mode="before")
    @classmethod
    def _known(cls, fields: object) -> object:
        """Raises BadRequest for a field that there is not."""
        if isinstance(fields, dict):
            check_names(map(str, map(_sayable, fields)), cls)
        return fields


class SayBody(Wanted):
    """A text to be spoken."""

    text: Text = Field(min_length=1, description="what is to be said")
    format: Encoding = Field("wav", description="of the sound that comes back")


class AskBody(Wanted):
    """A question."""

    text: Text = Field("", description="the question; without it a recording is needed")
    language: Text = Field("", max_length=40, description="of the question, such as `en`")
    format: Encoding | Literal["json"] = Field("wav", description="json: the answer as text only")
    conversation: str = Field(
        "",
        pattern=CONVERSATION_ID,
        description="a name that questions share which belong together; `/ws/talk` knows it, too",
    )


class AskForm(AskBody):
    """A question that may be a recording."""

    file: bytes = Field(b"", description="a recording of the question, in any common format")


@dataclass(frozen=True)
class Asked:
    """A question as it came; `file` or a text."""

    body: AskBody
    file: UploadFile | StarletteUpload | None = None


ASK_BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": AskBody.model_json_schema()},
            "multipart/form-data": {"schema": AskForm.model_json_schema()},
        },
    }
}
"""What `/ask` takes, for its description."""


async def read_question(request: Request, most_chars: int) -> Asked:
    """The question in a request; raises BadRequest, TooLarge, AnyRefusal (415), ClientLeft."""
    if media_type_of(request) == MULTIPART:
        asked = await _from_form(request, most_chars)
    else:
        asked = Asked(await read(request, AskBody, most_chars))
    if bool(asked.body.text.strip()) == (asked.file is not None):
        raise BadRequest("give a recording (file) or a text, one of the two", "file")
    check_length(asked.body.text, most_chars)
    return asked


def check_length(text: str, most_chars: int) -> None:
    """Raises TooLarge for a longer text."""
    if len(text) > most_chars:
        raise TooLarge(
            f"a text of {len(text)} characters; {most_chars} are the most (--max-text-chars)"
        ).about("text")


async def _from_form(request: Request, most_chars: int) -> Asked:
    form = await request.form(max_files=1, max_fields=16, max_part_size=most_bytes(most_chars))
    check_names(map(str, map(_sayable, form)), AskForm)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    files = [value for value in form.values() if isinstance(value, StarletteUpload)]
    if "file" in fields:
        raise BadRequest(
            "file holds no file; send one as `curl -F file=@question.wav` does", "file"
        )
    return Asked(checked(AskBody, fields), files[0] if files else None)
