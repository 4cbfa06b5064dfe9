"""What was decoded of a file, as it is told: what the gate lets through, in the file's own time.

Rule: the texts of all segments of a file, joined as they are, make up the text that the same audio has over
Wyoming but for the white space around it; where there are words, so do their texts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from wyoming_voice.asr.engine import RATE_HZ, Segment, Word
from wyoming_voice.asr.gate import judged
from wyoming_voice.asr.memo import Piece
from wyoming_voice.core.full_stops import goes_on
from wyoming_voice.core.own_languages import primary

_PAUSE_S = 1.0
"""Who is silent for so long within a window begins a new segment."""

_ENDS = ".!?…。！？｡।॥؟"
_CLOSERS = "\"')]}”’»›」』）》】〕〉"


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a file from its text to how far it has been heard.

    `segments` have times from the beginning of the file, in order; there are none where nobody speaks.
    `heard_s`: everything before has been told; `total_s`: the file's length, None where it doesn't say.
    `language` is that of the passage, or of the last one that had any.
    """

    segments: tuple[Segment, ...]
    heard_s: float
    total_s: float | None
    language: str


def told(found: Sequence[Segment], piece: Piece, *, vad_heard: bool) -> tuple[Segment, ...]:
    """The segments that were decoded of a piece, as far as the gate lets them through."""
    offset_s = piece.start / RATE_HZ
    kept: list[Segment] = []
    for segment in found:
        text = judged(segment, vad_heard=vad_heard).text
        if not text.strip():
            continue
        if piece.speech_s is not None and len(found) == 1:
            segment = replace(segment, start_s=piece.speech_s[0], end_s=piece.speech_s[1])
        words = tuple(_moved(word, offset_s) for word in _beginning(segment.words, text))
        end_s = min(segment.end_s + offset_s, piece.end / RATE_HZ)
        start_s = min(segment.start_s + offset_s, end_s)
        whole = replace(segment, text=text, start_s=start_s, end_s=end_s, words=words)
        kept += _sentences(whole) if words else [whole]
    return tuple(kept)


def _beginning(words: Iterable[Word], text: str) -> Iterator[Word]:
    """The words that are left of a text when its end is cut off."""
    left = len("".join(text.split()))
    for word in words:
        left -= len("".join(word.text.split()))
        if left < 0:
            return
        yield word


def _moved(word: Word, by_s: float) -> Word:
    return replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s)


def _sentences(whole: Segment) -> list[Segment]:
    """A segment for each sentence, and for what follows a long pause."""
    groups: list[list[Word]] = [[]]
    for word in whole.words:
        if groups[-1] and _apart(groups[-1], word, primary(whole.language)):
            groups.append([])
        groups[-1].append(word)
    return [
        replace(
            whole,
            text="".join(word.text for word in group),
            start_s=group[0].start_s,
            end_s=group[-1].end_s,
            words=tuple(group),
        )
        for group in groups
    ]


def _apart(group: Sequence[Word], word: Word, language: str) -> bool:
    if word.start_s - group[-1].end_s >= _PAUSE_S:
        return True
    text = "".join(before.text for before in group[-3:]).strip()
    known = goes_on(text, word.text.strip(), language)
    return not known if known is not None else _ends_sentence(group[-1].text, word.text)


def _ends_sentence(text: str, follower: str) -> bool:
    """Whether a sentence ends between two words, by how they are written.

    An initial or an abbreviation ("J. Smith", "Dr. Smith") ends none.
    """
    bare = text.strip().rstrip(_CLOSERS)
    if bare[-1:] not in _ENDS or not bare:
        return False
    if bare[-1] != ".":
        return True
    begins = follower.strip().lstrip("\"'([{“‘«‹¿¡")[:1]
    stem = bare[:-1]
    short = stem.istitle() and len(stem) <= 3 and stem not in _SHORT_WORDS
    return not begins.islower() and not short and "." not in stem


_SHORT_WORDS = frozenset(("Mai", "Yes", "No", "Oh", "So", "Ok", "Go", "Hi", "Hey", "Yep", "Wow"))
