"""Who goes first at the worker: ranks that change, the thread kept free, turns, refusals by expected wait."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes import Steps
from tests.test_worker import PATIENCE_S, items, started, until_free
from wyoming_voice.errors import Busy, DeadlineExceeded
from wyoming_voice.pulls import Pull
from wyoming_voice.ranks import LONG_ITEMS, LONG_S, Pace
from wyoming_voice.worker import Priority, Standing, Turns, Worker


class Clock:
    """The loop's time, moved by the work that is done: an item of `took(10)` takes ten seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        real = loop.time
        self.ahead_s = 0.0
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead_s)

    def took(self, *items_s: float) -> Iterator[float]:
        for item_s in items_s:
            self.ahead_s += item_s
            yield item_s


def first_items(log: list[str]) -> list[str]:
    return [entry for entry in log if entry.endswith("0")]


async def test_who_is_promoted_overtakes_and_is_overtaken_when_set_back() -> None:
    worker, log = Worker("engine"), list[str]()
    blocker = Steps("blocker", log, items=1)
    tasks = [asyncio.create_task(items(worker, blocker))]
    await blocker.begun()
    guess, partial = Standing(Priority.SPECULATIVE), Standing(Priority.PARTIAL)
    final = Standing(Priority.FINAL)
    for name, standing in (("guess", guess), ("partial", partial), ("final", final)):
        steps = Steps(name, log, items=1).let()
        tasks.append(asyncio.create_task(items(worker, steps, priority=standing)))
        await started(tasks[-1])
    worker.promote(partial, Priority.FINAL)
    worker.promote(final, Priority.BATCH)
    blocker.let()
    await asyncio.gather(*tasks)
    assert first_items(log) == ["blocker0", "partial0", "guess0", "final0"]
    worker.close()


async def test_who_is_promoted_while_served_goes_on_with_the_new_rank() -> None:
    worker, log = Worker("engine"), list[str]()
    guess, standing = Steps("guess", log, items=2), Standing(Priority.SPECULATIVE)
    tasks = [asyncio.create_task(items(worker, guess, priority=standing))]
    await guess.begun()
    worker.promote(standing, Priority.FINAL)
    late = Steps("late", log, items=2).let()
    tasks.append(asyncio.create_task(items(worker, late, priority=Priority.SPECULATIVE)))
    await started(*tasks)
    guess.let()
    await asyncio.gather(*tasks)
    assert [entry for entry in log if "cleaned" not in entry][:2] == ["guess0", "guess1"]
    worker.close()


async def test_who_comes_just_as_an_item_ends_does_not_get_ahead_of_its_rank(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker, log = Worker("engine"), list[str]()
    finished = worker._finished

    def and_somebody_comes(pull: Pull, step: asyncio.Future[Any]) -> None:
        finished(pull, step)
        if len(log) == 1:
            worker._asked(pull.request, lambda: log.append("b"), Standing(Priority.BATCH), 0.0)

    monkeypatch.setattr(worker, "_finished", and_somebody_comes)
    await items(worker, Steps("a", log, items=2).let())
    await until_free(worker)
    assert log[:2] == ["a0", "a1"]
    assert "b" in log
    worker.close()


async def test_the_last_free_thread_is_kept_for_finals() -> None:
    worker, log = Worker("engine", threads=2), list[str]()
    guesses = [Steps(name, log, items=1) for name in "ab"]
    standings = [Standing(Priority.SPECULATIVE) for _ in guesses]
    tasks = [
        asyncio.create_task(items(worker, steps, priority=standing))
        for steps, standing in zip(guesses, standings, strict=True)
    ]
    await guesses[0].begun()
    await started(*tasks)
    assert len(worker._running) == 1
    assert await worker.call(lambda: "at once", deadline_s=PATIENCE_S) == "at once"
    worker.promote(standings[1], Priority.FINAL)  # by which it may have the thread
    await guesses[1].begun()
    for steps in guesses:
        steps.let()
    assert await asyncio.gather(*tasks) == [["a0"], ["b0"]]
    worker.close()


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


@pytest.mark.parametrize("priority", list(Priority))
async def test_idle_is_without_anybody_of_any_rank(priority: Priority) -> None:
    worker, log = Worker("engine"), list[str]()
    assert worker.idle
    stream = worker.stream(Steps("a", log).let(), deadline_s=PATIENCE_S, priority=priority)
    await anext(stream)
    await until_free(worker)
    assert not worker.idle  # it has not been heard out
    await stream.aclose()
    assert not worker.idle  # a thread cleans up after it
    await until_free(worker)
    assert worker.idle
    worker.close()


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 2)])
async def test_threads_can_be_set_while_they_work(before: int, after: int) -> None:
    worker, log = Worker("engine", threads=before), list[str]()
    steps = [Steps(name, log, items=2) for name in "abcdef"]
    tasks = [asyncio.create_task(items(worker, one)) for one in steps]
    for one in steps[:before]:
        await one.begun()
    await started(*tasks)
    worker.threads = after
    assert worker.threads == after
    for one in steps[before:after]:
        await one.begun()  # at once, with nothing else done
    assert len(worker._running) == max(before, after)
    for one in steps[: max(before, after)]:
        one.let(0)
    while len(worker._waiting) < len(steps) - after:
        assert len(worker._running) <= max(before, after)
        await asyncio.sleep(0)
    assert len(worker._running) <= after
    for one in steps:
        one.let()
    assert [len(got) for got in await asyncio.gather(*tasks)] == [2] * len(steps)
    worker.close()
    worker.threads = 5  # nothing comes of it


async def test_requests_in_turns_of_their_own_are_answered_one_after_the_other() -> None:
    worker, log = Worker("engine", turns=Turns.BY_REQUEST), list[str]()
    steps = [Steps(name, log) for name in "abcd"]
    tasks = []
    for one in steps:
        tasks.append(asyncio.create_task(items(worker, one)))
        await started(tasks[-1])
    for one in reversed(steps):
        one.let()
    await asyncio.gather(*tasks)
    made = [entry for entry in log if "cleaned" not in entry]
    assert made == [f"{name}{number}" for name in "abcd" for number in range(3)]
    worker.close()


async def test_who_takes_long_does_not_keep_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, clock = Worker("engine", turns=Turns.BY_REQUEST), Clock(monkeypatch)
    order: list[str] = []

    async def request(name: str, *items_s: float) -> None:
        stream = worker.stream(lambda: clock.took(*items_s), deadline_s=1000)
        async with contextlib.aclosing(stream):
            async for _ in stream:
                order.append(name)  # noqa: PERF401  (as each comes)

    each_s = 0.9 * LONG_S
    before = LONG_ITEMS + 1
    long = asyncio.create_task(request("long", *[each_s] * (before + 2)))
    await asyncio.gather(long, request("short", each_s, each_s))
    assert order == [*["long"] * before, "short", "short", "long", "long"]
    order.clear()
    each = (request(name, *[0.9 * LONG_S] * 4) for name in "ab")  # a command, on a slow machine
    await asyncio.gather(*each)
    assert order == [*"aaaabbbb"]
    worker.close()


async def test_n_answers_come_in_the_order_of_their_deadlines() -> None:
    worker, log = Worker("engine", turns=Turns.BY_REQUEST), list[str]()
    blocker = Steps("blocker", log, items=1)
    first = asyncio.create_task(items(worker, blocker))
    await blocker.begun()
    answered: list[int] = []

    async def answer(number: int) -> None:
        await items(worker, Steps("n", log, items=1).let(), deadline_s=PATIENCE_S + number)
        answered.append(number)

    numbers = (5, 2, 15, 0, 9, 11, 1, 3, 4, 14, 6, 7, 8, 10, 12, 13)
    answers = [asyncio.create_task(answer(number)) for number in numbers]
    while len(worker._waiting) < len(answers):  # noqa: ASYNC110  (the worker tells nobody)
        await asyncio.sleep(0)
    blocker.let()
    await asyncio.gather(first, *answers)
    assert answered == list(range(16))
    worker.close()


async def measured(worker: Worker, clock: Clock, count: int, item_s: float) -> None:
    stream = worker.stream(lambda: clock.took(*[item_s] * count), deadline_s=1000)
    async with contextlib.aclosing(stream):
        for _ in range(count):
            await anext(stream)
    await until_free(worker)


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
