"""One score a frame, of which the first may be forgotten: the others keep their numbers.

Rule: who forgets frames has no more use for them; asking for one of them is a bug, and an IndexError.
"""

from collections.abc import Iterable, Sequence
from typing import overload


class Scores(Sequence[float]):
    """How much each frame sounds like speech, by its number."""

    def __init__(self, scores: Iterable[float] = ()) -> None:
        self._kept = [*scores]
        self._forgotten = 0

    def __len__(self) -> int:
        """How many there were, forgotten ones too."""
        return self._forgotten + len(self._kept)

    @overload
    def __getitem__(self, number: int) -> float: ...

    @overload
    def __getitem__(self, number: slice) -> list[float]: ...

    def __getitem__(self, number: int | slice) -> float | list[float]:
        """The score of a frame, or those of a slice in steps of one."""
        if isinstance(number, slice):
            first, last, _ = number.indices(len(self))
            return self._kept[self._index(first) : max(first, last) - self._forgotten]
        return self._kept[self._index(number if number >= 0 else len(self) + number)]

    def __eq__(self, other: object) -> bool:
        """Whether all the scores are these."""
        return isinstance(other, Sequence) and not self._forgotten and self._kept == [*other]

    __hash__ = None  # type: ignore[assignment]

    def append(self, score: float) -> None:
        """The next frame's."""
        self._kept.append(score)

    def forget(self, before: int) -> None:
        """Let go of the frames before this one."""
        if before > self._forgotten:
            del self._kept[: before - self._forgotten]
            self._forgotten = before

    def _index(self, number: int) -> int:
        if number < self._forgotten:
            raise IndexError(f"frame {number} is forgotten, with all before {self._forgotten}")
        return number - self._forgotten
