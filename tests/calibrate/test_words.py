"""What counts as a misheard word."""

import pytest

from wyoming_voice.calibrate.words import plain, word_error_rate


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Turn ON the light, please!", "turn on the light please"),
        ("Set it to 25.", "set it to twenty five"),
        ("19.5 degrees", "nineteen point five degrees"),
        ("It's eight o'clock", "it's eight o'clock"),
        ("It\u2019s eight", "it's eight"),
        ("1" * 400, "1" * 400),
        ("Mach's auf – schnell", "mach's auf schnell"),
    ],
)
def test_case_marks_and_digits_are_no_mistakes(text: str, words: str) -> None:
    assert plain(text, "en") == words


def test_numbers_are_spelled_in_the_language_or_left_as_they_are() -> None:
    assert plain("21 Uhr", "de") == "einundzwanzig uhr"
    assert plain("21", "xx") == "21"


def test_wrong_missing_and_added_words_count_against_the_words_said() -> None:
    said = ["turn on the light", "stop now please today"]
    assert word_error_rate(said, said, "en") == 0
    assert (
        word_error_rate(said, ["turn off the light", "stop please now then today"], "en") == 3 / 8
    )
    assert word_error_rate(said, ["", "Stop now, please, today."], "en") == 0.5
