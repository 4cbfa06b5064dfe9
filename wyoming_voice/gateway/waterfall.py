"""PURE: where the time of a turn went, from the last sample of speech on.

Rule: stages follow one another, each from the end of the one before; an answer that was begun on a guess
is a stage of its own beside them, which ends when the guess came true.
"""

from dataclasses import dataclass

NOTICED = "end of speech noticed"
TRANSCRIPT = "transcript"
AHEAD = "answer begun on a guess"
FIRST_WORDS = "first words"
FIRST_SENTENCE = "first sentence"
FIRST_AUDIO = "first audio"


@dataclass(frozen=True)
class Stage:
    """A stretch of time, in milliseconds after the end of speech."""

    name: str
    start_ms: int
    end_ms: int


class Waterfall:
    """The stages of one turn, whose speech ended at `zero_s` on any clock that doesn't run backwards."""

    def __init__(self, zero_s: float) -> None:
        self._zero_s = zero_s
        self._stages: list[Stage] = []
        self._aside: list[Stage] = []
        self._reached_ms = 0

    @property
    def stages(self) -> list[Stage]:
        """All so far, by their beginnings."""
        return sorted(
            (*self._stages, *self._aside), key=lambda stage: (stage.start_ms, stage.end_ms)
        )

    def reached(self, name: str, at_s: float) -> None:
        """A stage is over; only the first time counts."""
        if any(stage.name == name for stage in self._stages):
            return
        end_ms = max(self._reached_ms, self._ms(at_s))
        self._stages.append(Stage(name, self._reached_ms, end_ms))
        self._reached_ms = end_ms

    def ahead(self, by_ms: int, at_s: float) -> None:
        """The answer that was begun so long ago is the one."""
        end_ms = self._ms(at_s)
        self._aside.append(Stage(AHEAD, end_ms - by_ms, end_ms))

    def _ms(self, at_s: float) -> int:
        return round(1000 * (at_s - self._zero_s))
