"""What a page may say on its WebSocket, checked before anybody acts on it.

Rule: a message that makes no sense is a BadRequest that names the field; unknown types are passed over,
so that a newer page can talk to an older gateway.
"""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from wyoming_voice.audio import RATES_HZ
from wyoming_voice.gateway.questions import CONVERSATION_ID
from wyoming_voice.http.errors import BadRequest, of_validation


class Start(BaseModel):
    """The first message: how the page wants to talk, and what its microphone sends (mono)."""

    type: Literal["start"]
    mode: Literal["talk", "push"] = "talk"
    sample_rate: int = Field(48_000, ge=8_000, lt=RATES_HZ.stop)
    format: Literal["f32le", "s16le"] = "f32le"
    voice: str = Field("", max_length=200)
    language: str = Field("", max_length=40)
    conversation: str = Field("", pattern=CONVERSATION_ID)


class Press(BaseModel):
    """The button went down."""

    type: Literal["press"]


class Release(BaseModel):
    """The button came up."""

    type: Literal["release"]


class Stop(BaseModel):
    """Silence."""

    type: Literal["stop"]


class Heard(BaseModel):
    """So much of a playback has been played."""

    type: Literal["heard"]
    playback: int = Field(ge=0)
    ms: float = Field(ge=0, allow_inf_nan=False)


Message = Start | Press | Release | Stop | Heard
_MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])
_TYPES = ("start", "press", "release", "stop", "heard")

_MOST_CHARS = 10_000


def read_message(text: str) -> Message | None:
    """The message in a text frame; None for a type that isn't known. Raises BadRequest."""
    if len(text) > _MOST_CHARS:
        raise BadRequest(f"a message of {len(text)} characters; {_MOST_CHARS} are the most")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"a message that is no JSON: {str(error)[:80]}") from error
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise BadRequest('a message needs a "type"; see {"type": "start"}', "type")
    if data["type"] not in _TYPES:
        return None
    try:
        return _MESSAGES.validate_python(data)
    except ValidationError as error:
        mistakes = [{**one, "loc": one["loc"][1:]} for one in error.errors()]
        raise of_validation(mistakes) from error
