"""Who leaves the worker: nothing of theirs is kept, and the thread cleans up after them."""

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest

from tests.fakes import Steps
from tests.worker.asking import PATIENCE_S, items, started, until_free
from wyoming_voice.errors import EngineError
from wyoming_voice.worker import Worker


async def test_leaving_while_waiting_runs_nothing_and_keeps_nothing(worker: Worker) -> None:
    log: list[str] = []
    blocker = Steps("a", log)
    task = asyncio.create_task(items(worker, blocker))
    await blocker.begun()
    for _ in range(20):
        leaver = asyncio.create_task(items(worker, Steps("b", log).let()))
        await started(leaver)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
    assert not worker._waiting
    blocker.let()
    await task
    assert log == ["a0", "a1", "a2", "a cleaned up"]


async def test_leaving_while_running_costs_the_item_in_progress_only(worker: Worker) -> None:
    log: list[str] = []
    left, other = Steps("a", log), Steps("b", log, items=1).let()
    leaver = asyncio.create_task(items(worker, left))
    await left.begun()
    waiting = asyncio.create_task(items(worker, other))
    await started(waiting)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    left.let()
    assert await waiting == ["b0"]
    assert log == ["a0", "a cleaned up", "b0", "b cleaned up"]


async def test_leaving_while_running_leaves_other_threads_alone() -> None:
    worker, log = Worker("engine", threads=2), list[str]()
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    left = Steps("a", log)
    leaver = asyncio.create_task(items(worker, left))
    await left.begun()
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    assert await worker.call(lambda: 1, deadline_s=PATIENCE_S) == 1
    left.let()
    await until_free(worker)
    worker.close()
    gc.collect()
    assert log == ["a0", "a cleaned up"]
    assert heard == []


async def test_leaving_between_items_cleans_up_before_others_get_a_turn(worker: Worker) -> None:
    log: list[str] = []
    left, blocker = Steps("a", log).let(), Steps("b", log, items=1)
    stream = worker.stream(left, deadline_s=PATIENCE_S)
    await anext(stream)
    tasks = [asyncio.create_task(items(worker, blocker))]
    await blocker.begun()
    tasks.append(asyncio.create_task(items(worker, Steps("c", log, items=1).let())))
    await started(*tasks)
    await stream.aclose()
    assert "a cleaned up" not in log
    blocker.let()
    await asyncio.gather(*tasks)
    assert [entry for entry in log if entry != "b cleaned up"][:4] == [
        "a0",
        "b0",
        "a cleaned up",
        "c0",
    ]


async def test_a_thread_that_cleans_up_is_busy(worker: Worker) -> None:
    at_it, may_end = threading.Event(), threading.Event()

    def work() -> Iterator[int]:
        try:
            yield 1
        finally:
            at_it.set()
            may_end.wait(PATIENCE_S)

    stream = worker.stream(work, deadline_s=PATIENCE_S)
    await anext(stream)
    await stream.aclose()
    assert await asyncio.to_thread(at_it.wait, PATIENCE_S)
    assert worker.busy
    may_end.set()
    await until_free(worker)


async def test_clean_up_that_fails_is_heard_of(worker: Worker) -> None:
    heard: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context.get("exception")))

    def work() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise ValueError("clean-up failed")

    stream = worker.stream(work, deadline_s=PATIENCE_S)
    await anext(stream)
    await stream.aclose()
    await until_free(worker)
    gc.collect()
    assert [str(error) for error in heard] == ["clean-up failed"]


async def test_closing_forgets_the_clean_up_that_waits(worker: Worker) -> None:
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    log: list[str] = []
    left, blocker = Steps("a", log).let(), Steps("b", log, items=1)
    stream = worker.stream(left, deadline_s=PATIENCE_S)
    await anext(stream)
    task = asyncio.create_task(items(worker, blocker))
    await blocker.begun()
    await stream.aclose()
    assert len(worker._waiting) == 1
    assert dict(worker.numbers())["queue_depth"] == 0, "nobody waits for it"
    worker.close()
    blocker.let()
    with pytest.raises(EngineError, match="engine is shutting down"):
        await task
    await until_free(worker)
    gc.collect()
    assert heard == []
