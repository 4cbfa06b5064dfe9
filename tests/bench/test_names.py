"""What the benchmark of names counts."""

import pytest

from bench.name_sentences import HALVES
from bench.names import holds, large_house


@pytest.mark.parametrize(
    ("text", "name", "held"),
    [
        *((" Turn on the ecobee", "Ecobee", True), (" Turn on the ecobees", "Ecobee", False)),
        *((" the Hue Play bar off", "Hue Play bar", True), (" the Hue bar", "Hue Play bar", False)),
    ],
)
def test_a_name_is_found_as_whole_words(text: str, name: str, held: bool) -> None:
    assert holds(text, name) is held


def test_halves_are_alike_and_share_nothing() -> None:
    tuned, measured = HALVES["tuned"], HALVES["measured"]
    for a, b in ((tuned.names, measured.names), (tuned.plain, measured.plain)):
        assert len(a) == len(b) == len({*a}) == len({*b})
        assert not {*a} & {*b}
    assert tuned.said()[0] == ("Ecobee", "turn on the Ecobee")
    assert tuned.said()[-1][0] == ""


def test_a_large_house_has_its_names_once() -> None:
    assert len({*large_house()}) == len(large_house()) == 3000
