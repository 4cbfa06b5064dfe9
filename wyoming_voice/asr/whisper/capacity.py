"""How many threads one decode gets, and how many decodes run side by side: by a measurement at load.

Rules: one request's time comes first. It gets as few threads as lose less than a tenth of its time against
the best number of them; what cores remain become workers. Whoever else uses the machine only ever makes a
request slower: so the usual number is given up only after a second look at it. The measurement is bounded:
where loading the model once more would take it past BUDGET_S, what is known by then decides, and the usual
number stands where nothing is much faster.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

M = TypeVar("M")

BUDGET_S = 4.0
LOSS = 1.1
"""A request may take this much longer than at the best number of threads."""

_MUCH = 1.25
"""More than what one look differs from another, as a rule."""

_MOST_THREADS = 16
_USUAL_THREADS = 4
"""CTranslate2's own number, where it isn't told one."""


@dataclass(frozen=True, slots=True)
class Split:
    """`workers` decodes at a time, of `threads` threads each."""

    threads: int
    workers: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings say; 0 leaves it to us."""

    threads: int
    workers: int
    cores: int

    @property
    def measurable(self) -> bool:
        """Whether there is anything to choose."""
        return self.threads == 0 and self.most_threads > 1

    @property
    def most_threads(self) -> int:
        """What one of the workers can have."""
        return max(1, min(_MOST_THREADS, self.cores // max(1, self.workers)))

    def split(self, threads: int) -> Split:
        """The workers that go with so many threads."""
        return Split(threads, self.workers or max(1, self.cores // threads))

    @property
    def unmeasured(self) -> Split:
        """What is taken where nothing is measured."""
        return self.split(self.threads or min(_USUAL_THREADS, self.most_threads))


@dataclass(frozen=True)
class Loaded(Generic[M]):
    """A model, how it works, and the seconds that a request took by its number of threads."""

    model: M
    split: Split
    times_s: Mapping[int, float]

    def told(self) -> str:
        """For the log: what was chosen, and the figures that it was chosen by."""
        split, times_s = self.split, self.times_s
        figures = ", ".join(
            f"{threads} threads {1000 * times_s[threads]:.0f} ms" for threads in sorted(times_s)
        )
        return f"{split.workers} workers of {split.threads} threads ({figures or 'not measured'})"


def fewest_threads(times_s: Mapping[int, float]) -> int:
    """The least number of threads whose time is within LOSS of the best."""
    best_s = min(times_s.values())
    return min(threads for threads, time_s in times_s.items() if time_s <= LOSS * best_s)


def loaded(
    wanted: Wanted,
    load: Callable[[Split], M],
    probe: Callable[[M], float],
    clock: Callable[[], float] = time.monotonic,
) -> Loaded[M]:
    """The model, loaded for the best split. `probe` returns the seconds of a request.

    CTranslate2 fixes its threads when it loads, so each number of them is a load of its own, one after
    another: two models are never held at once.
    """
    usual = wanted.unmeasured
    if not wanted.measurable:
        return Loaded(load(usual), usual, {})
    trials = _Trials(wanted, load, probe, clock)
    trials.look_at(usual.threads)
    for threads in _others(usual.threads, wanted.most_threads):
        if not trials.affordable:
            break
        if not _beyond_the_best(threads, trials.times_s):
            trials.look_at(threads)
    best = wanted.split(trials.best_threads(usual.threads))
    return Loaded(trials.model_of(best), best, trials.times_s)


class _Trials(Generic[M]):
    """Loads of one model, each for another split; the best time of each number of threads."""

    def __init__(
        self,
        wanted: Wanted,
        load: Callable[[Split], M],
        probe: Callable[[M], float],
        clock: Callable[[], float],
    ) -> None:
        self.times_s: dict[int, float] = {}
        self._wanted = wanted
        self._load = load
        self._probe = probe
        self._clock = clock
        self._start_s = clock()
        self._longest_s = 0.0
        self._split: Split | None = None
        self._model: M | None = None

    @property
    def affordable(self) -> bool:
        """Whether there is time for one more, and perhaps for a return to the best."""
        return self._clock() - self._start_s + 2 * self._longest_s <= BUDGET_S

    def look_at(self, threads: int) -> None:
        """Load the model with so many threads, and see what a request takes."""
        begun_s = self._clock()
        time_s = self._probe(self.model_of(self._wanted.split(threads)))
        self.times_s[threads] = min(time_s, self.times_s.get(threads, time_s))
        self._longest_s = max(self._longest_s, self._clock() - begun_s)

    def best_threads(self, usual: int) -> int:
        """What the times say; `usual` again where they say it by one look alone, and not clearly."""
        times_s, fewest = self.times_s, fewest_threads(self.times_s)
        if fewest == usual:
            return usual
        if self.affordable:
            self.look_at(usual)
            return fewest_threads(times_s)
        return fewest if times_s[usual] > _MUCH * times_s[fewest] else usual

    def model_of(self, split: Split) -> M:
        """The model, loaded for this split."""
        if self._model is None or split != self._split:
            self._model = None  # frees its memory before the next one takes its own
            self._model, self._split = self._load(split), split
        return self._model


def _others(first: int, most: int) -> list[int]:
    """More threads than `first`, doubled each time, then fewer, halved."""
    more = [first * 2**n for n in range(1, 6) if first * 2**n < most]
    fewer = [first // 2**n for n in range(1, 6) if first // 2**n]
    return [*more, *([most] if most > first else []), *fewer]


def _beyond_the_best(threads: int, times_s: Mapping[int, float]) -> bool:
    """Whether a number between it and the best one already loses too much: on this side all do."""
    best = min(times_s, key=lambda known: times_s[known])
    low, high = sorted((threads, best))
    return any(
        low <= known <= high and time_s > LOSS * times_s[best] for known, time_s in times_s.items()
    )
