"""How many of the words were misheard: the one importer of jiwer.

Case, punctuation, and whether a number is written in digits or letters are no mistakes.
"""

import re
from collections.abc import Sequence

import jiwer
from num2words import num2words

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MOST_DIGITS = 15
"""Longer ones are the stutter of a decoder that lost its way, and no language has names for them."""


def plain(text: str, language: str) -> str:
    """Lower-case words without marks, numbers in words."""
    straight = text.casefold().replace("\u2019", "'")
    spelled = _NUMBER.sub(lambda found: f" {_in_words(found[0], language)} ", straight)
    letters = (letter if letter.isalnum() or letter == "'" else " " for letter in spelled)
    return " ".join("".join(letters).split())


def word_error_rate(said: Sequence[str], heard: Sequence[str], language: str) -> float:
    """Wrong, missing and added words over the words said; the texts stand in pairs, and `said` has words."""
    reference = [plain(text, language) for text in said]
    hypothesis = [plain(text, language) for text in heard]
    return float(jiwer.wer(reference, hypothesis))


def _in_words(number: str, language: str) -> str:
    if len(number) > _MOST_DIGITS:
        return number
    try:
        return str(num2words(number, lang=language))
    except NotImplementedError:  # a language that num2words doesn't count in
        return number
