"""What the OpenAPI description says of these routes that FastAPI can't tell by itself: bodies and voices."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from pydantic import BaseModel

from wyoming_voice.media.encoding import ENCODINGS
from wyoming_voice.tts.voices import BlendingCatalogue, Catalogue

_WEIGHT = r"(\([1-9][0-9]{0,3}\))?"
_MOST_MORE = 7


def body(kind: type[BaseModel], **fields: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON body of a route that reads a model by itself, `fields` said in more detail.

    What is said as None there is taken out of the model's own words.
    """
    schema = kind.model_json_schema()
    for name, more in fields.items():
        said = schema["properties"][name] | more
        schema["properties"][name] = {
            key: value for key, value in said.items() if value is not None
        }
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def body_or_form(kind: type[BaseModel], **fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same, and forms with the same fields."""
    described = body(kind, **fields)
    content = described["requestBody"]["content"]
    schema = content["application/json"]["schema"]
    said = {name: _without_null(field) for name, field in schema["properties"].items()}
    for media_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        content[media_type] = {"schema": {**schema, "properties": said}}
    return described


def audio() -> dict[int | str, dict[str, Any]]:
    """The answer: audio of one of our kinds."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    content: dict[str, Any] = dict.fromkeys(sorted(set(ENCODINGS.values())), schema)
    return {200: {"description": "Sent while it is made", "content": content}}


def audio_or_events() -> dict[int | str, dict[str, Any]]:
    """The answer: audio, or events that hold it."""
    answers = audio()
    event = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
    answers[200]["content"]["text/event-stream"] = {"itemSchema": event}
    return answers


def voice(catalogue: Catalogue, aliases: Sequence[str] = ()) -> dict[str, Any]:
    """The names that a voice may have, and `aliases` of them."""
    names = [voice.name for voice in catalogue.voices]
    known = sorted({*(name for name in names if _is_plain(name)), *aliases})
    choices: list[dict[str, Any]] = [{"type": "string", "enum": known}]
    if isinstance(catalogue, BlendingCatalogue):
        choices.append({"type": "string", "pattern": _blend(sorted(filter(_is_plain, names)))})
    return {"anyOf": choices}


def _blend(names: Sequence[str]) -> str:
    """A pattern of the blends: voices of one language, each with a weight that may be left out."""
    by_language = [list(group) for _, group in groupby(names, key=lambda name: name[0])]
    parts = [f"({'|'.join(map(re.escape, group))}){_WEIGHT}" for group in by_language]
    blends = [rf"{part}(\+{part}){{0,{_MOST_MORE}}}" for part in parts]
    return f"^({'|'.join(blends)})$"


def _without_null(said: dict[str, Any]) -> dict[str, Any]:
    """What is said of a field, in a form, where nothing is null."""
    if "anyOf" not in said:
        return said
    rest = {key: value for key, value in said.items() if key not in ("anyOf", "default")}
    return {**rest, "anyOf": [choice for choice in said["anyOf"] if choice != {"type": "null"}]}


def _is_plain(name: str) -> bool:
    return re.fullmatch(r"[\w-]+", name) is not None
