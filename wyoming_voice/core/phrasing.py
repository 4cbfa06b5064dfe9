"""Where a line of text may end, between two words: decides what a break there costs the reader.

Rule: a break is best after a mark, and good before a conjunction or a preposition; it should not part an
article, a possessive, a pronoun or a preposition from what follows, nor stand within a word. So the
line treatment of Netflix's Timed Text Style Guide (General Requirements, section 4) and the BBC's Subtitle
Guidelines (section 3.4, "Break at natural points"). The language is not asked for: the words of `open_words`
in all its languages are beyond doubt enough, and a wrong guess costs a break that is not the best.
"""

import unicodedata

from wyoming_voice.core.full_stops import goes_on
from wyoming_voice.core.open_words import BY_LANGUAGE


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


AFTER_SENTENCE = 0.0
AFTER_MARK = 0.35
BEFORE_LINK = 0.7
PLAIN = 1.2
AFTER_OPEN = 3.0
WITHIN_WORD = 20.0
"""What a break costs, in the same measure as one more cue (1.0)."""

_SENTENCE_MARKS = ".!?…。！？؟۔।｡"
_MARKS = ",;:，、；：،؛–—-)]}»”"
_CLOSING = "\"'”’»)]}」』）】》"
_NEVER_FIRST = (
    _SENTENCE_MARKS + ",;:，、；：،؛%)]}»”’」』）】》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
)
"""What begins no line; of Japanese the marks and small letters of JIS X 4051."""

_OPEN = frozenset().union(*(words.always | words.unless_asked for words in BY_LANGUAGE.values()))
_LINKS = _words("""
    and or but because if when while which that who although unless until so than
    und oder aber sondern denn weil dass wenn ob obwohl während damit
    et ou mais parce car que qui quand si lorsque puisque
    y o pero porque que cuando si aunque mientras
    e ed ma perché che quando se anche mentre
    en of maar want omdat dat als terwijl
    to for from with at by into about between during without in on under over
    für von bei nach seit mit ohne durch gegen über unter
    à dans pour par avec sans sur sous chez vers
    con sin por para sobre entre desde hasta
    da di per su tra fra senza
    van voor met zonder naar bij tot door
""")


def width(text: str) -> int:
    """How many places a text takes: a Han letter, kana or emoji two, an accent none.

    So that 42 places are 21 Chinese or Japanese letters and 17 places a second 8.5 of them: near what
    Netflix allows them (16 a line, 9 a second in Chinese) with one setting for all languages.
    """
    if text.isascii():
        return len(text)
    return sum(map(_places, text))


def shown(text: str) -> str:
    """A word as it is shown: with one space for any, and no control characters."""
    if not text.isascii() or not text.isprintable():
        text = "".join(letter for letter in text if letter.isspace() or _has_place(letter))
    return " ".join(text.split())


def break_cost(before: str, after: str, *, spaced: bool) -> float:
    """What it costs to end a line between words as they are shown; `spaced`: a space stands there.

    `before`: the last words, three of them where there are so many; `after`: the next one.
    """
    if not spaced and not _breaks_anywhere(before, after):
        return WITHIN_WORD
    last = before.rstrip(_CLOSING)[-1:]
    word = before.rpartition(" ")[2].lower().strip("\"'([{¿¡«„“‘")
    stays = goes_on(before, after)
    if last in _SENTENCE_MARKS and last and not stays:
        return AFTER_SENTENCE
    if word in _OPEN or stays:
        return AFTER_OPEN
    if before[-1:] in _MARKS:
        return AFTER_MARK
    return BEFORE_LINK if after.lower().strip(_CLOSING + ",.") in _LINKS else PLAIN


def _has_place(letter: str) -> bool:
    return unicodedata.category(letter) not in ("Cc", "Cs")


def _places(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _breaks_anywhere(before: str, after: str) -> bool:
    """Whether these are of a script without spaces, and `after` may begin a line there."""
    first = after[:1]
    if not first or first in _NEVER_FIRST or unicodedata.category(first).startswith("M"):
        return False
    return _spaceless(before[-1:]) or _spaceless(first)


def _spaceless(letter: str) -> bool:
    """Han, kana, Thai, Lao, Khmer, Burmese: scripts that put no space between words (not Hangul)."""
    if not letter or letter.isascii():
        return False
    if "\uac00" <= letter <= "\ud7af":
        return False
    return (
        unicodedata.east_asian_width(letter) in "WF"
        or "\u0e00" <= letter <= "\u0eff"
        or "\u1000" <= letter <= "\u109f"
        or "\u1780" <= letter <= "\u17ff"
    )
