"""What a client may ask for with its speech, by any of the doors, and who hears it then."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, Field

from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.session import Wish
from wyoming_voice.errors import UnknownChoice

if TYPE_CHECKING:
    from wyoming_voice.asr.server import AsrProgram

MOST_PROMPT_CHARS = 4_000
"""More than twice what Whisper reads of one."""

_MOST_HOTWORDS = 1_000
_LONGEST_HOTWORD_CHARS = 200


def listed(value: object) -> object:
    """`"a, b"` for a list of two, also as a part of a list."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return value
    return [word.strip() for part in parts for word in part.split(",") if word.strip()]


Language = Annotated[
    str, Field(max_length=40, description="code such as en, or auto; empty: the server's")
]
Model = Annotated[
    str, Field(max_length=200, description="one of /v1/models; empty: the server's first")
]
Prompt = Annotated[
    str,
    Field(
        max_length=MOST_PROMPT_CHARS, description="text in the style that transcripts should have"
    ),
]
Hotwords = Annotated[
    list[Annotated[str, Field(max_length=_LONGEST_HOTWORD_CHARS)]],
    BeforeValidator(listed),
    Field(max_length=_MOST_HOTWORDS, description="words to expect, separated by commas"),
]


class Wishes(BaseModel):
    """How speech is to be heard."""

    language: Language = ""
    model: Model = ""
    prompt: Prompt = ""
    hotwords: Hotwords = []


def choice(
    program: "AsrProgram",
    wishes: Wishes,
    *,
    aliases: Sequence[str] = (),
    beam_size: int | None = None,
) -> Choice:
    """Who hears it, and how; `aliases` are names of the default model. Raises UnknownChoice and its like."""
    model = None if wishes.model in aliases else wishes.model or None
    wish = Wish(language=wishes.language or None, model=model, names=tuple(wishes.hotwords))
    if model is not None and model not in program.models:
        raise UnknownChoice("model", model, (*program.models, *aliases))
    chosen = program.choice(wish)
    options = replace(
        chosen.options,
        initial_prompt=wishes.prompt or chosen.options.initial_prompt,
        beam_size=beam_size or chosen.options.beam_size,
    )
    return replace(chosen, options=options)
