"""Which tools may be used, and the names that they go by."""

import re

import pytest

from wyoming_voice.handle.tools.permitted import Names, Rules

ON = ("intent__HassTurnOn",)


@pytest.mark.parametrize(
    ("rules", "permitted"),
    [
        (Rules(), True),
        (Rules(allow=("HassTurnOn",)), True),
        (Rules(allow=("intent__*",)), True),
        (Rules(allow=("*TurnOn",)), True),
        (Rules(allow=("in*Turn*",)), True),
        (Rules(allow=("HassTurnOff", "light__*")), False),
        (Rules(allow=("hassturnon",)), False),
        (Rules(allow=("intent__HassTurnO?", "intent__HassTurnO[n]")), False),
        (Rules(deny=("HassTurnOn",)), False),
        (Rules(allow=("*",), deny=("intent__*",)), False),
        (Rules(deny=("*Off",)), True),
        (Rules(deny=("Hass*Hass*",)), True),
        (Rules(deny=("*Turn*Turn*",)), True),
        (Rules(deny=("HassTurnOnOn*",)), True),
    ],
)
def test_a_tool_is_permitted_by_its_names(rules: Rules, permitted: bool) -> None:
    assert rules.permit(ON) is permitted


def test_patterns_that_fit_nothing_are_found() -> None:
    rules = Rules(allow=("*On", "Nonsense"), deny=("Nonsense", "*Off"))
    assert rules.idle(ON) == ("Nonsense", "*Off")


def test_stars_take_no_longer_than_the_name_is_long() -> None:
    assert not Rules(allow=("*a" * 2000 + "b",)).permit(("a" * 5000,))


def test_a_name_is_such_as_servers_of_models_take_and_only_once() -> None:
    names = Names()
    given = [
        names.of(0, "search"),
        names.of(1, "search"),
        names.of(1, "search_2"),
        names.of(0, "häuser/an.aus"),
        names.of(0, "x" * 80),
        names.of(1, "x" * 80),
        names.of(0, ""),
    ]
    assert given[:4] == ["search", "search_2", "search_2_2", "h_user_an_aus"]
    assert len(set(given)) == len(given)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in given)
    assert names.of(1, "search") == "search_2"


def test_names_that_are_made_up_all_the_time_are_forgotten() -> None:
    names = Names()
    first = names.of(0, "first")
    for number in range(3000):
        names.of(1, f"made_up_{number}")
    assert len(names._given) == len(names._taken) == 2000
    assert names.of(0, "first") == first
