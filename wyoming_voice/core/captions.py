"""Timed words in, subtitle cues out: decides when a cue is settled, when it begins, and how long it stays.

Rule: no word is lost, added or moved to another place; cues don't overlap and never go back in time.

The defaults are Netflix's Timed Text Style Guide: 42 characters a line, two lines, 17 characters a second,
5/6 s to 7 s, two frames (at 24 to 25 a second) between cues, and one line where one is enough; a cue ends
with a sentence where it can (BBC Subtitle Guidelines, section 3.2). A cue begins with its first word.
Reading time comes from the silence behind it; where there is none, no word is left out: this is a transcript.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_voice.core.cue_layout import CaptionSettings, Piece, cue_ends, lines_of, reading_s
from wyoming_voice.core.phrasing import PLAIN, break_cost, shown, width
from wyoming_voice.core.words import TimedWord

__all__ = ["CaptionSettings", "Captions", "Cue"]

_LEAST_S = 0.1
"""What a cue gets where the words leave no time at all: the next one begins later for it."""

_CLOSED_S = 0.5
"""A shorter gap looks like a flicker: the cue stays until the next one (Netflix: gaps of 3 to 11 frames)."""

_SILENCE_S = 1.5
"""So long a silence is never within a cue (BBC, section 4.5: a gap of 1.5 s is seen as one)."""

_AHEAD = 2.5
"""How many cues' worth of words are looked at together before the first of them is settled."""


@dataclass(frozen=True)
class Cue:
    """What is shown from `start_s` to `end_s`: its lines, and the words in them with their times."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    words: tuple[TimedWord, ...]


class Captions:
    """Words in, in the order in which they are read; the cues that are settled out.

    Times that go back, or are no numbers, count as the start before them; words without a visible letter are
    left out. A word that is wider than a line gets one of its own.
    """

    def __init__(self, settings: CaptionSettings | None = None) -> None:
        self._settings = settings or CaptionSettings()
        self._pieces: list[Piece] = []
        self._broken = False
        self._last_start_s = 0.0
        self._free_from_s = 0.0

    def push(self, word: TimedWord) -> list[Cue]:
        """The cues that this word settles: often none."""
        text = shown(word.text)
        if not text:
            return []
        piece = self._placed(word, text)
        cues: list[Cue] = []
        if self._pieces and (self._broken or self._silence_s(piece) >= _SILENCE_S):
            cues = self._all(piece.start_s)
        self._broken = False
        self._pieces.append(piece)
        while self._plenty():
            cues.append(self._first())
        return cues

    def break_(self) -> None:
        """A pause or a new passage: the words so far and those to come share no cue."""
        self._broken = True

    def finish(self) -> list[Cue]:
        """The cues of the words that are left."""
        return self._all(None)

    def _placed(self, word: TimedWord, text: str) -> Piece:
        start_s = max(_finite(word.start_s, self._last_start_s), self._last_start_s)
        self._last_start_s = start_s
        spaced = word.text[:1].isspace()
        before = "".join(
            f" {last.text}" if last.spaced else last.text for last in self._pieces[-3:]
        )
        return Piece(
            word=word,
            text=text,
            spaced=spaced,
            places=width(text),
            start_s=start_s,
            end_s=max(_finite(word.end_s, start_s), start_s),
            break_cost=break_cost(before.strip(), text, spaced=spaced) if before else PLAIN,
        )

    def _silence_s(self, piece: Piece) -> float:
        return piece.start_s - self._pieces[-1].end_s

    def _plenty(self) -> bool:
        """Whether so much waits that what comes won't change where the first cue ends."""
        if len(self._pieces) < 2:
            return False
        settings = self._settings
        places = sum(piece.spaced + piece.places for piece in self._pieces)
        spoken_s = self._pieces[-1].end_s - self._pieces[0].start_s
        room = settings.max_lines * settings.max_line_chars
        # Accents and joiners take no place, however many there are.
        most = max(places, len(self._pieces))
        return most > _AHEAD * room or spoken_s > _AHEAD * settings.max_s

    def _first(self) -> Cue:
        ends = cue_ends(self._pieces, self._settings)
        end = ends[0] if len(ends) > 1 else len(self._pieces) - 1
        pieces, self._pieces = self._pieces[:end], self._pieces[end:]
        return self._timed(pieces, self._pieces[0].start_s)

    def _all(self, next_s: float | None) -> list[Cue]:
        pieces, self._pieces = self._pieces, []
        if not pieces:
            return []
        cues, begin = [], 0
        for end in cue_ends(pieces, self._settings, next_s):
            following_s = pieces[end].start_s if end < len(pieces) else next_s
            cues.append(self._timed(pieces[begin:end], following_s))
            begin = end
        return cues

    def _timed(self, pieces: Sequence[Piece], next_s: float | None) -> Cue:
        settings = self._settings
        start_s = max(pieces[0].start_s, self._free_from_s)
        end_s = max(pieces[-1].end_s, start_s + reading_s(pieces, settings))
        if next_s is not None:
            latest_s = next_s - settings.gap_s
            end_s = latest_s if end_s > latest_s - _CLOSED_S else end_s
        end_s = max(min(end_s, start_s + settings.max_s), start_s + _LEAST_S)
        self._free_from_s = end_s + settings.gap_s
        words = tuple(piece.word for piece in pieces)
        return Cue(start_s, end_s, lines_of(pieces, settings), words)


def _finite(time_s: float, otherwise_s: float) -> float:
    return time_s if math.isfinite(time_s) else otherwise_s
