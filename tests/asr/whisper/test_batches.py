"""Calls of several threads that are worked on together."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from wyoming_voice.asr.whisper.batches import Batches, Kind


class Doubling:
    """Doubles numbers; the first batch waits until it may go on. Refuses to work with a 13."""

    def __init__(self, at_once: int = 1, held: int = 1) -> None:
        self.batches = Batches(at_once)
        self.worked: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Event()
        self.error: Exception = RuntimeError("13 brings bad luck")
        self._held = held
        self._pool = ThreadPoolExecutor(16)

    def ask(self, item: int, key: str = "double", most: int = 4) -> Future[int]:
        """In a thread of its own; returns once the call is at work or waits."""
        before = self.batches.waiting + len(self.worked)
        answer = self._pool.submit(self.batches.run, Kind(key, self._work, most), item)
        while self.batches.waiting + len(self.worked) <= before and not answer.done():
            time.sleep(0)  # lets the other thread run
        return answer

    def _work(self, items: Sequence[int]) -> list[int]:
        self.worked.append([*items])
        self.begun.release()
        if len(self.worked) <= self._held:
            assert self.may_go_on.wait(20)
        if 13 in items:
            raise self.error
        return [2 * item for item in items]


def results(*answers: Future[int]) -> list[int]:
    return [answer.result(20) for answer in answers]


def test_a_call_alone_runs_at_once() -> None:
    work = Doubling(held=0)
    assert results(work.ask(1)) == [2]
    assert work.worked == [[1]]


def test_what_comes_meanwhile_is_done_together() -> None:
    work = Doubling()
    answers = [work.ask(item) for item in (1, 2, 3, 4)]
    work.may_go_on.set()
    assert results(*answers) == [2, 4, 6, 8]
    assert work.worked == [[1], [2, 3, 4]]


def test_a_batch_has_at_most_so_many() -> None:
    work = Doubling()
    answers = [work.ask(item, most=2) for item in (1, 2, 3, 4)]
    work.may_go_on.set()
    assert results(*answers) == [2, 4, 6, 8]
    assert work.worked == [[1], [2, 3], [4]]


def test_different_wishes_are_apart_and_the_oldest_goes_first() -> None:
    work = Doubling()
    asked = [(1, "a"), (2, "b"), (3, "a"), (4, "b")]
    answers = [work.ask(item, key) for item, key in asked]
    work.may_go_on.set()
    assert results(*answers) == [2, 4, 6, 8]
    assert work.worked == [[1], [2, 4], [3]]


def test_as_many_batches_as_there_are_workers() -> None:
    work = Doubling(at_once=2, held=2)
    answers = [work.ask(item) for item in (1, 2, 3)]
    assert work.worked == [[1], [2]]
    work.may_go_on.set()
    assert results(*answers) == [2, 4, 6]


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, MemoryError])
def test_one_that_fails_fails_alone(kind: type[Exception]) -> None:
    work = Doubling()
    work.error = kind("13 brings bad luck")
    answers = [work.ask(item) for item in (1, 2, 13, 3)]
    work.may_go_on.set()
    good = [answers[0], answers[1], answers[3]]
    assert results(*good) == [2, 4, 6]
    with pytest.raises(kind, match="bad luck"):
        answers[2].result(20)
    assert results(work.ask(5)) == [10]


def test_a_bug_in_a_batch_leaves_nobody_waiting() -> None:
    work = Doubling()
    work.error = KeyError("a bug")
    answers = [work.ask(item) for item in (1, 13, 2)]
    work.may_go_on.set()
    assert results(answers[0]) == [2]
    with pytest.raises(KeyError):
        answers[1].result(20)
    with pytest.raises(RuntimeError, match="broke off"):
        answers[2].result(20)
    assert results(work.ask(5)) == [10]
