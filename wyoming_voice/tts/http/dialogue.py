"""PURE: what a WebSocket client's messages mean, in order, and which of them make no sense.

`{"text"}` is a whole text; `{"delta"}` opens one that comes in parts, until `{"end": true}`. What is said of
the voice, the speed and the packing stands in the message that opens a text. `{"end": true}` alone is a text
without words, which is answered, since a language model may have said nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from wyoming_voice.core.timing import turn_id_in
from wyoming_voice.errors import PeerError
from wyoming_voice.http.bodies import checked
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.tts.http.wishes import Kind, SomeText, Speed, Text, check_length
from wyoming_voice.tts.session import too_long


class Message(BaseModel):
    """One message of a client."""

    text: SomeText | None = None
    delta: Text | None = None
    end: bool = False
    cancel: bool = False
    voice: str | None = None
    language: str | None = None
    speed: Speed | None = None
    format: Kind = "pcm"
    words: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """Get ready to speak a text; `turn_id` is what it is known by."""

    turn_id: str
    voice: str | None
    language: str | None
    speed: float | None
    kind: str
    words: bool


@dataclass(frozen=True, slots=True)
class Add:
    """More of the text that is open."""

    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """The text that is open is complete."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop, and forget what waits."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The client can't be followed any further."""

    error: PeerError


Effect = Open | Add | Close | Cancel | HangUp


class Dialogue:
    """One connection's messages in, effects out; at most `max_text_chars` characters a text."""

    def __init__(self, max_text_chars: int) -> None:
        self._max_text_chars = max_text_chars
        self._chars: int | None = None

    def push(self, fields: Mapping[str, Any]) -> list[Effect]:
        """Take one message; raises BadRequest or TooLarge for one that is passed over."""
        message = checked(Message, fields, strict=True)
        if message.cancel:
            self._chars = None
            return [Cancel()]
        opening = _opening(message, fields)
        if message.text is not None:
            return self._whole(message.text, opening)
        if message.delta is None and not message.end:
            raise BadRequest("a message needs one of 'text', 'delta', 'end' and 'cancel'")
        return self._part(message.delta or "", opening, ends=message.end)

    def _whole(self, text: str, opening: Open) -> list[Effect]:
        if self._chars is not None:
            raise BadRequest(
                "'text' inside a text that is open; send {\"end\": true} first", "text"
            )
        check_length(text, self._max_text_chars)
        return [opening, Add(text), Close()]

    def _part(self, delta: str, opening: Open, *, ends: bool) -> list[Effect]:
        effects: list[Effect] = [opening] if self._chars is None else []
        self._chars = (self._chars or 0) + len(delta)
        if self._chars > self._max_text_chars:
            return [HangUp(too_long(self._chars, self._max_text_chars))]
        if delta:
            effects.append(Add(delta))
        if ends:
            self._chars = None
            effects.append(Close())
        return effects


def _opening(message: Message, fields: Mapping[str, Any]) -> Open:
    return Open(
        turn_id_in(fields),
        message.voice,
        message.language,
        message.speed,
        message.format,
        message.words,
    )
