"""What several opinions of one pause come to."""

import pytest

from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.opinions import Opinions, Witness

COMPLETE, OPEN, UNKNOWN = Completeness.COMPLETE, Completeness.OPEN, Completeness.UNKNOWN


@pytest.mark.parametrize(
    ("words", "sound", "together"),
    [
        (COMPLETE, OPEN, OPEN),
        (OPEN, COMPLETE, OPEN),
        (UNKNOWN, COMPLETE, COMPLETE),
        (COMPLETE, UNKNOWN, COMPLETE),
        (UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_whoever_thinks_that_more_is_to_come_has_it(
    words: Completeness, sound: Completeness, together: Completeness
) -> None:
    opinions = Opinions()
    assert opinions.add(Witness.WORDS, words) is words
    assert opinions.add(Witness.SOUND, sound) is together


def test_the_last_opinion_of_a_witness_counts() -> None:
    opinions = Opinions()
    opinions.add(Witness.WORDS, OPEN)
    assert opinions.add(Witness.WORDS, COMPLETE) is COMPLETE


def test_nothing_is_left_of_an_earlier_pause() -> None:
    opinions = Opinions()
    opinions.add(Witness.WORDS, OPEN)
    opinions.clear()
    assert opinions.add(Witness.SOUND, COMPLETE) is COMPLETE
