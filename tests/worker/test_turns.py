"""Requests at the worker: turns, ranks, refusals, deadlines, and what its end means for them."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes import Steps
from tests.worker.asking import PATIENCE_S, items, started, until_free
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy, DeadlineExceeded, EngineError
from wyoming_voice.worker import Priority, Worker


async def test_items_come_in_order_and_only_when_asked_for(worker: Worker) -> None:
    log: list[str] = []
    stream = worker.stream(Steps("a", log).let(), deadline_s=PATIENCE_S)
    assert await anext(stream) == "a0"
    await until_free(worker)
    assert log == ["a0"]
    assert [item async for item in stream] == ["a1", "a2"]
    assert log == ["a0", "a1", "a2", "a cleaned up"]
    assert worker.requests == 0
    assert not worker.busy


async def test_equal_requests_take_turns_item_by_item(worker: Worker) -> None:
    log: list[str] = []
    first, second = Steps("a", log), Steps("b", log).let()
    tasks = [asyncio.create_task(items(worker, steps)) for steps in (first, second)]
    await first.begun()
    await started(*tasks)
    first.let()
    assert await asyncio.gather(*tasks) == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]
    assert [entry for entry in log if "cleaned" not in entry] == [
        "a0",
        "b0",
        "a1",
        "b1",
        "a2",
        "b2",
    ]


async def test_a_higher_rank_goes_first_then_the_earlier_deadline(worker: Worker) -> None:
    log: list[str] = []
    blocker = Steps("blocker", log, items=1)
    asked = [
        ("batch", Priority.BATCH, 1.0),
        ("late", Priority.FINAL, 9.0),
        ("partial", Priority.PARTIAL, 1.0),
        ("early", Priority.FINAL, 8.0),
        ("guess", Priority.SPECULATIVE, 1.0),
    ]
    tasks = [asyncio.create_task(items(worker, blocker))]
    await blocker.begun()
    for name, priority, deadline_s in asked:
        steps = Steps(name, log, items=1).let()
        tasks.append(
            asyncio.create_task(
                items(worker, steps, deadline_s=deadline_s + PATIENCE_S, priority=priority)
            )
        )
    await started(*tasks)
    blocker.let()
    await asyncio.gather(*tasks)
    order = [entry for entry in log if entry.endswith("0")]
    assert order == ["blocker0", "early0", "late0", "guess0", "partial0", "batch0"]


async def test_one_request_too_many_is_busy_at_once_and_fits_later() -> None:
    worker = Worker("engine", max_requests=2)
    log: list[str] = []
    first, second = Steps("a", log), Steps("b", log)
    tasks = [asyncio.create_task(items(worker, steps)) for steps in (first, second)]
    await first.begun()
    await started(*tasks)
    assert worker.requests == 2
    with pytest.raises(Busy, match="engine serves 2 requests already; try again later"):
        await worker.call(lambda: 1, deadline_s=PATIENCE_S)
    first.let()
    second.let()
    await asyncio.gather(*tasks)
    assert await worker.call(lambda: 1, deadline_s=PATIENCE_S) == 1
    worker.close()


async def test_a_deadline_while_waiting_leaves_nothing_behind(worker: Worker) -> None:
    log: list[str] = []
    blocker, late = Steps("a", log), Steps("b", log)
    task = asyncio.create_task(items(worker, blocker))
    await blocker.begun()
    with pytest.raises(DeadlineExceeded, match=r"engine: no result within 0.01 s"):
        await items(worker, late, deadline_s=0.01)
    assert worker.requests == 1
    assert not worker._waiting
    blocker.let()
    await task
    assert not [entry for entry in log if entry.startswith("b")]


async def test_a_deadline_while_running_frees_the_thread_after_the_item(worker: Worker) -> None:
    log: list[str] = []
    slow = Steps("a", log)
    with pytest.raises(DeadlineExceeded):
        await items(worker, slow, deadline_s=0.01)
    assert worker.busy
    assert worker.requests == 0
    slow.let()
    assert await worker.call(lambda: "next", deadline_s=PATIENCE_S) == "next"
    assert log == ["a0", "a cleaned up"]


async def test_a_time_out_of_the_engine_s_own_is_not_our_deadline(worker: Worker) -> None:
    def engine() -> None:
        raise TimeoutError("the engine's own")

    with pytest.raises(TimeoutError, match="the engine's own"):
        await worker.call(engine, deadline_s=PATIENCE_S)


@pytest.mark.parametrize("error", [ValueError("broken"), EngineError("no model"), KeyError("k")])
async def test_what_the_generator_raises_arrives_and_the_thread_goes_on(
    worker: Worker, error: Exception
) -> None:
    def work() -> Iterator[int]:
        yield 1
        raise error

    stream = worker.stream(work, deadline_s=PATIENCE_S)
    assert await anext(stream) == 1
    with pytest.raises(type(error), match=str(error)):
        await anext(stream)
    assert worker.requests == 0
    assert await worker.call(lambda: 2, deadline_s=PATIENCE_S) == 2


@pytest.mark.parametrize("stray", [StopIteration, SystemExit])
async def test_what_no_future_takes_neither_holds_the_thread_nor_ends_the_loop(
    worker: Worker, stray: type[BaseException]
) -> None:
    def work() -> int:
        raise stray

    with pytest.raises(RuntimeError, match=stray.__name__):
        await worker.call(work, deadline_s=PATIENCE_S)
    assert await worker.call(lambda: 2, deadline_s=PATIENCE_S) == 2


async def test_the_record_tells_waiting_from_working(worker: Worker) -> None:
    log: list[str] = []
    blocker, record = Steps("a", log, items=1), TurnRecord("asr")
    task = asyncio.create_task(items(worker, blocker))
    await blocker.begun()
    call = asyncio.create_task(worker.call(lambda: 1, deadline_s=PATIENCE_S, record=record))
    await asyncio.sleep(0)
    blocker.let()
    await asyncio.gather(task, call)
    assert list(record.stages_ms) == ["queue", "work"]
    assert all(ms >= 0 for ms in record.stages_ms.values())


async def test_closing_ends_what_waits_and_what_comes(worker: Worker) -> None:
    log: list[str] = []
    running = Steps("a", log)
    tasks = [asyncio.create_task(items(worker, running))]
    await running.begun()
    tasks.append(asyncio.create_task(items(worker, Steps("b", log))))
    await started(*tasks)
    worker.close()
    with pytest.raises(EngineError, match="engine is shutting down"):
        await tasks[1]
    with pytest.raises(EngineError, match="engine is shutting down"):
        await worker.call(lambda: 1, deadline_s=PATIENCE_S)
    running.let()
    with pytest.raises(EngineError, match="engine is shutting down"):
        await tasks[0]
    await until_free(worker)
    assert worker.requests == 0
