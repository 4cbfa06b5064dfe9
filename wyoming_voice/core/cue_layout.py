"""Which words share a cue, and which a line: the least cost over all the ways to part them.

Rule: a line is never wider than it may be, unless it is a single word; a cue never has more lines or lasts
longer than it may, unless it is a single word. Everything else is a matter of cost.

Both are dynamic programs over prefix sums, as in Knuth and Plass, "Breaking Paragraphs into Lines" (1981).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from wyoming_voice.core.phrasing import AFTER_SENTENCE
from wyoming_voice.core.words import TimedWord

_CUE = 1.0
_SENTENCE_WITHIN = 1.05
_PAUSE_S = 0.4
"""A silence that is heard as a pause, and better not shown within a cue."""
_PAUSE_WITHIN_PER_S = 1.5
_TOO_FAST = 3.0
_UNEVEN = 3.0
_TOP_HEAVY = 0.05
"""Costs, in the measure of `phrasing`: one more cue is 1.0."""


@dataclass(frozen=True)
class CaptionSettings:
    """How much a cue may hold, how fast it is read, how long it stays, and the gap to the next.

    Characters are places as `phrasing.width` counts them: a Chinese letter takes two.
    """

    max_line_chars: int = 42
    max_lines: int = 2
    max_cps: float = 17.0
    min_s: float = 0.83
    max_s: float = 7.0
    gap_s: float = 0.08


@dataclass(frozen=True, slots=True)
class Piece:
    """A word to be placed: as it was said, as it is shown, and what a break before it costs."""

    word: TimedWord
    text: str
    spaced: bool
    places: int
    start_s: float
    end_s: float
    break_cost: float


def reading_s(pieces: Sequence[Piece], settings: CaptionSettings) -> float:
    """How long these words want to be seen."""
    return _reading_s(sum(piece.spaced + piece.places for piece in pieces), settings)


def cue_ends(
    pieces: Sequence[Piece], settings: CaptionSettings, next_s: float | None = None
) -> list[int]:
    """Where the cues of these words end, as indices behind their last words; the last is len(pieces).

    `next_s`: when the word behind all of these begins; None where none is known.
    """
    count = len(pieces)
    starts = [piece.start_s for piece in pieces] + [float("inf") if next_s is None else next_s]
    reach = _reach(pieces)
    best = [0.0] + [float("inf")] * count
    begins = [0] * (count + 1)
    for begin in range(count):
        for end, within in _cues_from(begin, pieces, settings):
            cost = best[begin] + _CUE + within
            cost += _haste(reach[end] - reach[begin], starts[end] - starts[begin], settings)
            cost += _parted(pieces, end) if end < count else 0.0
            if cost < best[end]:
                best[end], begins[end] = cost, begin
    ends = [count]
    while begins[ends[-1]]:
        ends.append(begins[ends[-1]])
    return ends[::-1]


def lines_of(pieces: Sequence[Piece], settings: CaptionSettings) -> tuple[str, ...]:
    """The words of one cue in as few lines as they need, broken at phrases and even."""
    fewest = 1
    used = 0
    for number, piece in enumerate(pieces):
        used, fewest = _filled(piece, number, used, fewest, settings)
    cuts = [0, *_cuts(pieces, fewest, settings), len(pieces)]
    return tuple(_line(pieces[begin:end]) for begin, end in pairwise(cuts))


def _cues_from(
    begin: int, pieces: Sequence[Piece], settings: CaptionSettings
) -> Iterator[tuple[int, float]]:
    """Every end of a cue that begins here, with the cost of the sentences and pauses that it spans."""
    used, lines, within = 0, 1, 0.0
    for index in range(begin, len(pieces)):
        piece = pieces[index]
        used, lines = _filled(piece, index - begin, used, lines, settings)
        if index > begin:
            within += _spanned(pieces, index)
            too_long = piece.end_s - pieces[begin].start_s > settings.max_s
            if too_long or lines > settings.max_lines:
                return
        yield index + 1, within


def _filled(
    piece: Piece, number: int, used: int, lines: int, settings: CaptionSettings
) -> tuple[int, int]:
    """The places used in the last line, and the lines, once this word is put behind the others."""
    if number == 0:
        return piece.places, lines
    grown = used + piece.spaced + piece.places
    if grown <= settings.max_line_chars:
        return grown, lines
    return piece.places, lines + 1


def _pause_s(pieces: Sequence[Piece], index: int) -> float:
    return max(pieces[index].start_s - pieces[index - 1].end_s, 0.0)


def _spanned(pieces: Sequence[Piece], index: int) -> float:
    """What it costs that one cue holds the words on both sides."""
    pause_s = _pause_s(pieces, index)
    cost = pause_s * _PAUSE_WITHIN_PER_S if pause_s >= _PAUSE_S else 0.0
    return cost + (_SENTENCE_WITHIN if pieces[index].break_cost == AFTER_SENTENCE else 0.0)


def _parted(pieces: Sequence[Piece], index: int) -> float:
    """What it costs that a cue ends before this word: less at a pause, where the speaker parted them."""
    heard = min(_pause_s(pieces, index) / (2 * _PAUSE_S), 1.0)
    return pieces[index].break_cost * (1.0 - 0.7 * heard)


def _haste(places: int, until_next_s: float, settings: CaptionSettings) -> float:
    """What it costs that words of so many places can't be read in time."""
    room_s = min(until_next_s - settings.gap_s, settings.max_s)
    wanted_s = _reading_s(places, settings)
    return _TOO_FAST * (1.0 - max(room_s, 0.0) / wanted_s) if room_s < wanted_s else 0.0


def _cuts(pieces: Sequence[Piece], lines: int, settings: CaptionSettings) -> list[int]:
    """Where the second and each further line begins."""
    if lines == 1:
        return []
    count = len(pieces)
    reach = _reach(pieces)
    mean = reach[count] / lines

    def cost_of(begin: int, end: int) -> float:
        places = reach[end] - reach[begin] - pieces[begin].spaced
        if places > settings.max_line_chars and end - begin > 1:
            return float("inf")
        uneven = _UNEVEN * ((places - mean) / settings.max_line_chars) ** 2
        top_heavy = _TOP_HEAVY if begin == 0 and places > mean else 0.0
        return uneven + top_heavy + (pieces[begin].break_cost if begin else 0.0)

    best = [0.0] + [float("inf")] * count
    paths: list[tuple[int, ...]] = [()] * (count + 1)
    for _ in range(lines):
        costs = [float("inf")] * (count + 1)
        ways: list[tuple[int, ...]] = [()] * (count + 1)
        for end in range(1, count + 1):
            for begin in range(end):
                cost = best[begin] + cost_of(begin, end)
                if cost < costs[end]:
                    costs[end], ways[end] = cost, (*paths[begin], begin)
        best, paths = costs, ways
    return list(paths[count][1:])


def _line(pieces: Sequence[Piece]) -> str:
    words = [(" " if piece.spaced else "") + piece.text for piece in pieces]
    return "".join(words).lstrip(" ")


def _reach(pieces: Sequence[Piece]) -> list[int]:
    """The places before each piece, and of all."""
    return [0, *accumulate(piece.spaced + piece.places for piece in pieces)]


def _reading_s(places: int, settings: CaptionSettings) -> float:
    return max(settings.min_s, places / settings.max_cps)
