"""What a page may say on its WebSocket, checked before anybody acts on it.

Rule: a message that makes no sense, or says what nobody knows, is a BadRequest that names the field, and
for a slip of the pen the word that is near it.
"""

import json
from typing import Literal

from pydantic import BaseModel, Field

from wyoming_voice.audio import RATES_HZ
from wyoming_voice.errors import UnknownChoice
from wyoming_voice.gateway.questions import CONVERSATION_ID
from wyoming_voice.http.bodies import check_names, checked
from wyoming_voice.http.errors import BadRequest


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
    """The button went down; until it comes up no silence ends the turn, whatever the mode."""

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


class Alive(BaseModel):
    """Somebody is there: who sends nothing for `--idle-timeout-s` is let go."""

    type: Literal["alive"]


Message = Start | Press | Release | Stop | Heard | Alive
_KINDS: dict[str, type[Message]] = {
    "start": Start,
    "press": Press,
    "release": Release,
    "stop": Stop,
    "heard": Heard,
    "alive": Alive,
}

_MOST_CHARS = 10_000


def read_message(text: str) -> Message:
    """The message in a text frame; raises BadRequest."""
    if len(text) > _MOST_CHARS:
        raise BadRequest(f"a message of {len(text)} characters; {_MOST_CHARS} are the most")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"a message that is no JSON: {str(error)[:80]}") from error
    name = values.get("type") if isinstance(values, dict) else None
    if not isinstance(name, str):
        raise BadRequest('a message needs a "type", such as {"type": "start"}', "type")
    if name not in _KINDS:
        raise BadRequest(str(UnknownChoice("type", name, _KINDS)), "type")
    kind = _KINDS[name]
    check_names(values, kind)
    return checked(kind, values)
