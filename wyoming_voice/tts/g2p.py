"""PURE: part-of-speech tags for English without a model, and phonemes cut to Kokoro's context.

misaki's lexicon asks for Penn Treebank tags, but only to tell "read" from "read", "the" before a vowel,
and names from words. A closed list of function words and a few endings does nearly that. Rule: phonemes
over the model's context are split where a speaker would breathe, and none is dropped; and it stays known
which symbols are said for which characters.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_PHONEMES = 510
"""Kokoro's context is 512 symbols with one pad at either end."""

_PUNCTUATION = {
    **dict.fromkeys((".", "!", "?"), "."),
    ",": ",",
    **dict.fromkeys((";", ":", "-", "–", "—", "--", "…", "..."), ":"),
    **dict.fromkeys("([{", "-LRB-"),
    **dict.fromkeys(")]}", "-RRB-"),
    **dict.fromkeys("“‘", "``"),
    **dict.fromkeys("”\"’'", "''"),
    **dict.fromkeys("$£€", "$"),
    "#": "#",
}

_CLOSED_CLASSES = {
    "DT": "the a an this that these those every each some any no all both",
    "PRP": "i you he she it we they me him us them myself yourself",
    "PRP$": "my your his her its our their",
    "IN": "in on at by for from with of about into over under after before since until than as if"
    " because while",
    "MD": "can could will would shall should may might must",
    "VBP": "am are 're 'm",
    "VBZ": "is has does 's",
    "VBD": "was were had did",
    "VB": "be do have",
    "VBN": "been",
    "TO": "to",
    "CC": "and or but",
    "RB": "n't not",
}
_WORDS = {word: tag for tag, words in _CLOSED_CLASSES.items() for word in words.split()}
_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*")
_PAUSE_MARKS = frozenset(';:,.!?—…"“”')
_SENTENCE_STARTS = frozenset(("", ".", "``", "''", ":", "-LRB-"))
_AROUND_WORDS = " .,!?;:—–…\"'“”‘’()[]«»¿¡-"
_WORD = re.compile(r"\S+")
_CLAUSE = re.compile(r"[^.,!?;:—…]+")
_BREATHS = (".!?…", ":;", ",—", " ")
_LEAST_FILLED = 0.5


@dataclass(frozen=True, slots=True)
class Token:
    """The characters from `start` up to `end` of a text are said with the symbols `first` up to `last`."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Phonemes:
    """What is said for a text, and which part of it for which part of the text, in order."""

    symbols: str
    tokens: tuple[Token, ...]


def by_words(text: str, symbols: str) -> Phonemes:
    """Word by word where there are as many of either, else clause by clause, else altogether.

    For phonemes without word of what they are for, such as espeak-ng's, which joins short words.
    """
    whole = Token(0, len(text), 0, len(symbols))
    tokens = _paired(whole, text, symbols, _WORD)
    if tokens is None:
        tokens = []
        for clause in _paired(whole, text, symbols, _CLAUSE) or [whole]:
            tokens += _paired(clause, text, symbols, _WORD) or [clause]
    return Phonemes(symbols, tuple(tokens))


def _paired(token: Token, text: str, symbols: str, run: re.Pattern[str]) -> list[Token] | None:
    """The runs of a token's text with those of its symbols; None where there are not as many."""
    sources = _bare(text, run, token.start, token.end)
    sounds = _bare(symbols, run, token.first, token.last)
    if len(sources) != len(sounds):
        return None
    return [Token(*source, *sound) for source, sound in zip(sources, sounds, strict=True)]


def _bare(text: str, run: re.Pattern[str], start: int, end: int) -> list[tuple[int, int]]:
    """Where the runs are, without the marks around them."""
    spans = []
    for found in run.finditer(text, start, end):
        bare = found[0].lstrip(_AROUND_WORDS)
        first = found.end() - len(bare)
        if bare := bare.rstrip(_AROUND_WORDS):
            spans.append((first, first + len(bare)))
    return spans


def penn_tags(words: Sequence[str]) -> list[str]:
    """One Penn Treebank tag for each word or mark of a text, as spaCy's tokenizer cuts it."""
    tags: list[str] = []
    before = ""
    for word in words:
        before = _tag(word, before)
        tags.append(before)
    return tags


def _tag(word: str, before: str) -> str:
    """The tag of a word after one tagged `before`; "" at the start."""
    if word in _PUNCTUATION:
        return _PUNCTUATION[word]
    if _NUMBER.fullmatch(word):
        return "CD"
    if not any(character.isalnum() for character in word):
        return "NFP" if _PAUSE_MARKS & set(word) else "SYM"
    lower = word.lower()
    if lower in _WORDS:
        return _WORDS[lower]
    if word[0].isupper() and before not in _SENTENCE_STARTS:
        return "NNP"
    if lower.endswith("ly"):
        return "RB"
    if before in ("TO", "MD", ""):
        return "VB"
    if before == "PRP":
        return "VBP"
    if before in ("VBP", "VBZ", "VBD") and lower.endswith("ed"):
        return "VBN"
    return "NN"


def split_phonemes(phonemes: str, most: int = MOST_PHONEMES) -> list[tuple[int, int]]:
    """Where parts of at most `most` symbols begin and end, cut after the strongest mark in the later half.

    Where there is neither a mark nor a space the cut is hard. Nothing but spaces at cuts is lost.
    """
    parts: list[tuple[int, int]] = []
    start, end = _stripped(phonemes, 0, len(phonemes))
    while end - start > most:
        cut = start + _cut(phonemes[start : start + most])
        parts.append(_stripped(phonemes, start, cut))
        start, end = _stripped(phonemes, cut, end)
    return [part for part in (*parts, (start, end)) if part[0] < part[1]]


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _cut(window: str) -> int:
    least = int(len(window) * _LEAST_FILLED)
    for marks in _BREATHS:
        place = max(window.rfind(mark) for mark in marks)
        if place >= least:
            return place + 1
    return len(window)
