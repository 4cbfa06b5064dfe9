"""What was written for what is said: each word once, in order, however the text came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_speakable import ANY_TEXT
from wyoming_voice.core.readings import Place, Places, Reading, Written, letters, written_words
from wyoming_voice.core.speakable import Speakable

LANGUAGES = st.sampled_from(["en", "de", "ja"])


def read(text: str, language: str = "en") -> list[Reading]:
    speakable = Speakable(language)
    return speakable.add(text) + speakable.finish()


def written(text: str, language: str = "en") -> list[str]:
    return [word.text for reading in read(text, language) for word in reading.words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It goes at 5 km/h now.", ["It", " goes", " at", " 5 km/h", " now."]),
        ("$3.50 each", ["$3.50", " each"]),
        ("May 5 at 7:05 p.m. sharp", ["May", " 5", " at", " 7:05 p.m.", " sharp"]),
        ("1 2 3 cats", ["1", " 2", " 3", " cats"]),
        ("6 / 2 is 3", ["6", " /", " 2", " is", " 3"]),
        ("**Two** _of_ `them`", ["Two", " of", " them"]),
        ("see [the docs](https://a.io/b)!", ["see", " the", " docs!"]),
        ("at https://a.io/b?c today", ["at", " https://a.io/b?c", " today"]),
        ("Hello 🙂 there", ["Hello", " there"]),
        ("Bonjour !", ["Bonjour", " !"]),
        ("Hello 🙂.", ["Hello", "."]),
        ("Dr. Who & co", ["Dr.", " Who", " &", " co"]),
        ("# A title\n- one\n", ["A", " title", "\none"]),
        ("- one!\n2. two:", ["one!", "\n2:", " two:"]),
        ("| a | b |\n|--|--|\n| c | d |", ["a", " b", "\nc", " d"]),
    ],
)
def test_words_stand_as_they_were_written(text: str, words: list[str]) -> None:
    assert written(text) == words


def test_a_script_without_spaces_has_none() -> None:
    assert written("你好，世界", "zh") == ["你", "好", "，", "世", "界"]


@given(ANY_TEXT, LANGUAGES)
def test_words_have_as_many_letters_as_are_said(text: str, language: str) -> None:
    for reading in read(text, language):
        assert sum(word.letters for word in reading.words) == letters(reading.spoken)


@given(ANY_TEXT, LANGUAGES)
def test_what_is_written_and_said_alike_is_a_word_for_each(text: str, language: str) -> None:
    for reading in read(text, language):
        if "".join(word.text for word in reading.words).split() == reading.spoken.split():
            assert len(reading.words) == len(reading.spoken.split())


def test_what_is_read_as_one_is_one() -> None:
    parts = [("go ", "go "), ("5 km/h", "five kilometers per hour"), (" on", " on")]
    assert written_words(" ", ["go", "5", "km/h", "on"], parts) == (
        Written(" go", 2),
        Written(" 5 km/h", 21),
        Written(" on", 2),
    )


def test_a_space_at_the_end_of_what_is_read_is_no_bridge() -> None:
    parts = [("6", "six"), (" / ", " divided by "), ("2", "two")]
    words = written_words("", ["6", "/", "2"], parts)
    assert words == (Written("6", 3), Written(" /", 9), Written(" 2", 3))


def test_each_piece_gets_its_words() -> None:
    places = Places()
    places.add([Written("Go", 2), Written(" 5 km/h", 21), Written(" now.", 3)])
    assert places.take("“Go five") == (Place("Go", 1, 3), Place(" 5 km/h", 4, 8, ends=False))
    assert places.take("kilometers per hour now.") == (
        Place(" 5 km/h", 0, 19),
        Place(" now.", 20, 23),
    )
    assert places.take("more") == ()


def test_what_has_no_sound_goes_with_its_neighbour() -> None:
    places = Places()
    places.add([Written("—", 0), Written(" so", 2), Written(" !", 0), Written(" yes", 3)])
    assert [place.text for place in places.take("so! yes")] == ["— so !", " yes"]
    places.add([Written(" ?", 0), Written(" no", 2)])
    assert [place.text for place in places.take("no")] == [" ? no"]
