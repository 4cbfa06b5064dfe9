"""PURE: part-of-speech tags for English without a model, and phonemes cut to Kokoro's context.

misaki's lexicon asks for Penn Treebank tags, but only to tell "read" from "read", "the" before a vowel,
and names from words. A closed list of function words and a few endings does nearly that. Rule: phonemes
over the model's context are split where a speaker would breathe, and none is dropped.
"""

import re
from collections.abc import Sequence

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
_BREATHS = (".!?…", ":;", ",—", " ")
_LEAST_FILLED = 0.5


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


def split_phonemes(phonemes: str, most: int = MOST_PHONEMES) -> list[str]:
    """Phonemes in parts of at most `most` symbols, cut after the strongest mark in a part's later half.

    Where there is neither a mark nor a space the cut is hard. Nothing but spaces at cuts is lost.
    """
    parts: list[str] = []
    rest = phonemes.strip()
    while len(rest) > most:
        cut = _cut(rest[:most])
        parts.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [part for part in (*parts, rest) if part]


def _cut(window: str) -> int:
    least = int(len(window) * _LEAST_FILLED)
    for marks in _BREATHS:
        place = max(window.rfind(mark) for mark in marks)
        if place >= least:
            return place + 1
    return len(window)
