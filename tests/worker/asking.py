"""Requests to a worker, how far they have come, and a clock that their work moves."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from tests.fakes import Steps
from wyoming_voice.worker import Priority, Standing, Worker

PATIENCE_S = 10.0


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


async def measured(worker: Worker, clock: Clock, count: int, item_s: float) -> None:
    """Have a worker learn how long an item takes."""
    stream = worker.stream(lambda: clock.took(*[item_s] * count), deadline_s=1000)
    async with contextlib.aclosing(stream):
        for _ in range(count):
            await anext(stream)
    await until_free(worker)
