"""Packs names, hotwords, terms, a house and a prompt into the text that Whisper is told before it listens.

Whisper reads at most 223 tokens of earlier text (half its context of 448, less one for the marker;
openai/whisper `decoding.py`). Rules: what matters most gets room first and stands last, nearest to the
speech, where the model heeds it most; a name goes in whole or not at all; no name reaches the model as one
of its control tokens; the names of a house are counted once, however many.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache

from wyoming_voice.asr.engine import DecodeOptions, Glossary
from wyoming_voice.asr.names.house_names import unknown_words

BUDGET_TOKENS = 223

HOUSE_TOKENS = 100
"""The names of a house fill up what is told to this length: some 25 names.

Published: small.en spells well with 97 tokens of names (OHF-Voice/wyoming-faster-whisper pull request 120);
quality falls off before 223 (its README). Measured, base.en int8, two threads, 12 tokens of text, in ms: 120
without, 145 with 50 tokens, 158 with 100 and 216 with 200 at a context of 30 s; 47, 61, 73 and 98 at 6 s. For
the ranking of 3000 names: 37 ms once, and 0.003 ms for each decode after that."""

_FEWEST_TOKENS = 2
"""No name and its comma have less."""


@dataclass(frozen=True, slots=True)
class Told:
    """The text to prompt with, empty when there is nothing to say.

    `phrases` are what is listed in it, in the order in which they stand there; `names` says how many of them
    were named by the client or by the house.
    """

    text: str = ""
    phrases: tuple[str, ...] = ()
    names: int = 0


@dataclass(frozen=True, slots=True)
class _Counted:
    """A name, and how many tokens it has in a list."""

    name: str
    tokens: int


class Teller:
    """What one model is told; `count` says how many tokens a text has for it."""

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self._last: tuple[object, Told] = ((), Told())
        self._house: tuple[Glossary, tuple[_Counted, ...]] = (Glossary(), ())

    def told(self, options: DecodeOptions) -> Told:
        """What biases the spelling, packed; kept, since a thousand names of a client take 150 ms to count."""
        wanted = (
            *(options.names, options.hotwords, options.terms),
            *(options.house, options.initial_prompt),
        )
        known, told = self._last
        if known != wanted:
            told = packed(options, self._count, self._ranked(options.house))
            self._last = (wanted, told)
        return told

    def _ranked(self, house: Glossary) -> tuple[_Counted, ...]:
        known, ranked = self._house
        if known != house:
            ranked = tuple(_ranked(house, self._count))
            self._house = (house, ranked)
        return ranked


def packed(
    options: DecodeOptions,
    count: Callable[[str], int],
    house: Iterable[_Counted] = (),
    budget_tokens: int = BUDGET_TOKENS,
) -> Told:
    """What to tell, at most `budget_tokens` by `count`; of the house no more than HOUSE_TOKENS make of it."""
    listed: list[str] = []
    for phrase in _unique((*options.names, *options.hotwords, *options.terms)):
        if count(_text([*listed, phrase], "")) <= budget_tokens:
            listed.append(phrase)
    asked = len(listed)
    _add_house(listed, house, count, min(HOUSE_TOKENS, budget_tokens))
    kept: list[str] = []
    for sentence_word in _plain(options.initial_prompt).split():
        if count(_text(listed, " ".join([*kept, sentence_word]))) > budget_tokens:
            break
        kept.append(sentence_word)
    named = {*_unique(options.names)} & {*listed[:asked]}
    return Told(
        _text(listed, " ".join(kept)), tuple(reversed(listed)), len(named) + len(listed) - asked
    )


def untold(options: DecodeOptions) -> DecodeOptions:
    """The same, and nothing to repeat."""
    return replace(options, names=(), hotwords=(), terms=(), house=Glossary(), initial_prompt="")


def _add_house(
    listed: list[str], house: Iterable[_Counted], count: Callable[[str], int], most_tokens: int
) -> None:
    """Add what there is room for, in order."""
    asked = len(listed)
    known = {phrase.casefold() for phrase in listed}
    room = most_tokens - count(_text(listed, ""))
    for one in house:
        if room < _FEWEST_TOKENS:
            break
        if one.tokens <= room and one.name.casefold() not in known:
            listed.append(one.name)
            room -= one.tokens
    # The whole has about as many tokens as its parts, and seldom one more.
    while len(listed) > asked and count(_text(listed, "")) > most_tokens:
        listed.pop()


def _ranked(house: Glossary, count: Callable[[str], int]) -> list[_Counted]:
    """Of the likely ones those first that tell the model a word which it doesn't know; so of the others.

    A word is told once: of forty names of an Ecobee one is enough to have it spelled.
    """
    counted = cache(count)  # a house has a few hundred words in thousands of names
    told: set[str] = set()
    order: list[tuple[bool, bool, int]] = []
    for place, name in enumerate(house.names):
        words = unknown_words(name, counted)
        order.append((place >= house.likely, words <= told, place))
        told |= words
    names = [house.names[place] for _, _, place in sorted(order)]
    return [_Counted(name, count(f" {name},")) for name in names]


def _unique(phrases: Iterable[str]) -> list[str]:
    tidy = (" ".join(_plain(phrase).split()) for phrase in phrases)
    return list(dict.fromkeys(phrase for phrase in tidy if phrase))


def _plain(text: str) -> str:
    """Without what a tokenizer takes for its control tokens, such as `<|endoftext|>`."""
    return text.replace("<|", " ").replace("|>", " ")


def _text(listed: list[str], prompt: str) -> str:
    glossary = f"{', '.join(reversed(listed))}." if listed else ""
    return " ".join(part for part in (prompt, glossary) if part)
