"""The door to the model's threads: turns, ranks, deadlines, refusals, cleaning up after those who left."""

import asyncio
import contextlib
import gc
import random
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fakes import Steps
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy, DeadlineExceeded, EngineError
from wyoming_voice.worker import Priority, Standing, Worker

PATIENCE_S = 10.0


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("engine", max_requests=8)
    yield worker
    worker.close()


async def until_free(worker: Worker) -> None:
    """Let the loop turn until no thread is at work; pytest's time-out says when that never comes."""
    while worker._running:  # noqa: ASYNC110  (the worker tells nobody)
        await asyncio.sleep(0)


async def items(
    worker: Worker,
    steps: Steps,
    *,
    deadline_s: float = PATIENCE_S,
    priority: Priority | Standing = Priority.FINAL,
) -> list[str]:
    stream = worker.stream(steps, deadline_s=deadline_s, priority=priority)
    async with contextlib.aclosing(stream):
        return [item async for item in stream]


async def started(*tasks: asyncio.Task[list[str]]) -> None:
    """Let each task get as far as asking for its first item."""
    for _ in range(3 * len(tasks)):
        await asyncio.sleep(0)


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
    worker.close()
    blocker.let()
    with pytest.raises(EngineError, match="engine is shutting down"):
        await task
    await until_free(worker)
    gc.collect()
    assert heard == []


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
