"""How many threads one decode gets, and how many decodes run side by side: by a measurement at load.

Rule: one request's time comes first. It gets as few threads as lose less than a tenth of its time against
the best number of them; what cores remain become workers. The measurement is bounded: where loading the
model once more would take it past BUDGET_S, what is known by then decides.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

M = TypeVar("M")

BUDGET_S = 4.0
LOSS = 1.1
"""A request may take this much longer than at the best number of threads."""

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
    start_s = clock()
    split = wanted.unmeasured
    model: M | None = load(split)
    assert model is not None
    if not wanted.measurable:
        return Loaded(model, split, {})
    times_s = {split.threads: probe(model)}
    longest_s = clock() - start_s
    for threads in _others(split.threads, wanted.most_threads):
        # One more, and perhaps a return to the best.
        if clock() - start_s + 2 * longest_s > BUDGET_S:
            break
        if _beyond_the_best(threads, times_s):
            continue
        model = None  # frees its memory before the next one takes its own
        begun_s = clock()
        split = wanted.split(threads)
        model = load(split)
        times_s[threads] = probe(model)
        longest_s = max(longest_s, clock() - begun_s)
    best = wanted.split(fewest_threads(times_s))
    if best != split:
        model = None
        model = load(best)
    return Loaded(model, best, times_s)


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
