"""What has to be there before an item can be made: it is waited for by its request, not by a thread."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes import Steps
from tests.worker.asking import PATIENCE_S, Clock, items, measured, until_free
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy, DeadlineExceeded, EngineError
from wyoming_voice.worker import Priority, Standing, Worker


async def test_who_waits_for_an_engine_holds_no_thread_up(worker: Worker) -> None:
    log: list[str] = []
    there = asyncio.Event()

    async def waiting() -> list[str]:
        stream = worker.stream(Steps("a", log).let(), deadline_s=PATIENCE_S, until=there.wait)
        return [item async for item in stream]

    task = asyncio.create_task(waiting())
    assert await items(worker, Steps("b", log).let()) == ["b0", "b1", "b2"]
    assert "a0" not in log
    there.set()
    assert await task == ["a0", "a1", "a2"]


async def test_it_is_asked_before_each_item_and_takes_of_its_time(worker: Worker) -> None:
    asked: list[int] = []
    record = TurnRecord("asr")

    async def until() -> None:
        asked.append(len(asked))
        await asyncio.sleep(0.001)

    stream = worker.stream(lambda: iter("ab"), deadline_s=PATIENCE_S, record=record, until=until)
    assert [item async for item in stream] == ["a", "b"]
    assert asked == [0, 1, 2]
    assert record.stages_ms["queue"] >= 2
    with pytest.raises(DeadlineExceeded):
        await anext(worker.stream(lambda: iter("a"), deadline_s=0.01, until=asyncio.Event().wait))
    assert worker.requests == 0


async def test_an_engine_that_comes_after_the_end_is_asked_for_nothing(worker: Worker) -> None:
    there, made = asyncio.Event(), []

    def making() -> Iterator[str]:
        made.append("a")
        yield "a"

    task = asyncio.create_task(
        anext(worker.stream(making, deadline_s=PATIENCE_S, until=there.wait))
    )
    await asyncio.sleep(0)
    worker.close()
    there.set()
    with pytest.raises(EngineError, match="is shutting down"):
        await task
    await until_free(worker)
    assert made == []


async def test_who_waits_for_an_engine_waits_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, clock = Worker("engine", max_requests=8), Clock(monkeypatch)
    await measured(worker, clock, 16, 10.0)
    there, steps = asyncio.Event(), Steps("a", [], items=1).let()
    guess = Standing(Priority.SPECULATIVE)
    ranks: list[Priority | Standing] = [*[Priority.FINAL] * 5, guess]
    streams = [
        worker.stream(steps, deadline_s=60, priority=priority, until=there.wait)
        for priority in ranks
    ]
    tasks = [asyncio.create_task(anext(stream)) for stream in streams]
    await asyncio.sleep(0)
    clock.ahead_s += 7
    numbers = dict(worker.numbers())
    assert numbers["queue_depth"] == 5
    assert numbers["queue_oldest_seconds"] == pytest.approx(7, abs=1)
    assert worker.busy is False
    worker.promote(guess, Priority.FINAL)
    assert dict(worker.numbers())["queue_depth"] == 6
    with pytest.raises(Busy, match="work for about 60 s, and a request may wait 59 s"):
        await anext(worker.stream(steps, deadline_s=59, until=there.wait))
    sooner = asyncio.create_task(anext(worker.stream(steps, deadline_s=40, until=there.wait)))
    assert await items(worker, steps, deadline_s=59) == ["a0"], "who waits for nothing goes before"
    there.set()
    assert await asyncio.gather(*tasks, sooner) == ["a0"] * 7
    assert dict(worker.numbers())["queue_depth"] == 0
    worker.close()


async def test_who_leaves_or_is_failed_while_an_engine_is_waited_for_is_in_no_line(
    worker: Worker,
) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise EngineError("it won't come")

    leaver = asyncio.create_task(
        anext(worker.stream(lambda: iter("a"), deadline_s=1, until=asyncio.Event().wait))
    )
    await asyncio.sleep(0)
    assert dict(worker.numbers())["queue_depth"] == 1
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    with pytest.raises(EngineError, match="it won't come"):
        await anext(worker.stream(lambda: iter("a"), deadline_s=1, until=fails))
    assert (dict(worker.numbers())["queue_depth"], worker.idle) == (0, True)
