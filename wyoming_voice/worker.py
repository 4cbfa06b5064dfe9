"""The one door between the event loop and a model's threads: whose item runs next, and who is refused.

A request is a generator; a thread makes one item of it for each pull. So a slow reader holds no thread,
requests of equal rank take turns item by item, and a request that is dropped costs at most the item in
progress and the generator's own clean-up. All decisions are taken on the event loop; the threads only
run what they are given.
"""

import asyncio
import contextlib
import functools
import heapq
import itertools
import math
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Generic, TypeVar, cast

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy, DeadlineExceeded, EngineError

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

    def step(self) -> T:
        """In a thread: the next item, or _END."""
        try:
            if self.items is None:
                self.items = iter(self.make())
            item = next(self.items, cast(T, _END))
        except StopIteration as error:  # no future takes one: the thread would seem busy for ever
            raise RuntimeError("StopIteration raised where an item is made") from error
        if item is _END:
            self.items = None
        return item

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
    step: Callable[[], Any] = field(compare=False)
    result: asyncio.Future[Any] = field(compare=False)
    asked_s: float = field(compare=False)
    started_s: float = field(compare=False, default=0.0)


class Worker:
    """`threads` threads that serve at most `max_requests` requests at a time."""

    def __init__(self, name: str, *, threads: int = 1, max_requests: int = 32) -> None:
        self.max_requests = max_requests
        self._name = name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = threads
        self._running: list[_Pull] = []
        self._requests = 0
        self._closed = False
        self._waiting: list[_Pull] = []
        self._numbers = itertools.count()

    @property
    def busy(self) -> bool:
        """Whether a thread is in the middle of an item."""
        return bool(self._running)

    def stuck(self, after_s: float) -> bool:
        """Whether a thread has been at one item for longer than `after_s`, or has died over it."""
        if not self._running:
            return False
        oldest_s = min(pull.started_s for pull in self._running)
        return asyncio.get_running_loop().time() - oldest_s > after_s

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
        stages `queue` and `work`. Raises Busy at once when the house is full, DeadlineExceeded,
        EngineError after `close`, and whatever the generator raises.
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
            self._release(request)

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
        """Take no more work; an item in progress runs to its end in its thread, what waits fails."""
        self._closed = True
        for pull in self._waiting:
            if not pull.result.done():
                pull.result.set_exception(self._closing())
        self._waiting.clear()
        self._pool.shutdown(wait=False)

    async def _pull(
        self,
        request: _Request[T],
        priority: Priority,
        deadline_s: float,
        record: TurnRecord | None,
    ) -> T:
        if self._closed:
            raise self._closing()
        loop = asyncio.get_running_loop()
        pull = self._asked(request, request.step, priority, loop.time() + deadline_s)
        try:
            async with asyncio.timeout_at(pull.deadline_s) as limit:
                item = await pull.result
        except TimeoutError as error:
            if not limit.expired():
                raise  # the generator's own
            raise DeadlineExceeded(f"{self._name}: no result within {deadline_s:g} s") from error
        finally:
            self._forget(pull)
        if record is not None:
            record.spent("queue", pull.asked_s, pull.started_s)
            record.spent("work", pull.started_s, loop.time())
        return cast(T, item)

    def _asked(
        self,
        request: _Request[Any],
        step: Callable[[], Any],
        priority: Priority,
        deadline_s: float,
    ) -> _Pull:
        loop = asyncio.get_running_loop()
        number, now_s = next(self._numbers), loop.time()
        pull = _Pull(priority, deadline_s, number, request, step, loop.create_future(), now_s)
        heapq.heappush(self._waiting, pull)
        self._dispatch()
        return pull

    def _forget(self, pull: _Pull) -> None:
        """Let go of a pull that nobody waits for, and of the audio or text that its request holds."""
        if pull.result.cancelled() and pull in self._waiting:
            self._waiting.remove(pull)
            heapq.heapify(self._waiting)

    def _release(self, request: _Request[Any]) -> None:
        """Have a thread close a generator that was begun and not ended, before all other work."""
        if hasattr(request.items, "close") and not request.running and not self._closed:
            self._asked(request, request.close, Priority.FINAL, -math.inf)

    def _closing(self) -> EngineError:
        return EngineError(f"{self._name} is shutting down")

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._running) < self._threads and self._waiting:
            pull = heapq.heappop(self._waiting)
            if pull.result.done():  # its client has gone, or its deadline has passed
                continue
            pull.started_s = loop.time()
            self._running.append(pull)
            pull.request.running = True
            step = loop.run_in_executor(self._pool, pull.step)
            step.add_done_callback(functools.partial(self._finished, pull))

    def _finished(self, pull: _Pull, step: asyncio.Future[Any]) -> None:
        pull.request.running = False
        self._running.remove(pull)
        error = step.exception()
        if pull.result.done():  # its client has gone meanwhile
            self._release(pull.request)
        elif error is not None:
            pull.result.set_exception(error)
        else:
            pull.result.set_result(step.result())
        self._dispatch()
