"""What may be asked for with a text, at every route and on the WebSocket, and what is refused of it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from wyoming_voice.tts.session import readable, too_long

_legible = BeforeValidator(lambda text: readable(text) if isinstance(text, str) else text)

Text = Annotated[str, _legible]
"""What is to be said, or a part of it, without what no voice can read."""

SomeText = Annotated[str, Field(min_length=1), _legible]
"""The same, where there must be some."""

Kind = Literal["wav", "pcm", "mp3", "opus", "flac", "aac"]
Speed = Annotated[float, Field(ge=0.5, le=2.0, allow_inf_nan=False)]


def check_length(text: str, most_chars: int, param: str = "text") -> None:
    """Raises TooLarge for a longer text; `param` is its field."""
    if len(text) > most_chars:
        raise too_long(len(text), most_chars).about(param)
