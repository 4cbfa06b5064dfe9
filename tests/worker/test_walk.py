"""Hundreds of requests that come, fail and leave at random: no thread too many, nothing left behind."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator

import pytest

from tests.worker.asking import PATIENCE_S, until_free
from wyoming_voice.errors import Busy, DeadlineExceeded
from wyoming_voice.worker import Priority, Worker


class Census:
    """Counts threads at work and generators begun and cleaned up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.at_work = self.most_at_work = self.begun = self.cleaned_up = 0

    def work(self, chance: random.Random) -> Iterator[int]:
        count, fails_at = chance.randrange(5), chance.randrange(20)
        self._add(begun=1)
        try:
            for number in range(count):
                self._add(at_work=1)
                spin = sum(range(chance.randrange(2000)))
                self._add(at_work=-1)
                if number == fails_at:
                    raise ValueError(spin)
                yield number
        finally:
            self._add(cleaned_up=1)

    def _add(self, **changes: int) -> None:
        with self._lock:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)
            self.most_at_work = max(self.most_at_work, self.at_work)


def finals(worker: Worker) -> int:
    return sum(request.standing.priority is Priority.FINAL for request in worker._open)


async def one_of_many(worker: Worker, census: Census, seed: int) -> list[int]:
    chance = random.Random(seed)
    stream = worker.stream(
        lambda: census.work(chance),
        deadline_s=chance.choice([0.0005, PATIENCE_S, PATIENCE_S]),
        priority=chance.choice(list(Priority)),
    )
    leave_after = chance.randrange(8)
    got: list[int] = []
    async with contextlib.aclosing(stream):
        with contextlib.suppress(Busy, DeadlineExceeded, ValueError):
            async for item in stream:
                got.append(item)
                if len(got) == leave_after:
                    break
    return got


@pytest.mark.parametrize("threads", [1, 2])
async def test_random_walk(threads: int) -> None:
    worker, census, chance = (
        Worker("engine", threads=threads, max_requests=10),
        Census(),
        random.Random(5),
    )
    tasks: list[asyncio.Task[list[int]]] = []
    for seed in range(300):
        tasks.append(asyncio.create_task(one_of_many(worker, census, seed)))
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
        assert len(worker._running) <= threads
        assert finals(worker) <= worker.max_requests
        if worker.requests > 14:
            unfinished = [task for task in tasks if not task.done()]
            await asyncio.wait(unfinished, return_when=asyncio.FIRST_COMPLETED)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await until_free(worker)
    worker.close()
    assert {type(r) for r in results} <= {list, asyncio.CancelledError}
    assert all(r == list(range(len(r))) for r in results if isinstance(r, list))
    assert (worker.requests, worker._running, len(worker._waiting)) == (0, [], 0)
    assert census.most_at_work <= threads
    assert census.begun == census.cleaned_up > 50
