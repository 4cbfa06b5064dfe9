"""What a model writes as arguments: slips are mended, and misfits told by the field."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.growth import steps
from wyoming_voice.handle.tools.arguments import Misfit, fitted, parsed

LIGHT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "domain": {"type": "array", "items": {"type": "string", "enum": ["light", "fan"]}},
        "brightness": {"type": "integer", "minimum": 0, "maximum": 100},
        "hot": {"type": "boolean"},
        "share": {"type": "number", "exclusiveMinimum": 0},
        "until": {"anyOf": [{"$ref": "#/$defs/Time"}, {"type": "null"}], "default": None},
        "pin": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "either": {"type": "integer", "oneOf": [{"minimum": 5}, {"maximum": 3}]},
        "code": {"type": "string", "minLength": 2, "maxLength": 4},
    },
    "required": ["name"],
    "$defs": {
        "Time": {
            "type": "object",
            "properties": {"hour": {"type": "integer"}},
            "required": ["hour"],
        }
    },
}


def with_lamp(**more: Any) -> dict[str, Any]:
    return {"name": "lamp", **more}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"brightness": 50}, {"brightness": 50}),
        ({"brightness": "50"}, {"brightness": 50}),
        ({"brightness": 50.0}, {"brightness": 50}),
        ({"brightness": "50.0"}, {"brightness": 50}),
        ({"share": "0.5"}, {"share": 0.5}),
        ({"hot": "True"}, {"hot": True}),
        ({"domain": "light"}, {"domain": ["light"]}),
        ({"domain": '["light", "fan"]'}, {"domain": ["light", "fan"]}),
        ({"until": '{"hour": "7"}'}, {"until": {"hour": 7}}),
        ({"until": None}, {"until": None}),
        ({"brightness": None}, {}),
        ({"name": "50"}, {"name": "50"}),
        ({"pin": "1234"}, {"pin": "1234"}),
        ({"pin": 1234}, {"pin": 1234}),
        ({"either": "7"}, {"either": 7}),
        ({"more": "x"}, {"more": "x"}),
    ],
)
def test_slips_are_mended(written: dict[str, Any], meant: dict[str, Any]) -> None:
    assert fitted(with_lamp(**written), LIGHT) == with_lamp(**meant)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"brightness": "half"}, "'brightness' must be a whole number, not a text"),
        ({"brightness": 0.5}, "'brightness' must be a whole number, not a number"),
        ({"brightness": True}, "'brightness' must be a whole number, not true or false"),
        ({"brightness": 101}, "'brightness' must be at most 100"),
        ({"share": 0}, "'share' must be more than 0"),
        ({"share": "1e999"}, "'share' must be a number, not a text"),
        ({"domain": ["light", "lamp"]}, '\'domain[1]\' must be one of "light", "fan"'),
        ({"until": 7}, "'until' must be an object"),
        ({"code": "12345"}, "'code' must be as many letters: at most 4"),
        ({"name": None}, "'name' must be a text, not null"),
        ({"name": ["lamp"]}, "'name' must be a text, not a list"),
    ],
)
def test_a_misfit_names_the_field(written: dict[str, Any], told: str) -> None:
    with pytest.raises(Misfit) as misfit:
        fitted(with_lamp() | written, LIGHT)
    assert str(misfit.value) == f"{told}. Call it again with that put right."


def test_what_is_missing_or_too_much_is_named() -> None:
    with pytest.raises(Misfit, match="'name' is missing"):
        fitted({}, LIGHT)
    closed = LIGHT | {"additionalProperties": False}
    with pytest.raises(Misfit, match="'nmae' isn't known; there are name, domain"):
        fitted(with_lamp(nmae="x"), closed)


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"properties": 3, "required": "name"}])
def test_what_a_schema_does_not_say_may_be_anything(schema: dict[str, Any]) -> None:
    assert fitted({"a": [None]}, schema) == {"a": [None]}


def alternatives(levels: int) -> dict[str, Any]:
    """None of which fits a text; 300 million of them in five levels."""
    return {"anyOf": [alternatives(levels - 1)] * 50} if levels else {"type": "object"}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "#/properties/a"},
        {"required": [["a"], {}], "properties": {"a": {"type": [["string"], {}]}}},
        {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
        {"type": "object", "properties": {"a": alternatives(5)}},
    ],
)
def test_a_malicious_schema_comes_to_an_end(schema: dict[str, Any]) -> None:
    assert fitted({"a": "a" * 40 + "!"}, schema)


MANY = [f"x{n}" for n in range(50_000)]
OF_ONE_NAME: dict[str, Any] = {"l": [{}] * 1000}


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        (OF_ONE_NAME, {"properties": {"l": {"items": {"required": MANY}}}}),
        (OF_ONE_NAME, {"properties": {"l": {"items": {"properties": dict.fromkeys(MANY)}}}}),
        ({"l": ["y"] * 1000}, {"properties": {"l": {"items": {"enum": MANY}}}}),
        ({"l": ["1" * 4000] * 1000}, {"properties": {"l": {"items": {"type": "integer"}}}}),
        (
            dict.fromkeys(MANY[:500], 1),
            {"additionalProperties": False, "properties": dict.fromkeys(MANY[500:5000])},
        ),
        ({"l": "y"}, {"properties": {"l": {"anyOf": [{"type": "integer"}] * 50_000}}}),
        (
            {"l": ["y"] * 1000},
            {"properties": {"l": {"items": {"anyOf": [{"type": "integer"}] * 50}}}},
        ),
    ],
)
def test_what_is_hostile_takes_no_more_than_so_much(
    arguments: dict[str, Any], schema: dict[str, Any]
) -> None:
    """Lines of Python: 30,000 take some 3 ms, in which nobody else is served."""

    def look(_: bytes) -> None:
        with contextlib.suppress(Misfit):
            fitted(arguments, schema)

    assert steps(look, b"") < 30_000


def test_deep_arguments_come_to_an_end() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = {"a": deep}
    schema = {"properties": {"a": {"$ref": "#"}}}
    assert fitted(deep, schema) == deep


def test_what_is_nested_without_end_is_told() -> None:
    with pytest.raises(Misfit, match="nested too deeply: 30 levels"):
        parsed('{"a":' * 500 + "1" + "}" * 500)
    assert parsed('{"a":' * 30 + "1" + "}" * 30)


def test_of_alternatives_the_one_that_takes_it_as_it_is_comes_first_however_deep_it_is() -> None:
    deep: Any = 1
    for _ in range(940):
        deep = [deep]
    schema = {"properties": {"a": {"anyOf": [{"type": "array"}, {"type": "array"}]}}}
    assert fitted({"a": deep}, schema)["a"] == [*deep]
    assert fitted({"a": "1"}, {"properties": {"a": {"anyOf": [{"type": "integer"}, {}]}}}) == {
        "a": "1"
    }


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_no_arguments_are_none(text: str) -> None:
    assert parsed(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        '{"a":',
        "[1]",
        "turn it on",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_what_is_no_object_is_told(text: str) -> None:
    with pytest.raises(Misfit, match="JSON"):
        parsed(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists))
def test_whatever_is_written_it_is_mended_or_told(value: object) -> None:
    try:
        fit = fitted({"name": value, "domain": value, "brightness": value}, LIGHT)
    except Misfit:
        return
    assert isinstance(fit["name"], str)
