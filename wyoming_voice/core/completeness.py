"""Whether words look as if the speaker has finished: all was said, more must come, or no telling.

Rule: what words can't end in beats the mark that a recogniser has put behind them, for Whisper puts a full
stop behind `Turn on the`. Marks of all scripts count; words, in the languages of `open_words` only.
Where the language isn't known, the words are judged in each language that they may be of, and say
something only if those agree.
"""

import re
from enum import StrEnum

from wyoming_voice.core.open_words import BY_LANGUAGE, FILLERS, OpenWords


class Completeness(StrEnum):
    """What words look like at a pause."""

    COMPLETE = "complete"
    OPEN = "open"
    UNKNOWN = "unknown"


_MOST_CHARS = 500
"""What a speaker said longer ago than that tells nothing about this pause."""

_CLOSING = "\"'”’»)]}"
_FINAL_MARKS = ".!?。！？؟۔।｡"
_ASKING_MARKS = "?？؟"
_OPEN_MARKS = ",，、;；:：،-–—…‥"
_WORD = re.compile(r"\w+(?:['’-]\w+)*['’]?")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def completeness(text: str, language: str = "") -> Completeness:
    """What `text` looks like; `language` is a code (`en`, `de-AT`), or `""` where nobody knows it."""
    text = text.rstrip()[-_MOST_CHARS:]
    words = words_of(text)
    text = text.rstrip(_CLOSING).rstrip()
    if not words:
        return Completeness.UNKNOWN
    if text.endswith(("..", *_OPEN_MARKS)) or words[-1] in FILLERS:
        return Completeness.OPEN
    by_words = _by_words(words, language, asked=text[-1] in _ASKING_MARKS)
    if by_words is None:
        return Completeness.COMPLETE if text[-1] in _FINAL_MARKS else Completeness.UNKNOWN
    return by_words


def words_of(text: str) -> list[str]:
    """The words in lower case, with the apostrophes and hyphens within them, and no other mark."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def _by_words(words: list[str], language: str, *, asked: bool) -> Completeness | None:
    """What the words alone say; None where that is nothing."""
    judged = {_judge(words, known, asked) for known in _languages_of(words, language)}
    return judged.pop() if len(judged) == 1 else None


def _languages_of(words: list[str], language: str) -> list[OpenWords]:
    code = language.lower().replace("_", "-").split("-")[0]
    if code:
        return [BY_LANGUAGE[code]] if code in BY_LANGUAGE else []
    familiar = {known: sum(word in known.all for word in words) for known in BY_LANGUAGE.values()}
    most = max(familiar.values())
    return [known for known, count in familiar.items() if count == most]


def _judge(words: list[str], known: OpenWords, asked: bool) -> Completeness | None:
    last, said = words[-1], " ".join(words)
    if said in known.whole:
        return Completeness.COMPLETE
    if last in known.always:
        return Completeness.OPEN
    if last in known.unless_asked or said.endswith(known.beginnings) or said in known.unfinished:
        return None if asked else Completeness.OPEN
    if _is_number(last, known):
        return None if asked else _after_number(words, known)
    if last in known.units and any(_is_number(word, known) for word in words[-2:-1]):
        return Completeness.COMPLETE
    if len(words) > 2 and words[0] in known.verbs and last in known.ends:
        return Completeness.COMPLETE
    return None


def _after_number(words: list[str], known: OpenWords) -> Completeness:
    """A number at the end may be all (`volume to fifty`), or want its unit (`a timer for twenty`)."""
    before = next((word for word in reversed(words) if not _is_number(word, known)), "")
    return Completeness.OPEN if before in known.before_number else Completeness.UNKNOWN


def _is_number(word: str, known: OpenWords) -> bool:
    parts = word.split("-")
    return all(part in known.numbers or _NUMBER.fullmatch(part) for part in parts)
