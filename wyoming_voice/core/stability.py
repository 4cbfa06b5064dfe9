"""Successive hypotheses about growing audio in, text that may be shown for good out.

A word is committed when two hypotheses in a row agree on it and on all before it (LocalAgreement-2:
Liu et al., "Low-latency sequence-to-sequence speech recognition and translation by partial hypothesis
selection", Interspeech 2020). Rule: committed text is never taken back and never said twice; it is for the
eye, the final transcript is another matter.
"""

import re

# Scripts without spaces count character by character.
_PIECE = re.compile(
    r"\s*(?:[\u2e80-\u9fff\uf900-\ufaff\uff01-\uffee]|[^\s\u2e80-\u9fff\uf900-\ufaff]+)"
)


class Stability:
    """The committed text of one utterance; chunks concatenated give it whole."""

    def __init__(self) -> None:
        self._last: list[str] = []
        self._committed: list[str] = []

    @property
    def committed(self) -> str:
        """The text that is committed."""
        return "".join(self._committed)

    @property
    def text(self) -> str:
        """The committed text, and what the last hypothesis has beyond it."""
        return "".join([*self._committed, *self._last[len(self._committed) :]])

    def push(self, hypothesis: str) -> str:
        """The text that this hypothesis commits, `""` when nothing."""
        pieces = _pieces(hypothesis)
        agreed = _common(self._last, pieces)
        self._last = pieces
        return self._commit(pieces[:agreed])

    def finish(self, final: str) -> str:
        """The rest of the final text, or `""` where it departs from what was committed."""
        return self._commit(_pieces(final))

    def _commit(self, pieces: list[str]) -> str:
        known = len(self._committed)
        if len(pieces) <= known or pieces[:known] != self._committed:
            return ""
        self._committed = pieces
        return "".join(pieces[known:])


def _pieces(text: str) -> list[str]:
    return _PIECE.findall(text.strip())


def _common(one: list[str], other: list[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
