"""PURE: what was measured with each audio context in, the shortest context that is safe out.

Rule: a context is safe when it makes no more mistakes than the full one but for a tolerance, and worth it
when it also takes clearly less time; where none is both, the choice is `full`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

FULL = "full"

TOLERANCE = 0.005
"""Half a word in a hundred: what two runs of one model over speech of two days differ by anyway."""

_WORTH = 0.9
"""The share of the full context's time over which a shorter one isn't worth any risk."""


_MOST_ERRORS = 0.5
"""Who gets more than half of the words wrong doesn't speak this language, or not with these weights."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One audio context, as `--audio-context` takes it, over the whole corpus.

    `word_error_rate` is against what was said, `changed` the share of texts that differ from the full
    context's, `median_s` the time of one decode, second tries at the full context included, of which there
    were `again`.
    """

    context: str
    word_error_rate: float
    changed: float
    median_s: float
    again: int


def tells_anything(measured: Sequence[Measured]) -> bool:
    """Whether the model understands this speech well enough to show what a shorter context spoils."""
    return _full(measured).word_error_rate <= _MOST_ERRORS


def safest(measured: Sequence[Measured], tolerance: float = TOLERANCE) -> Measured:
    """The one to use. The full context must be among them; the shorter ones stand shortest first."""
    full = _full(measured)
    if not tells_anything(measured):
        return full
    for one in measured:
        bears_it = one.word_error_rate <= full.word_error_rate + tolerance
        if bears_it and one.median_s <= _WORTH * full.median_s:
            return one
    return full


def _full(measured: Sequence[Measured]) -> Measured:
    return next(one for one in measured if one.context == FULL)
