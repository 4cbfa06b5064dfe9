"""Threads and workers, by what a request took."""

from dataclasses import dataclass, field

import pytest

from wyoming_voice.asr.whisper.capacity import BUDGET_S, Split, Wanted, fewest_threads, loaded


@pytest.mark.parametrize(
    ("times_s", "threads"),
    [
        ({1: 1.0}, 1),
        ({1: 1.0, 2: 0.95}, 1),
        ({1: 1.0, 2: 0.6}, 2),
        ({1: 1.0, 2: 0.6, 4: 0.55}, 2),
        ({1: 1.0, 2: 0.6, 4: 0.4, 8: 0.7}, 4),
        ({2: 0.6, 4: 0.6, 8: 0.6}, 2),
    ],
)
def test_as_few_threads_as_lose_little(times_s: dict[int, float], threads: int) -> None:
    assert fewest_threads(times_s) == threads


@dataclass
class Machine:
    """Loads and probes models, which takes as long as a test says; time passes by this alone."""

    request_s: dict[int, float]
    load_s: float = 0.1
    now_s: float = 0.0
    slow_looks: int = 0
    loads: list[Split] = field(default_factory=list)

    def load(self, split: Split) -> Split:
        self.loads.append(split)
        self.now_s += self.load_s
        return split

    def probe(self, model: Split) -> float:
        slow = 1.8 if len(self.loads) <= self.slow_looks else 1.0
        self.now_s += 2 * slow * self.request_s[model.threads]
        return slow * self.request_s[model.threads]

    def choose(self, threads: int = 0, workers: int = 0, cores: int = 8) -> Split:
        found = loaded(Wanted(threads, workers, cores), self.load, self.probe, lambda: self.now_s)
        assert found.model == found.split == self.loads[-1]
        return found.split


def scaling(*times_ms: float) -> dict[int, float]:
    return {2**n: time_ms / 1000 for n, time_ms in enumerate(times_ms)}


@pytest.mark.parametrize(
    ("times_ms", "split"),
    [
        ((100, 98, 97, 96), Split(1, 8)),
        ((100, 60, 58, 57), Split(2, 4)),
        ((100, 60, 40, 39), Split(4, 2)),
        ((100, 60, 40, 25), Split(8, 1)),
    ],
)
def test_the_cores_that_a_request_does_not_need_become_workers(
    times_ms: tuple[float, ...], split: Split
) -> None:
    assert Machine(scaling(*times_ms)).choose() == split


def test_cores_that_are_no_power_of_two_are_tried_too() -> None:
    machine = Machine({1: 0.1, 2: 0.08, 4: 0.06, 6: 0.04})
    assert machine.choose(cores=6) == Split(6, 1)


def test_what_cannot_be_better_is_not_loaded() -> None:
    machine = Machine(scaling(100, 60, 40, 25))
    machine.choose()
    assert Split(2, 4) not in machine.loads
    assert Split(1, 8) not in machine.loads


def test_the_usual_threads_are_given_up_after_a_second_look() -> None:
    """Somebody else used the machine at the first."""
    machine = Machine({1: 0.1, 2: 0.06}, slow_looks=1)
    assert machine.choose(cores=2) == Split(2, 1)
    assert machine.loads == [Split(2, 1), Split(1, 2), Split(2, 1)]
    assert Machine({1: 0.1, 2: 0.098}).choose(cores=2) == Split(1, 2)


@pytest.mark.parametrize(
    ("time_s", "loads"),
    [(0.37, [Split(4, 2), Split(8, 1), Split(4, 2)]), (0.2, [Split(4, 2), Split(8, 1)])],
)
def test_without_time_for_one_they_are_given_up_for_much_alone(
    time_s: float, loads: list[Split]
) -> None:
    machine = Machine({4: 0.45, 8: time_s}, load_s=0.4)
    assert machine.choose() == loads[-1]
    assert machine.loads == loads


@pytest.mark.parametrize(
    ("threads", "workers", "cores", "split"),
    [
        (3, 0, 8, Split(3, 2)),
        (3, 5, 8, Split(3, 5)),
        (16, 0, 8, Split(16, 1)),
        (0, 0, 1, Split(1, 1)),
        (0, 8, 8, Split(1, 8)),
        (0, 20, 8, Split(1, 20)),
    ],
)
def test_what_leaves_no_choice_is_not_measured(
    threads: int, workers: int, cores: int, split: Split
) -> None:
    machine = Machine({})
    assert machine.choose(threads, workers, cores) == split
    assert machine.loads == [split]


def test_nobody_gets_more_threads_than_help() -> None:
    machine = Machine(scaling(100, 60, 40, 25, 20))
    assert machine.choose(cores=64) == Split(16, 4)


def test_threads_are_chosen_for_the_workers_that_are_asked_for() -> None:
    assert Machine(scaling(100, 60, 40, 25)).choose(workers=4) == Split(2, 4)


@pytest.mark.parametrize("load_s", [0.3, 1.0, 3.0, 60.0])
def test_the_measurement_is_bounded(load_s: float) -> None:
    machine = Machine(scaling(100, 60, 58, 57), load_s)
    machine.choose()
    assert machine.now_s <= max(BUDGET_S, load_s + 1.0)


def test_a_model_that_is_too_large_gets_the_usual_threads() -> None:
    machine = Machine({4: 5.0}, load_s=10)
    assert machine.choose(cores=16) == Split(4, 4)
    assert len(machine.loads) == 1


def test_the_figures_are_told() -> None:
    machine = Machine(scaling(100, 60, 58, 57))
    found = loaded(Wanted(0, 0, 8), machine.load, machine.probe, lambda: machine.now_s)
    assert found.told() == (
        "4 workers of 2 threads (1 threads 100 ms, 2 threads 60 ms, 4 threads 58 ms, 8 threads 57 ms)"
    )
    alone = loaded(Wanted(2, 1, 8), machine.load, machine.probe, lambda: machine.now_s)
    assert alone.told() == "1 workers of 2 threads (not measured)"
