"""How words sound as far as their letters tell it, and how far two sound apart; the importer of jellyfish.

PURE. Rule: borders between words make no sound ("eco bee" sounds as "Ecobee"), and what differs by a digit
never sounds alike ("TV 2", "TV 3").

English is compared three times over: by its consonants as Lawrence Philips' Metaphone writes them (Computer
Language, December 1990), by the same with those alike that recognisers take for each other, and by a spelling
in which vowels that sound alike are written alike, since Metaphone has none: to it "light" is "loot". Other
languages and scripts are compared by their letters, without accents.

Measured on what PocketSphinx heard instead of 148 names (`bench/name_sentences.py`, four voices of flite): by
this comparison 27 are nearer to the right name than the first one is to a wrong name; 26 by one with a weight
for each pair of consonants, which is slower; 22 by Metaphone and plain letters, 8 by letters alone.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from jellyfish import levenshtein_distance, metaphone

_EUROPEAN_END = 0x0530
"""Latin, Greek and Cyrillic letters have accents; what later scripts write above letters are vowels."""

_DOUBLED = re.compile(r"(.)\1+")
_DIGITS = re.compile(r"\d+")

_ALIKE = str.maketrans("BM0XEIOU", "PNFJAAAA", "HWY")
"""Metaphone writes 0 for th and X for sh: p as b, m as n, th as f, sh and ch as j, every first vowel; and no
half vowels."""

_RESPELLED = [
    (re.compile(written), sound)
    for written, sound in (
        *(("^wr", "r"), ("^kn", "n"), ("^wh", "w"), ("eigh", "e"), ("igh", "i"), ("[ao]ugh", "o")),
        *(("ph", "f"), ("tch", "ch"), ("sch", "sh"), ("ck", "k"), ("qu", "kw"), ("x", "ks")),
        *(("dge", "j"), ("c(?=[eiy])", "s"), ("c(?!h)", "k"), ("q", "k"), ("z", "s")),
        *(("([^aeiou])e$", r"\1"), ("ee|ea|ie|ei|ey|(?<=[^aeiou])y$", "i")),
        *(("oo|ue|ew|ui|ou|eu", "u"), ("ai|ay", "e"), ("oa|ow|oe", "o"), ("y", "i")),
        ("(?<=[aeiou])h(?![aeiou])", ""),
    )
]


@dataclass(frozen=True, slots=True)
class Sound:
    """What is compared: `letters` or their respelling, and of English `consonants` and those `alike`."""

    letters: str
    consonants: str = ""
    alike: str = ""
    digits: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The shortest of them: what sounds alike has about the same."""
        return self.alike or self.letters


def distance(a: str, b: str, language: str) -> float:
    """How far two phrases of a language sound apart: 0 for the same sound, 1 for nothing in common."""
    return between(sound(a.split(), language), sound(b.split(), language))


def between(a: Sound, b: Sound) -> float:
    """How far two sounds of the same language are apart, from 0 to 1."""
    return within(a, b, 1.0)


def within(a: Sound, b: Sound, farthest: float) -> float:
    """The same, but 1 where one of the things that are compared is farther apart: that is sooner told."""
    if a.digits != b.digits:
        return 1.0
    alike = _apart(a.alike, b.alike) if a.alike and b.alike else 0.0
    if alike > farthest or (letters := _apart(a.letters, b.letters)) > farthest:
        return 1.0
    if not (a.alike and b.alike):
        return letters
    return (_apart(a.consonants, b.consonants) + alike) / 4 + letters / 2


def sound(words: Sequence[str], language: str) -> Sound:
    """What words of a language, one after the other, sound like; the language is a code such as `en`."""
    if language != "en":
        letters = "".join(map(folded, words))
        return Sound(letters, digits=tuple(_DIGITS.findall(letters)))
    spoken = [_english(word) for word in words]
    consonants = "".join(one.consonants for one in spoken)
    return Sound(
        _single(one.letters for one in spoken),
        _without_vowels(consonants),
        _without_vowels(consonants.translate(_ALIKE)),
        tuple(_DIGITS.findall("".join(map(folded, words)))),
    )


@lru_cache(8192)
def folded(word: str) -> str:
    """The letters and digits of a word, small and without accents; `ß` is two letters."""
    found: list[str] = []
    for char in unicodedata.normalize("NFKD", word.casefold()):
        accent = unicodedata.category(char).startswith("M") and bool(found)
        if char.isalnum() or (accent and ord(found[-1]) >= _EUROPEAN_END):
            found.append(char)
    return "".join(found)


@lru_cache(8192)
def _english(word: str) -> Sound:
    letters = folded(word)
    respelled = letters
    for written, spoken in _RESPELLED:
        respelled = written.sub(spoken, respelled)
    return Sound(respelled, metaphone(letters).replace(" ", ""))


def _without_vowels(consonants: str) -> str:
    """Without those that Metaphone keeps at the beginning of a word, but for the first word's."""
    return _single((consonants[:1], re.sub("[AEIOU]", "", consonants[1:])))


def _single(parts: Iterable[str]) -> str:
    return _DOUBLED.sub(r"\1", "".join(parts))


def _apart(a: str, b: str) -> float:
    longest = max(len(a), len(b))
    return levenshtein_distance(a, b) / longest if longest else 0.0
