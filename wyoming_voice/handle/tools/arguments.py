"""Whether the arguments that a model wrote are what a tool takes; small slips are mended.

Reads what matters of JSON Schema: types, what is required, choices, bounds, items, alternatives, and `$ref`
within the schema. Rule: what it doesn't know it lets pass, since who has the tool looks for itself; it never
follows a `$ref` elsewhere, evaluates no `pattern` (a regular expression may take for ever), and does
no more than _MOST_WORK and looks no further than _MOST_DEPTH levels. A misfit names the field and the
remedy, never the whole schema.

Mended is what small models get wrong and what can mean one thing only: a number, a boolean, a list or an
object that is written as a text, a single value where a list is wanted, and null for what may be left out.
Of alternatives the one that takes the value as it is comes first: a text of digits stays one where it may.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

_MOST_WORK = 250
"""Values that are looked at, each with as much more as its schema or its own length makes of it.

So many take 3 ms, in which nobody else is served.
"""

_LISTED, _READ_CHARS = 50, 50
"""How many names of a schema, and letters of a text, are as much work as one look."""

_MOST_DEPTH = 30
_MOST_TOLD = 3
_MOST_CHOICES = 20
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_CALLED = {
    **{"string": "a text", "integer": "a whole number", "number": "a number", "array": "a list"},
    **{"boolean": "true or false", "object": "an object", "null": "null"},
}


class Misfit(Exception):
    """Arguments that can't be used; the text tells the model what to write instead."""


def parsed(text: str) -> dict[str, Any]:
    """The arguments in a model's call; none at all mean an empty object. Raises Misfit."""
    try:
        arguments = json.loads(text, parse_constant=_no_number) if text.strip() else {}
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "it can't be read"
        raise Misfit(f"The arguments are no JSON ({why}). Write one JSON object.") from error
    if not isinstance(arguments, dict):
        raise Misfit(f"The arguments must be a JSON object, not {_called(arguments)}.")
    if _nests(arguments, _MOST_DEPTH):
        raise Misfit(f"The arguments are nested too deeply: {_MOST_DEPTH} levels are the most.")
    return arguments


def fitted(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as `schema` wants them, small slips mended; raises Misfit."""
    look = _Look(schema)
    value = look.at(dict(arguments), schema, "")
    if look.misfits:
        raise Misfit("; ".join(look.misfits[:_MOST_TOLD]) + ". Call it again with that put right.")
    return value if isinstance(value, dict) else dict(arguments)


def _nests(value: Any, levels: int) -> bool:
    """Whether it has more levels than this; what does would be too much for whoever sends it on."""
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_nests(one, levels - 1) for one in held)


def _no_number(name: str) -> float:
    raise ValueError(name)


@dataclass
class _Look:
    """One look at a value, and what was found."""

    root: Mapping[str, Any]
    misfits: list[str] = field(default_factory=list)
    work: int = 0
    depth: int = 0

    def at(self, value: Any, schema: Any, where: str) -> Any:
        """The value as it should be; what can't be mended is noted."""
        if self.spent or self.depth >= _MOST_DEPTH:
            return value
        self.work += 1
        self.depth += 1
        fit = self._fit(value, self._meant(schema), where)
        self.depth -= 1
        return fit

    @property
    def spent(self) -> bool:
        """Whether enough has been done: what is left is let pass."""
        return self.work >= _MOST_WORK

    def _fit(self, value: Any, schema: Mapping[str, Any], where: str) -> Any:
        if alternatives := schema.get("anyOf") or schema.get("oneOf"):
            before = len(self.misfits)
            value = self._one_of(value, alternatives, where)
            if len(self.misfits) > before:
                return value
        types = _types(schema)
        if isinstance(value, str) and types and "string" not in types:
            self.work += len(value) // _READ_CHARS
            if self.spent:
                return value
        value = _mended(value, types)
        if types and not any(_is(value, name) for name in types):
            wanted = " or ".join(_CALLED[name] for name in types)
            self._note(where, f"must be {wanted}, not {_called(value)}")
            return value
        self._check(value, schema, where)
        if isinstance(value, dict):
            return self._object(value, schema, where)
        if isinstance(value, list):
            return self._list(value, schema.get("items"), where)
        return value

    def _list(self, value: list[Any], items: Any, where: str) -> list[Any]:
        fit: list[Any] = []
        for number, item in enumerate(value):
            if self.spent:
                return fit + value[number:]
            fit.append(self.at(item, items, f"{where}[{number}]"))
        return fit

    def _meant(self, schema: Any) -> Mapping[str, Any]:
        """What a `$ref` within the schema stands for; {} for what can't be looked up here."""
        for _ in range(8):
            if not isinstance(schema, Mapping):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            if reference != "#" and not reference.startswith("#/"):
                return {}
            schema = self.root
            for part in reference.split("/")[1:]:
                schema = schema.get(part) if isinstance(schema, Mapping) else None
        return {}

    def _one_of(self, value: Any, alternatives: Any, where: str) -> Any:
        """As an alternative that fits wants it; the misfits of the last where none does."""
        before, fits = self.misfits, []
        told: list[str] = []
        for alternative in alternatives if isinstance(alternatives, list) else ():
            self.misfits = told = []
            fit = self.at(value, alternative, where)
            if not told:
                fits.append(fit)
            if self.spent:
                break
        self.misfits = before
        if fits:
            return next((fit for fit in fits if _unchanged(fit, value)), fits[0])
        if told and len(alternatives) > 1:
            shown = alternatives[:_MOST_CHOICES]
            self._note(where, f"must be {_alternatives(map(self._meant, shown))}")
        else:
            self.misfits += told
        return value

    def _check(self, value: Any, schema: Mapping[str, Any], where: str) -> None:
        choices = [schema["const"]] if "const" in schema else schema.get("enum")
        self.work += len(choices) // _LISTED if isinstance(choices, list) else 0
        if isinstance(choices, list) and value not in choices:
            shown = ", ".join(json.dumps(choice) for choice in choices[:_MOST_CHOICES])
            more = ", …" if len(choices) > _MOST_CHOICES else ""
            self._note(where, f"must be one of {shown}{more}")
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._bound(value, schema, ("minimum", "maximum"), where, "")
            self._bound(value, schema, ("exclusiveMinimum", "exclusiveMaximum"), where, "not ")
        elif isinstance(value, str):
            self._bound(len(value), schema, ("minLength", "maxLength"), where, "as many letters: ")
        elif isinstance(value, list):
            self._bound(len(value), schema, ("minItems", "maxItems"), where, "as many values: ")

    def _bound(
        self, size: float, schema: Mapping[str, Any], names: tuple[str, str], where: str, of: str
    ) -> None:
        least, most = (_number(schema.get(name)) for name in names)
        beyond = of == "not "
        if least is not None and (size < least or (beyond and size == least)):
            self._note(where, f"must be {'more than' if beyond else f'{of}at least'} {least:g}")
        if most is not None and (size > most or (beyond and size == most)):
            self._note(where, f"must be {'less than' if beyond else f'{of}at most'} {most:g}")

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any], where: str) -> Any:
        known, required = schema.get("properties"), schema.get("required")
        known = known if isinstance(known, Mapping) else {}
        required = required if isinstance(required, list) else []
        self.work += (len(known) + len(required)) // _LISTED
        if self.spent:
            return value
        required = {name: None for name in required if isinstance(name, str)}
        others = schema.get("additionalProperties")
        fit: dict[str, Any] = {}
        for name, held in value.items():
            if held is None and name not in required and self._needs_something(known.get(name)):
                continue
            if name not in known and others is False:
                there = ", ".join(islice(known, _MOST_CHOICES)) or "none"
                more = ", …" if len(known) > _MOST_CHOICES else ""
                self._note(f"{where}.{name}", f"isn't known; there are {there}{more}")
            fit[name] = self.at(held, known.get(name, others), f"{where}.{name}")
        for name in [name for name in required if name not in fit][:_MOST_TOLD]:
            self._note(f"{where}.{name}", "is missing")
        return fit

    def _needs_something(self, schema: Any) -> bool:
        types = _types(self._meant(schema))
        return bool(types) and "null" not in types

    def _note(self, where: str, what: str) -> None:
        name = f"'{where.removeprefix('.')[:80]}'" if where else "the whole"
        self.misfits.append(f"{name} {what}")


def _types(schema: Mapping[str, Any]) -> list[str]:
    named = schema.get("type")
    types = named if isinstance(named, list) else [named]
    known = [name for name in types if isinstance(name, str) and name in _TYPES]
    return known if len(known) == len(types) else []


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _mended(value: Any, types: list[str]) -> Any:
    """`value` as one of `types`, where it can only be meant so."""
    if not types or any(_is(value, name) for name in types):
        return value
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return int(value)
    if isinstance(value, str):
        for read in _readings(value):
            if any(_is(read, name) for name in types):
                return read
    alone = types == ["array"] and isinstance(value, str | int | float)
    return [value] if alone else value


def _readings(text: str) -> Iterator[Any]:
    """What a text may have been meant for."""
    try:
        read = json.loads(
            text.strip().lower() if len(text) < 8 else text, parse_constant=_no_number
        )
        json.dumps(read, allow_nan=False)
    except (ValueError, RecursionError):
        return
    yield read
    if isinstance(read, float) and read.is_integer():
        yield int(read)


def _unchanged(fit: Any, value: Any) -> bool:
    """Whether nothing was mended; what was not looked at is the very same."""
    if fit is value or type(fit) is not type(value):
        return fit is value
    if isinstance(fit, dict):
        return fit.keys() == value.keys() and all(
            _unchanged(fit[name], value[name]) for name in fit
        )
    if isinstance(fit, list):
        return len(fit) == len(value) and all(map(_unchanged, fit, value))
    return bool(fit == value)


def _alternatives(schemas: Iterator[Mapping[str, Any]]) -> str:
    called = (_CALLED[name] for schema in schemas for name in _types(schema) if name != "null")
    return " or ".join(dict.fromkeys(called)) or "something else"


def _called(value: Any) -> str:
    return next((_CALLED[name] for name in _TYPES if _is(value, name)), "that")


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
