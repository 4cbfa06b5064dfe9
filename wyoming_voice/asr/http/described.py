"""The OpenAPI description of routes that read their bodies themselves, from what these are checked by."""

from typing import Any

from pydantic import BaseModel

_FILE = {
    "type": "string",
    "format": "binary",
    "description": "any audio or video file; what it is is found out from its content",
}


def uploads(kind: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that takes a file and the fields of a model, in a form or in the query."""
    fields = _fields(kind)
    form = {"type": "object", "required": ["file"], "properties": {"file": _FILE, **fields}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "audio/*": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "parameters": in_query(kind),
    }


def in_query(kind: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a model as parameters of a query."""
    return [_parameter(name, field) for name, field in _fields(kind).items()]


def _fields(kind: type[BaseModel]) -> dict[str, dict[str, Any]]:
    schema = kind.model_json_schema(by_alias=True)
    return {name: _plain(field) for name, field in schema["properties"].items()}


def _parameter(name: str, field: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in field.items() if key != "description"}
    found = {"name": name, "in": "query", "required": False, "schema": schema}
    return {**found, "description": field["description"]} if "description" in field else found


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing to a reader: a title that repeats the name, a None that can't be sent."""
    plain = {key: value for key, value in field.items() if key != "title"}
    if "anyOf" in plain:
        (only,) = [option for option in plain.pop("anyOf") if option.get("type") != "null"]
        plain = {**only, **plain}
    if plain.get("default", 0) is None:
        del plain["default"]
    return plain
