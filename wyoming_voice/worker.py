"""The one door between the event loop and a model's threads: whose item runs next, and who is refused.

A request is a generator; a thread makes one item of it for each pull. So a slow reader holds no thread,
requests of equal rank take turns item by item, and a request that is dropped costs at most the item in
progress. All decisions are taken on the event loop; the threads only run what they are given.
"""

import asyncio
import contextlib
import functools
import heapq
import itertools
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Generic, TypeVar, cast

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy, DeadlineExceeded

T = TypeVar("T")
_END: Any = object()


class Priority(IntEnum):
    """Who goes first; within a rank the earliest deadline does."""

    FINAL = 0
    SPECULATIVE = 1
    PARTIAL = 2
    BATCH = 3


@dataclass(eq=False)
class _Request(Generic[T]):
    make: Callable[[], Iterator[T]]
    items: Iterator[T] | None = None
    running: bool = False
    abandoned: bool = False

    def step(self) -> T:
        """In a thread: the next item, or _END."""
        if self.items is None:
            self.items = iter(self.make())
        return next(self.items, cast(T, _END))

    def close(self) -> None:
        """In a thread: let the generator clean up."""
        close = getattr(self.items, "close", None)
        if close is not None:
            close()


@dataclass(order=True)
class _Pull:
    priority: Priority
    deadline_s: float
    number: int
    request: _Request[Any] = field(compare=False)
    result: asyncio.Future[Any] = field(compare=False)
    asked_s: float = field(compare=False, default=0.0)
    started_s: float = field(compare=False, default=0.0)


class Worker:
    """`threads` threads that serve at most `max_requests` requests at a time."""

    def __init__(self, name: str, *, threads: int = 1, max_requests: int = 32) -> None:
        self.max_requests = max_requests
        self._name = name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = self._free = threads
        self._requests = 0
        self._waiting: list[_Pull] = []
        self._numbers = itertools.count()

    @property
    def busy(self) -> bool:
        """Whether a thread is in the middle of an item."""
        return self._free < self._threads

    @property
    def requests(self) -> int:
        """How many requests are being served or wait."""
        return self._requests

    async def stream(
        self,
        make: Callable[[], Iterator[T]],
        *,
        deadline_s: float,
        priority: Priority = Priority.FINAL,
        record: TurnRecord | None = None,
    ) -> AsyncGenerator[T, None]:
        """The items of `make()`, each made in a thread when it is asked for.

        `deadline_s` bounds the wait for each item. Waiting and working time go into `record` as the
        stages `queue` and `work`. Raises Busy at once when the house is full, DeadlineExceeded, and
        whatever the generator raises.
        """
        if self._requests >= self.max_requests:
            raise Busy(f"{self._name} serves {self._requests} requests already; try again later")
        request = _Request(make)
        self._requests += 1
        try:
            while (item := await self._pull(request, priority, deadline_s, record)) is not _END:
                yield item
        finally:
            self._requests -= 1
            request.abandoned = True
            if not request.running:
                self._pool.submit(request.close)

    async def call(
        self,
        function: Callable[[], T],
        *,
        deadline_s: float,
        priority: Priority = Priority.FINAL,
        record: TurnRecord | None = None,
    ) -> T:
        """One function's result, under the rules of `stream`."""
        stream = self.stream(
            lambda: iter([function()]), deadline_s=deadline_s, priority=priority, record=record
        )
        async with contextlib.aclosing(stream):
            return await anext(stream)

    def close(self) -> None:
        """Take no more work; an item in progress runs to its end in its thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _pull(
        self,
        request: _Request[T],
        priority: Priority,
        deadline_s: float,
        record: TurnRecord | None,
    ) -> T:
        loop = asyncio.get_running_loop()
        now = loop.time()
        pull = _Pull(
            priority, now + deadline_s, next(self._numbers), request, loop.create_future(), now
        )
        heapq.heappush(self._waiting, pull)
        self._dispatch()
        try:
            async with asyncio.timeout_at(pull.deadline_s):
                item = await pull.result
        except TimeoutError as error:
            raise DeadlineExceeded(f"{self._name}: no result within {deadline_s:g} s") from error
        if record is not None:
            record.spent("queue", pull.asked_s, pull.started_s)
            record.spent("work", pull.started_s, loop.time())
        return cast(T, item)

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while self._free and self._waiting:
            pull = heapq.heappop(self._waiting)
            if pull.result.done():  # its client has gone, or its deadline has passed
                continue
            self._free -= 1
            pull.started_s = loop.time()
            pull.request.running = True
            step = loop.run_in_executor(self._pool, pull.request.step)
            step.add_done_callback(functools.partial(self._finished, pull))

    def _finished(self, pull: _Pull, step: asyncio.Future[Any]) -> None:
        pull.request.running = False
        self._free += 1
        if pull.request.abandoned:
            self._pool.submit(pull.request.close)
        error = step.exception() if not step.cancelled() else None
        if not pull.result.done():
            if error is not None:
                pull.result.set_exception(error)
            elif not step.cancelled():
                pull.result.set_result(step.result())
        self._dispatch()
