"""What is measured at the start: threads, and whether bfloat16 is faster and not heard."""

import math

import numpy as np
import pytest

from tests.tts.fakes import tone
from wyoming_voice.tts.tuning import (
    enough_threads,
    has_bfloat16,
    shortest_s,
    spectral_difference_db,
    thread_counts,
    worth_rounding,
)


@pytest.mark.parametrize(
    ("cores", "counts"), [(1, (1,)), (2, (2, 1)), (3, (3, 1)), (4, (4, 2, 1)), (16, (16, 8, 4))]
)
def test_a_few_numbers_of_threads_are_tried(cores: int, counts: tuple[int, ...]) -> None:
    assert thread_counts(cores) == counts


def test_candidates_take_turns_and_the_shortest_time_counts() -> None:
    times = iter([3.0, 5.0, 4.0, 2.0])
    asked: list[int] = []

    def rehearse(threads: int, within_s: float) -> float:
        asked.append(threads)
        return next(times)

    assert shortest_s((4, 2), rehearse, within_s=100) == {4: 3.0, 2: 2.0}
    assert asked == [4, 2, 4, 2]


def test_a_slow_machine_is_not_rehearsed_for_long() -> None:
    limits_s: list[float] = []

    def rehearse(threads: int, within_s: float) -> float:
        limits_s.append(within_s)
        return 9.0 if within_s >= 9.0 else math.inf

    assert shortest_s((4, 2, 1), rehearse, within_s=1.5) == {4: math.inf}
    assert enough_threads({4: math.inf}) == 4
    assert limits_s == [1.5]


def test_who_can_not_be_the_fastest_is_broken_off() -> None:
    needs_s = {4: 1.0, 1: 2.0}
    limits_s: list[float] = []

    def rehearse(threads: int, within_s: float) -> float:
        limits_s.append(within_s)
        return needs_s[threads] if needs_s[threads] <= within_s else math.inf

    assert shortest_s((4, 1), rehearse, within_s=4.0) == {4: 1.0, 1: math.inf}
    assert limits_s == [4.0, 1.5, 1.5, 0.5]


@pytest.mark.parametrize(
    ("cpuinfo", "has"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n", True),
        ("processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\n", True),
        ("flags\t\t: fpu avx2\nmodel name\t: bf16\n", False),
        ("flags\t\t: fpu avx512f\n", False),
        ("", False),
    ],
)
def test_which_processors_have_bfloat16(cpuinfo: str, has: bool) -> None:
    assert has_bfloat16(cpuinfo) is has


def test_threads_that_gain_next_to_nothing_are_left_to_others() -> None:
    assert enough_threads({4: 1.00, 2: 1.04, 1: 1.9}) == 2
    assert enough_threads({4: 1.00, 2: 1.06, 1: 1.9}) == 4


@pytest.mark.parametrize(
    ("exact_s", "rounded_s", "difference_db", "worth"),
    [(2.0, 1.0, 0.2, True), (1.1, 1.0, 0.2, False), (2.0, 1.0, 0.6, False)],
)
def test_rounding_must_be_faster_and_not_heard(
    exact_s: float, rounded_s: float, difference_db: float, worth: bool
) -> None:
    assert worth_rounding(exact_s, rounded_s, difference_db) is worth


def test_the_spectral_difference_is_in_db() -> None:
    sound = tone(500) + np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    assert spectral_difference_db(sound, sound) == 0
    assert spectral_difference_db(sound, sound * 2) == pytest.approx(20 * np.log10(2), abs=0.05)
    assert spectral_difference_db(sound, sound[:-1]) == float("inf")
    assert spectral_difference_db(sound[:100], sound[:100]) == 0
