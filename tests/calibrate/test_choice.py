"""Which audio context is chosen from what was measured."""

import pytest

from wyoming_voice.calibrate.choice import FULL, Measured, safest, tells_anything


def measured(context: str, errors: float, median_s: float) -> Measured:
    return Measured(context, errors, 0.0, median_s, 0)


def chosen(*ones: tuple[str, float, float], tolerance: float = 0.005) -> str:
    return safest([measured(*one) for one in ones], tolerance).context


def test_the_shortest_that_makes_no_more_mistakes_is_chosen() -> None:
    assert chosen(("6", 0.3, 0.1), ("8", 0.05, 0.2), ("10", 0.05, 0.3), (FULL, 0.05, 1.0)) == "8"


def test_a_mistake_in_two_hundred_words_is_tolerated_and_one_more_is_not() -> None:
    assert chosen(("6", 0.055, 0.1), (FULL, 0.05, 1.0)) == "6"
    assert chosen(("6", 0.056, 0.1), (FULL, 0.05, 1.0)) == FULL
    assert chosen(("6", 0.056, 0.1), (FULL, 0.05, 1.0), tolerance=0.01) == "6"


@pytest.mark.parametrize(("median_s", "context"), [(0.9, "6"), (0.91, FULL)])
def test_what_saves_less_than_a_tenth_of_the_time_is_no_gain(median_s: float, context: str) -> None:
    assert chosen(("6", 0.05, median_s), (FULL, 0.05, 1.0)) == context


def test_speech_that_the_model_does_not_understand_tells_nothing() -> None:
    ones = [measured("6", 0.51, 0.1), measured(FULL, 0.51, 1.0)]
    assert not tells_anything(ones)
    assert safest(ones).context == FULL
    assert tells_anything([measured(FULL, 0.5, 1.0)])
