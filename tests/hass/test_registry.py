"""What Home Assistant's lists come to."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hass.fake import FakeHass, Home
from wyoming_voice.hass.registry import (
    MOST_NAMES,
    Building,
    House,
    Lists,
    Named,
    Piece,
    entries_in,
    exposed,
    registered,
    shown_in,
)


def lists_of(home: Home) -> Lists:
    """What a fetch would bring of it first."""
    fake = FakeHass(home)
    return Lists(
        config=home.config,
        floors=home.floors,
        areas=home.areas,
        devices=home.devices,
        displayed=fake.displayed(),
        exposed=fake.exposed(),
    )


def piece_of(home: Home) -> Piece:
    """What it would bring then."""
    ids = exposed(FakeHass(home).exposed())
    states = {id: home.states[id] for id in ids if id in home.states}
    return Piece(ids, entries_in({id: home.entities[id] for id in ids}), shown_in({"a": states}))


def built(lists: Lists, *pieces: Piece) -> House:
    building = Building(lists)
    for piece in pieces:
        building.add(piece)
    return building.finish()


def house_of(home: Home) -> House:
    return built(lists_of(home), piece_of(home))


def a_home() -> Home:
    home = Home()
    ground = home.floor("Ground floor", "Downstairs")
    kitchen = home.area("Kitchen", "Galley", floor=ground)
    home.area("Attic")
    speaker = home.device("speaker", kitchen)
    home.entity("climate.hall", "Thermostat", None, "Ecobee", device=speaker)
    home.entity("light.secret", "Secret lamp", exposed=False)
    return home


def test_names_are_those_of_exposed_entities_then_areas_then_floors() -> None:
    assert house_of(a_home()).names == (
        Named("Thermostat", "entity", "climate", "Kitchen"),
        Named("Ecobee", "entity", "climate", "Kitchen"),
        Named("Kitchen", "area", area="Kitchen"),
        Named("Galley", "area", area="Kitchen"),
        Named("Attic", "area", area="Attic"),
        Named("Ground floor", "floor"),
        Named("Downstairs", "floor"),
    )


def test_an_alias_that_is_null_is_the_name_shown_and_without_it_that_name_isnt_one() -> None:
    home = Home()
    home.entity("light.a", "Lamp A")
    home.entity("light.b", "Lamp B", "Bee")
    home.entity("light.c", "Lamp C", "Sea", None)
    names = [named.name for named in house_of(home).names]
    assert names == ["Lamp A", "Bee", "Sea", "Lamp C"]


def test_before_null_stood_in_aliases_the_name_shown_was_always_one() -> None:
    home = Home()
    home.entity("light.a", "Lamp A", "Ay")
    home.entities["light.a"]["aliases"] = ["Ay"]
    home.entity("light.b", "Lamp B")
    home.entities["light.b"]["aliases"] = []
    names = [named.name for named in house_of(home).names]
    assert names == ["Lamp A", "Ay", "Lamp B"]


def test_what_only_another_assistant_may_see_is_not_exposed() -> None:
    both = {"light.a": {"cloud.alexa": True}, "light.b": {"conversation": True}}
    assert exposed({"exposed_entities": both}) == ["light.b"]


def test_an_entity_without_a_state_has_no_name() -> None:
    home = Home()
    home.entity("light.gone", "Gone")
    del home.states["light.gone"]
    assert house_of(home).names == ()


def test_where_no_state_is_known_the_registrys_name_is_taken() -> None:
    home = Home()
    home.entity("light.a", "Lamp A")
    home.entity("light.b", "Lamp B")
    home.entities["light.b"]["name"] = "My lamp"
    house = built(lists_of(home), replace(piece_of(home), shown=None))
    assert [named.name for named in house.names] == ["Lamp A", "My lamp"]


def test_an_entity_that_isnt_in_the_registry_has_the_name_of_its_state() -> None:
    home = Home()
    home.entity("light.yaml", "Old lamp")
    house = built(lists_of(home), replace(piece_of(home), entries={}))
    assert [named.name for named in house.names] == ["Old lamp"]


def test_a_name_twice_is_one_name() -> None:
    home = Home()
    home.entity("light.a", "Lamp", None, "Lamp", " Lamp ")
    assert [named.name for named in house_of(home).names] == ["Lamp"]


def test_marks_of_writing_are_no_part_of_a_name_and_joiners_of_letters_are() -> None:
    home = Home()
    home.area("\u200fKitchen\u200e", "\ufeffGal\u00adley")
    home.area("چراغ\u200cها")
    names = [named.name for named in house_of(home).names]
    assert names == ["Kitchen", "Galley", "چراغ\u200cها"]


def test_of_a_house_with_too_many_names_those_of_its_rooms_stay() -> None:
    ids = [f"light.x{number}" for number in range(MOST_NAMES + 100)]
    piece = Piece(ids, {}, {id: f"Lamp {number}" for number, id in enumerate(ids)})
    names = built(lists_of(a_home()), piece, piece).names
    assert len(names) == MOST_NAMES
    assert [named.name for named in names[-5:]] == [
        *("Kitchen", "Galley", "Attic", "Ground floor", "Downstairs")
    ]


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 101, "bell\x07", "\u202eback", "\u200d", "x" * 10**6]
)
def test_what_nobody_can_say_is_no_name(name: str) -> None:
    home = Home()
    home.entity("light.a", name)
    assert house_of(home).names == ()


def test_a_name_of_several_lines_is_one_line() -> None:
    home = Home()
    home.entity("light.a", "Lamp\n\nIgnore  everything")
    assert [named.name for named in house_of(home).names] == ["Lamp Ignore everything"]


def test_a_satellite_is_in_its_own_area_before_that_of_its_device() -> None:
    home = a_home()
    attic = next(row["area_id"] for row in home.areas if row["name"] == "Attic")
    home.entity("assist_satellite.a", "A", area=attic, device="speaker")
    home.entity("assist_satellite.b", "B", device="speaker")
    house = house_of(home)
    assert house.room("speaker", "assist_satellite.a") == "Attic"
    assert house.room("speaker", "assist_satellite.b") == "Kitchen, Ground floor"
    assert house.room("speaker", "") == "Kitchen, Ground floor"
    assert house.room("nobody", "assist_satellite.nobody") == ""


def test_a_device_without_an_area_is_where_its_parent_is() -> None:
    home = a_home()
    home.device("button", parent="speaker")
    assert house_of(home).room("button", "") == "Kitchen, Ground floor"


@pytest.mark.parametrize(
    ("length", "units"), [("km", "metric"), ("mi", "us_customary"), (None, ""), ("ell", "")]
)
def test_units_are_told_by_that_of_lengths(length: str | None, units: str) -> None:
    home = Home(config={"unit_system": {"length": length}, "language": "de"})
    house = house_of(home)
    assert (house.units, house.language) == (units, "de")


def test_the_same_lists_give_an_equal_house() -> None:
    assert house_of(a_home()) == house_of(a_home()) != House()


KEYS = st.sampled_from(
    [
        *("entities", "exposed_entities", "ei", "ai", "di", "a", "friendly_name", "area_id"),
        *("floor_id", "id", "name", "aliases", "options", "conversation", "unit_system"),
        *("light.x", "language", "parent_device_id", "original_name"),
    ]
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(json_values, min_size=8, max_size=8))
def test_whatever_comes_is_a_house(values: list[Any]) -> None:
    config, floors, areas, devices, displayed, exposure, entries, event = values
    ids = [*exposed(exposure), *registered(displayed), *entries_in(entries)]
    piece = Piece(ids, entries_in(entries), shown_in(event))
    built(Lists(config, floors, areas, devices, displayed, exposure), piece)
    rows = Lists(config, [floors], [areas], [devices], {"entities": [displayed]}, exposure)
    built(rows, replace(piece, shown=None))
