"""Stops that end no sentence are told by the words around them, and changed in nothing but a letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.core.full_stops import goes_on, unparted

PARTS = [
    "22. ",
    "1. ",
    "z. ",
    "B. ",
    "Mai ",
    "Dr. ",
    "İ",
    "Dann ",
    "USA ",
    "p. ",
    "ex. ",
    ". ",
    "(",
    " ",
]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Am 22. November. Gut.", "Am 22. november. Gut."),
        ("de", "Dr. Müller, z. B. am 1. Mai.", "Dr. müller, z. b. am 1. mai."),
        ("de", "Z. B. Anna. Es kostet 22. Dann.", "Z. b. anna. Es kostet 22. Dann."),
        ("de", "In der Str. Dann Nr. USA.", "In der Str. Dann Nr. USA."),
        ("es", "La Sra. Gómez. Bien.", "La Sra. gómez. Bien."),
        ("en", "Dr. Smith came on May 22. November came.", None),
        ("ja", "Dr. Smith 22. November.", None),
    ],
)
def test_a_small_letter_stands_behind_what_ends_no_sentence(
    language: str, text: str, expected: str | None
) -> None:
    assert unparted(text, language) == (expected or text)


@pytest.mark.parametrize(
    ("before", "follower", "language", "known"),
    [
        ("der 22.", "November", "", True),
        ("der 22.", "Tag", "", None),
        ("der 22.", "Tag", "de", True),
        ("der 22.", "Tag", "pl", False),
        ("der 21./22.", "Mai", "de", True),
        ("sind 22.", "11", "de", True),
        ("he is 22.", "November", "fr", None),
        ("il y a z.", "B", "fr", None),
        ("Gemüse usw.", "und", "de", True),
        ("Gemüse usw.", "Dann", "de", False),
        ("it is art.", "Then", "", None),
        ("It is no. It", "is", "", None),
        ("", "Is", "", None),
    ],
)
def test_only_what_is_known_is_told(
    before: str, follower: str, language: str, known: bool | None
) -> None:
    assert goes_on(before, follower, language) is known


@given(
    st.one_of(st.text(), st.lists(st.sampled_from(PARTS)).map("".join)),
    st.sampled_from(["", "de", "en", "fr", "pl", "xx"]),
)
def test_any_text_keeps_its_letters_and_length(text: str, language: str) -> None:
    changed = unparted(text, language)
    assert len(changed) == len(text)
    assert all(new in (old, old.lower()) for new, old in zip(changed, text, strict=True))
