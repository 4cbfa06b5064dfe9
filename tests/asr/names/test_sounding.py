"""What sounds like what, as far as letters tell it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.asr.names.index import NameIndex
from wyoming_voice.asr.names.sounding import between, distance, folded, sound

LANGUAGES = st.sampled_from(["en", "de", "ja", ""])
PHRASES = st.text(st.sampled_from("abcdehiklmnoprstuwyzäéß -'’.,0123ж玄"), max_size=24)


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        *(("eco bee", "Ecobee"), ("hew play bar", "Hue Play bar"), ("so nos", "Sonos")),
        *(("rumba", "Roomba"), ("ECO-BEE", "ecobee"), ("knight lite", "night light")),
    ],
)
def test_the_same_sound_is_no_distance_away(heard: str, name: str) -> None:
    assert distance(heard, name, "en") == 0


@pytest.mark.parametrize(
    ("heard", "nearer", "farther"),
    [
        *(("tread free", "Tradfri", "Tado"), ("nano leave", "Nanoleaf", "Netatmo")),
        *(("zig b", "Zigbee", "Sonos"), ("fat", "vat", "cat")),
    ],
)
def test_what_sounds_nearer(heard: str, nearer: str, farther: str) -> None:
    assert distance(heard, nearer, "en") < distance(heard, farther, "en")


def test_vowels_are_heard() -> None:
    """Metaphone alone has none: to it these two are the same."""
    assert distance("light", "loot", "en") > 0.1


@pytest.mark.parametrize("language", ["en", "de"])
def test_digits_make_another_thing(language: str) -> None:
    assert distance("tv 2", "tv 3", language) == 1
    assert distance("tv 2", "TV 2", language) == 0


def test_other_languages_go_by_letters_without_accents() -> None:
    assert distance("dach boden", "Dachboden", "de") == 0
    assert distance("kuche", "Küche", "de") == 0
    assert distance("strasse", "Straße", "de") == 0
    assert 0 < distance("dachbogen", "Dachboden", "de") < 0.2
    assert distance("кухня", "Кухня", "ru") == 0
    assert distance("玄関", "台所", "ja") == 1


def test_a_vowel_sign_is_no_accent() -> None:
    assert folded("कि") != folded("क")
    assert folded("й") == folded("и")


@given(PHRASES, PHRASES, LANGUAGES)
def test_a_distance_is_one(a: str, b: str, language: str) -> None:
    assert 0 <= distance(a, b, language) <= 1
    assert distance(a, b, language) == distance(b, a, language)
    assert distance(a, a, language) == 0


@given(st.lists(PHRASES.map(str.split), max_size=8), PHRASES.map(str.split), LANGUAGES)
def test_an_index_finds_nothing_that_is_not_near(
    names: list[list[str]], heard: list[str], language: str
) -> None:
    own = sound(heard, language)
    for number, found in NameIndex(names, language).near(own, 0.3):
        assert found == between(own, sound(names[number], language)) <= 0.3


@given(PHRASES.map(str.split).filter(lambda words: any(map(folded, words))), LANGUAGES)
def test_an_index_finds_the_same_sound(name: list[str], language: str) -> None:
    index = NameIndex([["something", "else"], name], language)
    own = sound(name, language)
    assert not own.key or (1, 0.0) in list(index.near(own, 0.0))
