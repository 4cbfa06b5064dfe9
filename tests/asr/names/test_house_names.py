"""Which names of a house come first, and which nobody says."""

import pytest

from wyoming_voice.asr.engine import Glossary
from wyoming_voice.asr.names.house_names import glossary, unknown_words
from wyoming_voice.hass.registry import House, Named


def entity(name: str, domain: str = "light", area: str = "") -> Named:
    return Named(name, "entity", domain, area)


def tokens(text: str) -> int:
    """A tokenizer that knows five words."""
    known = {"kitchen", "Kitchen", "lamp", "bedroom", "room"}
    return sum(1 if word in known else 2 for word in text.split())


def test_an_empty_house_has_no_names() -> None:
    assert glossary(House()) == Glossary()


def test_the_likeliest_come_first() -> None:
    house = House(
        names=(
            entity("Outdoor temperature", "sensor"),
            entity("Camera", "camera"),
            entity("Ecobee", "climate", area="Hall"),
            entity("Lamp", "light"),
            Named("Loft", "area"),
            Named("Hall", "area"),
            Named("Lobby", "area", area="Hall"),
            Named("Upstairs", "floor"),
        )
    )
    found = glossary(house)
    first = ("Hall", "Lobby", "Upstairs", "Loft", "Lamp", "Ecobee")
    assert found == Glossary((*first, "Camera", "Outdoor temperature"), likely=6)
    assert glossary(house) == found


def test_a_name_stands_once() -> None:
    house = House((entity("Kitchen lamp"), entity("kitchen lamp"), Named("Kitchen", "area")))
    assert glossary(house).names == ("Kitchen", "Kitchen lamp")


@pytest.mark.parametrize(
    "name",
    [
        *("", "x", "12", "light.kitchen_lamp", "0x00158d0003a2b1 battery", "Plug a4c138f2"),
        *("Lamp <|endoftext|>", "a" * 51),
    ],
)
def test_what_nobody_says_is_left_out(name: str) -> None:
    assert glossary(House((entity(name),))) == Glossary()


@pytest.mark.parametrize("name", ["Facade", "Deadbeef", "Natalie's lamp", "Küche", "TV 2", "玄関"])
def test_what_somebody_may_say_stays(name: str) -> None:
    assert glossary(House((entity(name),))).names == (name,)


def test_a_word_is_known_when_it_is_known_in_small_letters() -> None:
    assert unknown_words("Kitchen lamp", tokens) == set()
    assert unknown_words("Bedroom lamp 99", tokens) == set()
    assert unknown_words("Ecobee in the Kitchen", tokens) == {"ecobee", "in", "the"}
