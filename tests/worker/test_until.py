"""What has to be there before an item can be made: it is waited for by its request, not by a thread."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes import Steps
from tests.worker.asking import PATIENCE_S, items, until_free
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import DeadlineExceeded, EngineError
from wyoming_voice.worker import Worker


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
