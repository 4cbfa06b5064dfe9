"""Who goes first at the worker: ranks that change, the thread kept free, whose turn it is."""

import asyncio
import contextlib
from typing import Any

import pytest

from tests.fakes import Steps
from tests.worker.asking import PATIENCE_S, Clock, items, started, until_free
from wyoming_voice.pulls import Pull
from wyoming_voice.ranks import LONG_ITEMS, LONG_S
from wyoming_voice.worker import Priority, Standing, Turns, Worker


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
            worker._put(Pull(pull.request, lambda: log.append("b"), Standing(Priority.BATCH), 0.0))

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
