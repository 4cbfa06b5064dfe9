"""Whether a text is nothing but the names that the recogniser was told before it listened.

PURE. Whisper takes what it is told for what was said before, and continues it where nobody speaks
(rpickz/jarvix issue 191: two seconds of silence are transcribed as the prompt, word for word). Rule: this
finds out what a text consists of; whether it was said is for the gate to judge.
"""

from collections.abc import Sequence
from enum import StrEnum

_RUN = 3
"""Who names so many things after each other hardly does so in the order of a prompt."""


class Echo(StrEnum):
    """What a text has of what the recogniser was told."""

    NONE = ""
    NAMES = "names"
    RUN = "run"
    """So many of them in a row, in the order in which they were told."""


def echo_in(text: str, told: Sequence[str]) -> Echo:
    """What a text is, to whom was told these phrases in this order."""
    words = _words(text)
    phrases = [found for phrase in told if (found := _words(phrase))]
    if not words or not _made_of(words, {*phrases}):
        return Echo.NONE
    return Echo.RUN if _runs_in(words, phrases) else Echo.NAMES


def _words(text: str) -> tuple[str, ...]:
    letters = (letter if letter.isalnum() else " " for letter in text.casefold())
    return tuple("".join(letters).split())


def _made_of(words: tuple[str, ...], phrases: set[tuple[str, ...]]) -> bool:
    """Whether phrases, one after the other, make up all of the words."""
    lengths = {len(phrase) for phrase in phrases}
    ends = {0}
    for end in range(1, len(words) + 1):
        if any(end - size in ends and words[end - size : end] in phrases for size in lengths):
            ends.add(end)
    return len(words) in ends


def _runs_in(words: tuple[str, ...], phrases: Sequence[tuple[str, ...]]) -> bool:
    """Whether all of the words are `_RUN` phrases or more as they were told."""
    for first in range(len(phrases) - _RUN + 1):
        run: tuple[str, ...] = ()
        for size, phrase in enumerate(phrases[first:], start=1):
            run += phrase
            if len(run) >= len(words):
                if run == words and size >= _RUN:
                    return True
                break
    return False
