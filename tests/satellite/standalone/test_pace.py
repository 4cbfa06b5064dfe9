"""How far a text has been spoken: never further than it has, and seldom much less."""

import pytest

from satellite.standalone.pace import (
    TYPICAL_PACE,
    effort,
    measured_pace,
    sentences_spoken,
    text_heard,
)

SENTENCES = ["It is noon.", "The sun is high over the hills.", "Lunch has been ready for a while."]


def takes_ms(*sentences: str, pace: float) -> float:
    return sum(map(effort, sentences)) / pace * 1000


@pytest.mark.parametrize("pace", [10.5, 15.0, 22.0])
def test_no_sentence_counts_before_it_has_been_spoken(pace: float) -> None:
    for number in range(len(SENTENCES)):
        audio_ms = takes_ms(*SENTENCES[: number + 1], pace=pace) - 1
        assert sentences_spoken(SENTENCES, audio_ms, None if pace < 11 else pace) <= number


def test_a_voice_that_is_known_is_judged_by_its_pace() -> None:
    two_and_a_half_ms = takes_ms(*SENTENCES[:2], pace=15) + takes_ms(SENTENCES[2], pace=15) / 2
    assert sentences_spoken(SENTENCES, two_and_a_half_ms, 15.0) == 2
    assert sentences_spoken(SENTENCES, two_and_a_half_ms, None) == 1
    assert sentences_spoken(SENTENCES, 1e9, None) == 3


def test_a_pace_is_measured_on_enough_text() -> None:
    text = " ".join(SENTENCES)
    assert measured_pace(text, takes_ms(text, pace=12)) == pytest.approx(12)
    assert measured_pace("Yes.", 500) is None
    assert measured_pace(text, 0) is None


def test_digits_and_ideographs_take_longer_than_letters() -> None:
    assert effort("1984") > effort("nineteen")
    assert effort("今天") > effort("ab")


def test_what_was_heard_ends_with_a_word() -> None:
    text = "It is noon. The sun is high."
    heard_ms = takes_ms("It is noon. The s", pace=TYPICAL_PACE)
    assert text_heard(text, heard_ms, TYPICAL_PACE) == "It is noon. The"
    assert text_heard(text, 0, TYPICAL_PACE) == ""
    assert text_heard(text, 1e9, TYPICAL_PACE) == text
