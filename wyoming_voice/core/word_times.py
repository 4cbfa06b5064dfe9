"""When each written word is said, from what an engine tells of its audio.

Rule: an engine's marks are believed where it gives any, characters between two of them share the time
between them evenly, and without marks the whole piece is spread evenly over its characters. Words come
once, in order, and never overlap.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_voice.core.readings import Place
from wyoming_voice.core.words import TimedWord


@dataclass(frozen=True, slots=True)
class Mark:
    """The characters from `start` up to `end` of a text are said from one sample up to another."""

    start: int
    end: int
    first_sample: int
    last_sample: int


class WordTimes:
    """The words of one request, piece after piece; samples are counted from the start of its audio."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._waiting: list[Place] = []
        self._marks: list[Mark] = []
        self._open_sample: int | None = None
        self._last_sample = 0

    def begin(self, places: Sequence[Place], sample: int) -> None:
        """A piece whose audio begins at `sample` comes next."""
        self._waiting = list(places)
        self._marks = [Mark(0, 0, sample, sample)]

    def take(self, marks: Sequence[Mark]) -> tuple[TimedWord, ...]:
        """The words that end in the audio that the next marks are about."""
        self._marks += marks
        covered = self._marks[-1].end
        ready = [place for place in self._waiting if place.end <= covered]
        del self._waiting[: len(ready)]
        return self._timed(ready)

    def finish(self, sample: int) -> tuple[TimedWord, ...]:
        """The words of the piece that no mark has told of; its audio ends at `sample`."""
        if not self._waiting:
            return ()
        end = max(self._waiting[-1].end, self._marks[-1].end)
        self._marks.append(Mark(end, end, sample, sample))
        ready, self._waiting = self._waiting, []
        return self._timed(ready)

    def _timed(self, places: Sequence[Place]) -> tuple[TimedWord, ...]:
        words = []
        starts = [mark.start for mark in self._marks]
        for place in places:
            start = self._sample(place.start, bisect_right(starts, place.start) - 1)
            end = self._sample(place.end, bisect_left(starts, place.end) - 1)
            if self._open_sample is not None:
                start, self._open_sample = self._open_sample, None
            start = max(start, self._last_sample)
            if not place.ends:
                self._open_sample = start
                continue
            self._last_sample = max(start, end)
            words.append(
                TimedWord(place.text, start / self._rate_hz, self._last_sample / self._rate_hz)
            )
        return tuple(words)

    def _sample(self, char: int, at: int) -> int:
        """When a character is said that is in the mark `at`, or between it and the next."""
        mark = self._marks[max(at, 0)]
        if char <= mark.end:
            return _between(char, mark.start, mark.end, mark.first_sample, mark.last_sample)
        if at + 1 == len(self._marks):
            return mark.last_sample
        following = self._marks[at + 1]
        return _between(char, mark.end, following.start, mark.last_sample, following.first_sample)


def _between(char: int, start: int, end: int, first: int, last: int) -> int:
    return first + round((last - first) * (char - start) / (end - start)) if end > start else first
