"""What a pause looks like to all who look at it, taken together.

Rule: the last opinion of each counts; where they differ, whoever thinks that more is to come has it, and who
doesn't know says nothing.
"""

from enum import Enum, auto

from wyoming_voice.core.completeness import Completeness

_FIRST = (Completeness.OPEN, Completeness.COMPLETE, Completeness.UNKNOWN)


class Witness(Enum):
    """Who has an opinion of what was said before a pause."""

    WORDS = auto()
    SOUND = auto()


class Opinions:
    """Opinions of one pause in, what follows from them out."""

    def __init__(self) -> None:
        self._held: dict[Witness, Completeness] = {}

    def add(self, witness: Witness, completeness: Completeness) -> Completeness:
        """What all opinions come to with this one, in the place of any that the witness had before."""
        self._held[witness] = completeness
        return next(opinion for opinion in _FIRST if opinion in self._held.values())

    def clear(self) -> None:
        """Speech has gone on."""
        self._held.clear()
