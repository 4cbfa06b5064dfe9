"""Text deltas in, pieces to be spoken out: the first clause early, whole sentences after it.

Decides where running text may be cut for speech. The rule it keeps: characters are taken one at a
time and a cut depends only on what stands before the newest one, so any split of the same text
into deltas gives the same pieces. Work per character is bounded by `max_chars`.

Whether a full stop ends a sentence is asked of `sentencex` (Wikimedia; abbreviation lists for some
300 languages, 3 microseconds a question). `sentence_stream`, the other candidate, holds every
sentence that ends in a short capitalised word ("Yes.", "OK.", "It was Bob.") until the one after
it, cuts behind "e.g." and "Prof.", and wants a capital after the stop. `full_stops` is asked before it:
ordinals and the abbreviations that it lacks. What `sentencex` leaves open is settled here: closing
brackets and quotes, ellipses, list numbers, lengths, first clauses.
"""

import re
import unicodedata
from dataclasses import dataclass

from sentencex import segment

from wyoming_voice.core.full_stops import goes_on, is_number, waits
from wyoming_voice.core.own_languages import primary

_ENDERS = ".!?…؟।॥"
_WIDE_ENDERS = "。！？｡"
_WIDE_CLAUSES = "，、；："
_ALL_ENDERS = frozenset(_ENDERS + _WIDE_ENDERS)
_CLOSERS = "\"')]}”’»›」』）》】〕〉"
_CLAUSES = ",;:—–،؛"
_NUMBER_ONLY = re.compile(r"[(\[]?[0-9]{1,3}[.)]+")
_SPACED_CUT = frozenset(_ENDERS + _CLAUSES + _CLOSERS)
_SHORT_FORMS = frozenset(
    ("approx.", "ca.", "dept.", "est.", "fig.", "incl.", "max.", "min.", "mt.", "nos.", "pp.")
) | {"prof.", "st.", "vol.", "vs."}
_CONJUNCTIONS = {
    "de": "aber denn oder sondern und weil wenn während obwohl",
    "en": "although and because but if or since so though unless until when whereas which while",
    "es": "aunque cuando mientras o pero porque si y",
    "fr": "car et lorsque mais ou parce puisque quand si",
    "it": "e ma mentre o perché quando se",
    "nl": "als en maar of omdat terwijl toen want",
    "pt": "e embora enquanto mas ou porque quando se",
}


@dataclass(frozen=True, slots=True)
class SentenceSettings:
    """What a piece may be; `language` is a BCP-47 tag, "": not known; lengths are in characters.

    A first sentence of up to `first_whole_chars` is whole whatever `first_limit_chars` says.
    """

    language: str = "en"
    first_clause_min_chars: int = 14
    first_clause_min_words: int = 3
    first_whole_chars: int = 0
    max_chars: int = 250

    def __post_init__(self) -> None:
        if not 1 <= self.first_clause_min_chars <= self.max_chars:
            raise ValueError(
                f"first_clause_min_chars {self.first_clause_min_chars} must lie between 1 and "
                f"max_chars {self.max_chars}"
            )


def next_piece_chars(spoken_ms: float, chars_per_second: float, rtf: float) -> int:
    """Return how many characters the next piece may have so that playback never gaps.

    The next piece must be made (its duration times `rtf`, work over audio) before the `spoken_ms`
    of audio in hand are played, so its duration may be at most `spoken_ms / rtf`.

    Raises ValueError when the speed or the RTF is not above zero.
    """
    if chars_per_second <= 0 or rtf <= 0:
        raise ValueError(
            f"chars_per_second {chars_per_second} and rtf {rtf} must both be above zero; "
            "measure them on the first piece"
        )
    return max(0, int(spoken_ms / 1000 / rtf * chars_per_second))


def first_sentence(text: str, language: str) -> tuple[str, bool]:
    """The sentence that `text` begins with, and whether its end has come; a line's end is one.

    `language` is a BCP-47 tag. For what has to be known before a splitter may cut: how long it will be.
    """
    line, newline, _ = text.lstrip().partition("\n")
    stated = primary(language)
    first, *others = _segments(stated, line) if line else [""]
    while others and goes_on(first.rstrip(), (others[0].split() or [""])[0], stated):
        first += others.pop(0)
    first = first.strip()
    return first, bool(newline) or bool(others) or first.rstrip(_CLOSERS)[-1:] in _ALL_ENDERS


class SentenceSplitter:
    """Cut streamed text into pieces; each letter and digit comes out once and in order.

    Pieces are stripped of white space; one without a letter or digit is dropped. Use one splitter
    per answer: only its first piece may be a clause.
    """

    def __init__(self, settings: SentenceSettings | None = None) -> None:
        self._settings = settings or SentenceSettings()
        self._stated = primary(self._settings.language)
        self._language = self._stated or "en"
        self._conjunctions = frozenset(_CONJUNCTIONS.get(self._language, "").split())
        self._limit = self._first_limit = self._settings.max_chars
        self._first = True
        self._buffer = ""
        # Where the word begins whose whole tells whether "U.S." or "22." before it ended a sentence.
        self._doubt: int | None = None

    @property
    def held(self) -> str:
        """The text that no piece holds yet."""
        return self._buffer

    @property
    def limit_chars(self) -> int:
        """Longest piece from the next `add` on; kept between first_clause_min_chars and max_chars.

        Set it to `next_piece_chars(...)` after each piece. Pieces then depend on when it was set;
        with the limit left alone they depend on the text only.
        """
        return self._limit

    @limit_chars.setter
    def limit_chars(self, chars: int) -> None:
        self._limit = self._bounded(chars)

    @property
    def first_limit_chars(self) -> int:
        """Longest first piece where `limit_chars` allows more; set it before the text, likewise."""
        return self._first_limit

    @first_limit_chars.setter
    def first_limit_chars(self, chars: int) -> None:
        self._first_limit = self._bounded(chars)

    def add(self, delta: str) -> list[str]:
        """Take the next characters and return the pieces that they completed."""
        pieces: list[str] = []
        for char in delta:
            self._take(char, pieces)
        self._shorten(pieces)
        return pieces

    def finish(self) -> list[str]:
        """Return what is left and start afresh."""
        pieces: list[str] = []
        if self._doubt is not None and is_number(self._buffer[: self._doubt].rstrip()):
            self._settle(self._doubt, pieces)
        self._shorten(pieces)
        self._cut(len(self._buffer), pieces)
        self._first = True
        self._buffer = ""
        return pieces

    def _take(self, char: str, pieces: list[str]) -> None:
        if self._doubt is not None and not char.isalnum():
            self._settle(self._doubt, pieces)
        if char in "\n\r\u2028\u2029":
            self._cut(len(self._buffer), pieces)
            return
        if char.isspace():
            self._before_space(pieces)
            # Runs of white space would otherwise fill the buffer without end.
            if self._buffer and not self._buffer[-1].isspace():
                self._buffer += char
        elif self._buffer:
            self._before_char(char, pieces)
            self._buffer += char
        else:
            self._buffer = char
        if len(self._buffer) > self._next_limit:
            self._shorten(pieces)

    def _before_space(self, pieces: list[str]) -> None:
        """Cut the first clause before a conjunction that the space has just completed."""
        if not self._first or not self._conjunctions:
            return
        head, _, word = self._buffer.rpartition(" ")
        if word.lower() in self._conjunctions and self._is_clause(head):
            self._cut(len(head), pieces)

    def _before_char(self, char: str, pieces: list[str]) -> None:
        last = self._buffer[-1]
        if last.isspace():
            text = self._buffer.rstrip()
            if text and text[-1] in _SPACED_CUT:
                self._after_stop(text, char, pieces)
            return
        if char in _WIDE_ENDERS + _WIDE_CLAUSES + _CLOSERS + _ENDERS:
            return
        bare = self._buffer.rstrip(_CLOSERS)
        if not bare:
            return
        ends = bare[-1] in _WIDE_ENDERS or (bare[-1] in "!?…" and _is_wide(char))
        clause = self._first and bare[-1] in _WIDE_CLAUSES and self._is_clause(bare)
        if ends or clause:
            self._cut(len(self._buffer), pieces)

    def _after_stop(self, text: str, follower: str, pieces: list[str]) -> None:
        bare = text.rstrip(_CLOSERS)
        if not bare:
            return
        ends = bare[-1] in _ENDERS and self._ends_sentence(bare, text, follower)
        if ends or (self._first and bare[-1] in _CLAUSES and self._is_clause(bare)):
            self._cut(len(self._buffer), pieces)

    def _ends_sentence(self, bare: str, text: str, follower: str) -> bool:
        """Decide from the first letter of the next word, or note the doubt until it is whole."""
        if len(bare) < len(text) and follower.islower():
            return False  # "Really?" she asked.
        last_word = bare.rpartition(" ")[2].lower()
        if last_word == "no.":
            return not follower.isdigit()
        if _NUMBER_ONLY.fullmatch(bare) or last_word in _SHORT_FORMS:
            return False
        if follower.isupper() and waits(bare, self._stated):
            self._doubt = len(self._buffer)
            return False
        known = goes_on(bare, follower, self._stated)
        if known is not None:
            return not known
        if self._language != "en" and len(last_word) == 2 and bare[-2].isupper():
            return False  # "M. Dupont"; only the English list tells an initial from "I".
        # A lone letter would look like an initial, an opening bracket like no sentence at all.
        stand_in = follower if follower.isdigit() else f"{follower}xx"
        if self._is_border(bare, stand_in if follower.isalnum() else "Axx"):
            return True
        if follower.isupper():
            self._doubt = len(self._buffer)
        return False

    def _settle(self, doubt: int, pieces: list[str]) -> None:
        """Cut before the word that is whole now if sentences often begin with it."""
        self._doubt = None
        bare = self._buffer[:doubt].rstrip().rstrip(_CLOSERS)
        word = self._buffer[doubt:]
        known = goes_on(bare, word, self._stated)
        if not known if known is not None else self._is_border(bare, word):
            self._cut(doubt, pieces)

    def _is_border(self, bare: str, word: str) -> bool:
        return _segments(self._language, f"{bare.replace('…', '...')} {word}")[-1] == _legible(word)

    def _is_clause(self, text: str) -> bool:
        settings = self._settings
        if len(text.strip()) < settings.first_clause_min_chars:
            return False
        enough = len(text.split()) >= settings.first_clause_min_words
        return enough or any(map(_is_wide, text[: settings.first_clause_min_chars]))

    @property
    def _next_limit(self) -> int:
        return min(self._limit, self._first_limit) if self._first else self._limit

    def _bounded(self, chars: int) -> int:
        return min(max(chars, self._settings.first_clause_min_chars), self._settings.max_chars)

    def _shorten(self, pieces: list[str]) -> None:
        while (limit := self._next_limit) < (length := len(self._buffer.rstrip())):
            if self._first and length <= self._settings.first_whole_chars:
                return
            self._cut(self._best_cut(limit), pieces)

    def _best_cut(self, limit: int) -> int:
        """Return where to cut: last clause border in the later two thirds, space, anywhere."""
        window = self._buffer[: limit + 1]
        lowest = limit // 3
        for at in range(limit, lowest, -1):
            before = window[at - 1]
            if before in _WIDE_CLAUSES or (before in _CLAUSES and window[at].isspace()):
                return at
        space = max(window.rfind(" "), window.rfind("\t"))
        if space > 0:
            return space
        at = limit
        while at > lowest and unicodedata.combining(window[at]):
            at -= 1
        return at if at > lowest else limit

    def _cut(self, at: int, pieces: list[str]) -> None:
        piece = self._buffer[:at].strip()
        self._buffer = self._buffer[at:].lstrip()
        self._doubt = None
        if not any(map(str.isalnum, piece)):
            return
        pieces.append(piece)
        self._first = False


def _segments(language: str, text: str) -> list[str]:
    sentences: list[str] = segment(language, _legible(text))
    return sentences


def _legible(text: str) -> str:
    """`text` as `sentencex` can take it: with "?" for half a surrogate pair, which JSON may hold."""
    return text.encode(errors="replace").decode()


def _is_wide(char: str) -> bool:
    """Return whether `char` belongs to a script that is written without spaces between words."""
    return (
        "\u2e80" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" or "\u0e00" <= char <= "\u0eff"
    )
