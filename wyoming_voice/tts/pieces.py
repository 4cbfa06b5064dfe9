"""PURE: a request's text in, pieces for the engine out, each with what its end means for the voice.

Rule: text goes through once: made speakable, cut by the sentence splitter, and a line's end is kept as
a rest even where it carries no punctuation. A piece knows its words as they were written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from wyoming_voice.core.readings import Place, Places, Reach, Reading
from wyoming_voice.core.sentences import SentenceSettings, SentenceSplitter
from wyoming_voice.core.speakable import Speakable

_ENDS = frozenset(".!?…。！？｡؟।॥")
_CLOSERS = "\"')]}”’»›」』）》】〕〉 \t\n"
_SHOWN_LINE_END = "."

_FIRST_WHOLE_CHARS = 30
"""A first sentence up to this length, two seconds of speech, is spoken in one go however slow the
engine is: what cutting it gains before its first word is lost in a gap between two of its words."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text to be spoken in one go; `ends_sentence` is False for a clause with more to come.

    `chars` of the request's text have been said at the end of it.
    """

    text: str
    ends_sentence: bool
    words: tuple[Place, ...] = field(default=(), compare=False)
    chars: int = field(default=0, compare=False)

    @property
    def ending(self) -> str:
        """What the pause after it is chosen by: its text, with a full stop where a line ended."""
        if self.ends_sentence and not _ends_with_stop(self.text):
            return self.text + _SHOWN_LINE_END
        return self.text


class Pieces:
    """Text in one language, in deltas that may break anywhere, cut into pieces."""

    def __init__(self, language: str) -> None:
        self._speakable = Speakable(language)
        self._places = Places()
        self._reach = Reach()
        self._splitter = SentenceSplitter(
            SentenceSettings(language=language, first_whole_chars=_FIRST_WHOLE_CHARS)
        )
        self._last = ""

    @property
    def limit_chars(self) -> int:
        """The longest piece that may come next; see `SentenceSplitter.limit_chars`."""
        return self._splitter.limit_chars

    @limit_chars.setter
    def limit_chars(self, chars: int) -> None:
        self._splitter.limit_chars = chars

    @property
    def first_limit_chars(self) -> int:
        """The longest first piece; see `SentenceSplitter.first_limit_chars`."""
        return self._splitter.first_limit_chars

    @first_limit_chars.setter
    def first_limit_chars(self, chars: int) -> None:
        self._splitter.first_limit_chars = chars

    @property
    def held(self) -> str:
        """The text that no piece holds yet, as far as it has been made speakable."""
        return self._splitter.held

    @property
    def may_hold_sentence(self) -> bool:
        """Whether what came last would end a sentence or a line if nothing followed."""
        return self._last == "\n" or self._last in _ENDS

    def add(self, delta: str) -> list[Piece]:
        """The pieces that this text completes."""
        self._last = delta.strip(" \t\r\"')]*_")[-1:] or self._last
        return self._read(self._speakable.add(delta))

    def break_off(self) -> list[Piece]:
        """The piece that waits for a next word, which is not in sight."""
        pieces = [*self._read(self._speakable.end_line()), *self._cut("\n")]
        self._last = ""
        return pieces

    def finish(self) -> list[Piece]:
        """What is left; with the last of it all of the text has been said."""
        chars = self._speakable.chars
        pieces = self._read(self._speakable.finish())
        pieces += [self._piece(text, True) for text in self._splitter.finish()]
        return [*pieces[:-1], *(replace(last, chars=chars) for last in pieces[-1:])]

    def _read(self, readings: Sequence[Reading]) -> list[Piece]:
        """One by one: which words a piece has must not depend on how the text came."""
        pieces: list[Piece] = []
        for reading in readings:
            self._places.add(reading.words)
            self._reach.add(reading)
            pieces += self._cut(reading.spoken)
        return pieces

    def _cut(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        for line in text.splitlines(keepends=True):
            *texts, last = self._splitter.add(line) or [""]
            pieces += [self._piece(text, _ends_with_stop(text)) for text in texts]
            if last:
                pieces.append(self._piece(last, line.endswith("\n") or _ends_with_stop(last)))
        return pieces

    def _piece(self, text: str, ends_sentence: bool) -> Piece:
        return Piece(text, ends_sentence, self._places.take(text), self._reach.take(text))


def _ends_with_stop(text: str) -> bool:
    return text.rstrip(_CLOSERS)[-1:] in _ENDS
