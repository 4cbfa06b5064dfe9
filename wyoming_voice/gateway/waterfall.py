"""PURE: where the time of a turn went, from the last sample of speech on.

Rule: stages follow one another in order of time, each from the end of the one before; an answer that was
begun on a guess is a stage of its own beside them, which ends when the guess came true.
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
        self._ends_ms: dict[str, int] = {}
        self._aside: list[Stage] = []

    @property
    def stages(self) -> list[Stage]:
        """All so far, by their beginnings."""
        stages, reached_ms = [*self._aside], 0
        for name, end_ms in sorted(self._ends_ms.items(), key=lambda stage: stage[1]):
            stages.append(Stage(name, reached_ms, max(reached_ms, end_ms)))
            reached_ms = stages[-1].end_ms
        return sorted(stages, key=lambda stage: (stage.start_ms, stage.end_ms))

    def reached(self, name: str, at_s: float) -> None:
        """A stage is over, or will be; only the first time counts."""
        self._ends_ms.setdefault(name, self._ms(at_s))

    def ahead(self, by_ms: int, at_s: float) -> None:
        """The answer that was begun so long ago is the one."""
        end_ms = self._ms(at_s)
        self._aside.append(Stage(AHEAD, end_ms - by_ms, end_ms))

    def _ms(self, at_s: float) -> int:
        return round(1000 * (at_s - self._zero_s))
