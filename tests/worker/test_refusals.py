"""Who is refused at the worker: by number, by the expected wait, and never on suspicion."""

import asyncio

import pytest

from tests.fakes import Steps
from tests.worker.asking import PATIENCE_S, Clock, items, measured, started, until_free
from wyoming_voice.errors import Busy, DeadlineExceeded
from wyoming_voice.ranks import Pace
from wyoming_voice.worker import Priority, Standing, Worker


async def test_only_finals_count_and_only_they_are_refused() -> None:
    worker, log = Worker("engine", max_requests=1), list[str]()
    lower = [Priority.SPECULATIVE, Priority.PARTIAL, Priority.BATCH, Priority.SPECULATIVE]
    standings = [Standing(priority) for priority in lower]
    first = Steps("first", log)
    tasks = [asyncio.create_task(items(worker, first, priority=standings[0]))]
    await first.begun()
    for standing in standings[1:]:
        steps = Steps("lower", log).let()
        tasks.append(asyncio.create_task(items(worker, steps, priority=standing)))
    final = asyncio.create_task(items(worker, Steps("final", log).let()))
    await started(*tasks, final)
    assert worker.requests == 5
    with pytest.raises(Busy, match="engine serves 1 requests already"):
        await worker.call(lambda: 1, deadline_s=PATIENCE_S)
    guess = worker.call(lambda: 1, deadline_s=PATIENCE_S, priority=Priority.SPECULATIVE)
    tasks.append(asyncio.create_task(items(worker, Steps("x", log).let(), priority=Priority.BATCH)))
    first.let()
    assert await guess == 1
    await asyncio.gather(*tasks, final)
    worker.close()


async def test_who_is_promoted_to_final_counts_as_one() -> None:
    worker, log = Worker("engine", max_requests=1), list[str]()
    guess, standing = Steps("guess", log), Standing(Priority.SPECULATIVE)
    task = asyncio.create_task(items(worker, guess, priority=standing))
    await guess.begun()
    worker.promote(standing, Priority.FINAL)
    with pytest.raises(Busy):
        await worker.call(lambda: 1, deadline_s=PATIENCE_S)
    guess.let()
    assert len(await task) == 3
    worker.close()


async def waiting(
    worker: Worker, count: int, priority: Priority = Priority.FINAL, deadline_s: float = 60
) -> tuple[Steps, list[asyncio.Task[list[str]]]]:
    """One in progress at each thread, `count` behind it."""
    log: list[str] = []
    steps = Steps("a", log, items=1)
    tasks = []
    for _ in range(worker.threads):
        tasks.append(asyncio.create_task(items(worker, steps, deadline_s=deadline_s)))
        await steps.begun()
    for _ in range(count):
        task = asyncio.create_task(items(worker, steps, deadline_s=deadline_s, priority=priority))
        await started(task)
        tasks.append(task)
    return steps, tasks


async def test_who_can_t_be_served_in_time_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, clock = Worker("engine", max_requests=100), Clock(monkeypatch)
    await measured(worker, clock, 16, 9.9)
    steps, tasks = await waiting(worker, 7)
    said = r"engine has work for about 69 s, and a request may wait 60 s; try again later"
    with pytest.raises(Busy, match=said):
        await items(worker, steps, deadline_s=60)
    tasks.append(asyncio.create_task(items(worker, steps, deadline_s=80)))  # who has more patience
    await started(*tasks)
    assert len(worker._waiting) == 8
    steps.let()
    await asyncio.gather(*tasks)
    worker.close()


async def test_two_threads_have_half_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, clock = Worker("engine", threads=2, max_requests=100), Clock(monkeypatch)
    await measured(worker, clock, 16, 9.9)
    steps, tasks = await waiting(worker, 13)
    with pytest.raises(Busy, match="about 64 s"):
        await items(worker, steps, deadline_s=60)
    steps.let()
    await asyncio.gather(*tasks)
    worker.close()


@pytest.mark.parametrize(
    ("measured_items", "others", "deadline_of_others_s", "own"),
    [
        (15, Priority.FINAL, 60.0, Priority.FINAL),  # too little measured
        (16, Priority.SPECULATIVE, 60.0, Priority.FINAL),  # which wait for us, not we for them
        (16, Priority.FINAL, 500.0, Priority.FINAL),  # so do these
        (16, Priority.FINAL, 60.0, Priority.SPECULATIVE),  # a guess is never refused
    ],
)
async def test_nobody_is_refused_on_suspicion(
    monkeypatch: pytest.MonkeyPatch,
    measured_items: int,
    others: Priority,
    deadline_of_others_s: float,
    own: Priority,
) -> None:
    worker, clock = Worker("engine", max_requests=100), Clock(monkeypatch)
    await measured(worker, clock, measured_items, 9.9)
    steps, tasks = await waiting(worker, 7, others, deadline_of_others_s)
    tasks.append(asyncio.create_task(items(worker, steps, deadline_s=60, priority=own)))
    await started(*tasks)
    assert len(worker._waiting) == 8
    steps.let()
    await asyncio.gather(*tasks)
    worker.close()


async def test_loading_a_model_says_nothing_about_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, clock = Worker("engine", max_requests=100), Clock(monkeypatch)
    for _ in range(16):
        await worker.call(lambda: next(clock.took(600.0)), deadline_s=3600)
    steps, tasks = await waiting(worker, 9)
    steps.let()
    assert len(await asyncio.gather(*tasks)) == 10
    worker.close()


def test_the_pace_is_that_of_the_last_items() -> None:
    pace = Pace()
    for _ in range(16):
        pace.push(100.0)
    for _ in range(16):
        pace.push(2.0)
    assert pace.wait_s(3, 2) == 3.0


async def test_a_full_queue_refuses_while_the_engine_is_blocked() -> None:
    worker, log = Worker("engine", max_requests=4), list[str]()
    held = Steps("a", log, items=1)
    tasks = [asyncio.create_task(items(worker, held)) for _ in range(4)]
    await held.begun()
    await started(*tasks)
    for _ in range(100):
        with pytest.raises(Busy):
            await worker.call(lambda: 1, deadline_s=PATIENCE_S)
    assert len(worker._waiting) == 3
    held.let()
    await asyncio.gather(*tasks)
    with pytest.raises(DeadlineExceeded):  # the room is there again
        await items(worker, Steps("b", log), deadline_s=0.01)
    worker.close()


async def test_only_finals_that_wait_are_the_queue() -> None:
    log: list[str] = []
    worker = Worker("test", max_requests=5)
    assert dict(worker.numbers())["queue_oldest_seconds"] == 0
    blocker = Steps("blocker", log, items=1)
    tasks = [asyncio.create_task(items(worker, blocker))]
    await blocker.begun()
    for priority in (Priority.FINAL, Priority.FINAL, Priority.SPECULATIVE):
        steps = Steps(priority.name, log, items=1).let()
        tasks.append(asyncio.create_task(items(worker, steps, priority=Standing(priority))))
        await started(tasks[-1])
    numbers = dict(worker.numbers())
    assert numbers.pop("queue_oldest_seconds") > 0
    assert numbers == {
        "queue_depth": 2,
        "queue_capacity": 5,
        "worker_requests": 3,
        "worker_busy": 1,
        "worker_threads": 1,
    }
    blocker.let()
    await asyncio.gather(*tasks)
    await until_free(worker)
    assert dict(worker.numbers())["queue_depth"] == 0
    worker.close()
