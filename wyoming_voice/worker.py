"""The one door between the event loop and a model's threads: whose item runs next, and who is refused.

A request is a generator; a thread makes one item of it for each pull. So a slow reader holds no thread,
requests of equal rank take turns item by item, and a request that is dropped costs at most the item in
progress and the generator's own clean-up. All decisions are taken on the event loop; the threads only
run what they are given. Rule: only FINAL requests count, and only they are refused; what is below costs
none of them a place, and where there are two threads or more not a thread either.
"""

import asyncio
import contextlib
import functools
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy, DeadlineExceeded, EngineError
from wyoming_voice.pulls import AT_ONCE, END, Pull, Work
from wyoming_voice.ranks import Pace, Priority, Standing, Turns, Waiting, is_long

__all__ = ["Priority", "Standing", "Turns", "Worker"]

T = TypeVar("T")


class Worker:
    """`threads` threads that serve at most `max_requests` FINAL requests at a time."""

    def __init__(
        self,
        name: str,
        *,
        threads: int = 1,
        max_requests: int = 32,
        turns: Turns = Turns.BY_ITEM,
    ) -> None:
        self.max_requests = max_requests
        self._name = name
        self._turns = turns
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._open: set[Work[Any]] = set()
        self._running: list[Pull] = []
        self._waiting = Waiting[Pull]()
        self._held = Waiting[Pull]()  # until what they can't be made without is there
        self._pace = Pace()
        self._closed = False

    @property
    def threads(self) -> int:
        """How many items are made at a time; may be set at any time, on the event loop."""
        return self._threads

    @threads.setter
    def threads(self, threads: int) -> None:
        if threads == self._threads or self._closed:
            return
        self._threads = threads
        self._pool.shutdown(wait=False)  # once what runs in it has ended
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=self._name)
        if self._waiting:
            self._dispatch()

    @property
    def busy(self) -> bool:
        """Whether a thread is in the middle of an item."""
        return any(pull.request.running for pull in self._running)

    @property
    def idle(self) -> bool:
        """Whether nobody, of whatever rank, is being served or waits."""
        return not self._open and not self.busy

    def stuck(self, after_s: float) -> bool:
        """Whether a thread has been at one item for longer than `after_s`, or has died over it."""
        oldest_s = min((pull.started_s for pull in self._running), default=math.inf)
        return self.busy and asyncio.get_running_loop().time() - oldest_s > after_s

    @property
    def requests(self) -> int:
        """How many requests, of whatever rank, are being served or wait."""
        return len(self._open)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """How full it is: FINAL requests that wait for an item, the oldest wait, places and threads."""
        finals = [*self._held.of(Priority.FINAL), *self._waiting.of(Priority.FINAL)]
        asked_s = [pull.asked_s for pull in finals if pull.due_s > AT_ONCE]
        oldest_s = asyncio.get_running_loop().time() - min(asked_s) if asked_s else 0.0
        yield "queue_depth", len(asked_s)
        yield "queue_oldest_seconds", oldest_s
        yield "queue_capacity", self.max_requests
        yield "worker_requests", self._finals
        yield "worker_busy", sum(pull.request.running for pull in self._running)
        yield "worker_threads", self._threads

    def stream(
        self,
        make: Callable[[], Iterator[T]],
        *,
        deadline_s: float,
        priority: Priority | Standing = Priority.FINAL,
        record: TurnRecord | None = None,
        until: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncGenerator[T, None]:
        """The items of `make()`, each made in a thread when it is asked for.

        `until` awaits what an item can't be made without, such as an engine that is being loaded: no thread
        is held up meanwhile. `deadline_s` bounds the wait for each item. Waiting and working time go into
        `record` as the stages `queue` and `work`. Raises Busy at once when the house is full, or when the
        first item can't be had in time; DeadlineExceeded; EngineError after `close`; whatever the generator
        raises.
        """
        standing = priority if isinstance(priority, Standing) else Standing(priority)
        return self._served(Work(make, standing, deadline_s, record, measured=True, until=until))

    async def call(
        self,
        function: Callable[[], T],
        *,
        deadline_s: float,
        priority: Priority = Priority.FINAL,
        record: TurnRecord | None = None,
    ) -> T:
        """One function's result, under the rules of `stream`.

        How long it took says nothing about requests: it is the loading of a model, as a rule.
        """
        request = Work(
            lambda: iter([function()]), Standing(priority), deadline_s, record, measured=False
        )
        async with contextlib.aclosing(self._served(request)) as items:
            return await anext(items)

    def promote(self, standing: Standing, priority: Priority) -> None:
        """Give the request with this standing another rank, also while it waits; it is not refused."""
        standing.priority = priority
        if not self._closed:
            self._dispatch()

    def close(self) -> None:
        """Take no more work; an item in progress runs to its end in its thread, what waits fails."""
        self._closed = True
        for pull in self._waiting.clear():
            if pull.due_s > AT_ONCE and not pull.result.done():
                pull.result.set_exception(self._closing())
        self._pool.shutdown(wait=False)

    async def _served(self, request: Work[T]) -> AsyncGenerator[T, None]:
        if request.standing.priority is Priority.FINAL:
            self._refuse_if_hopeless(request)
        self._open.add(request)
        try:
            while (item := await self._pull(request)) is not END:
                yield item
        finally:
            self._open.discard(request)
            self._release(request)

    @property
    def _finals(self) -> int:
        return sum(request.standing.priority is Priority.FINAL for request in self._open)

    def _refuse_if_hopeless(self, request: Work[Any]) -> None:
        if (finals := self._finals) >= self.max_requests:
            raise Busy(f"{self._name} serves {finals} requests already; try again later")
        due_s = asyncio.get_running_loop().time() + request.deadline_s
        held = (pull for pull in self._held.of(Priority.FINAL) if pull.due_s <= due_s)
        ahead = self._waiting.ahead_of(Priority.FINAL, due_s)
        ahead += sum(pull.request.until == request.until for pull in held)  # others may come later
        wait_s = self._pace.wait_s(ahead, self._threads)
        if wait_s > request.deadline_s:
            raise Busy(
                f"{self._name} has work for about {wait_s:.0f} s, and a request may wait"
                f" {request.deadline_s:g} s; try again later"
            )

    async def _pull(self, request: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + request.deadline_s
        due_s = self._due_s(request, deadline_s)
        pull = Pull(request, request.step, request.standing, due_s)
        try:
            async with asyncio.timeout_at(deadline_s) as limit:
                await self._hold(pull)
                if self._closed:
                    raise self._closing()
                self._put(pull)
                item = await pull.result
        except TimeoutError as error:
            if not limit.expired():
                raise  # the generator's own
            raise DeadlineExceeded(
                f"{self._name}: no result within {request.deadline_s:g} s"
            ) from error
        finally:
            self._forget(pull)
        self._note(pull, loop.time())
        return cast(T, item)

    def _due_s(self, request: Work[Any], deadline_s: float) -> float:
        """By what an item of a request is compared with those of others."""
        if self._turns is Turns.BY_ITEM or is_long(request.worked_s, request.made):
            return deadline_s
        if request.first_due_s is None:
            request.first_due_s = deadline_s
        return request.first_due_s

    def _note(self, pull: Pull, ended_s: float) -> None:
        request, work_s = pull.request, ended_s - pull.started_s
        request.worked_s += work_s
        request.made += 1
        if request.measured:
            self._pace.push(work_s)
        if request.record is not None:
            request.record.spent("queue", pull.asked_s, pull.started_s)
            request.record.spent("work", pull.started_s, ended_s)

    async def _hold(self, pull: Pull) -> None:
        """Until what its request can't do without is there; it is before those who come meanwhile."""
        if pull.request.until is None:
            return
        self._held.put(pull)
        try:
            await pull.request.until()
        finally:
            self._held.remove(pull)

    def _put(self, pull: Pull) -> None:
        self._waiting.put(pull)
        self._dispatch()

    def _forget(self, pull: Pull) -> None:
        """Let go of a pull that nobody waits for, and of the audio or text that its request holds."""
        if pull.result.cancelled() and pull in self._waiting:
            self._waiting.remove(pull)

    def _release(self, request: Work[Any]) -> None:
        """Have a thread close a generator that was begun and not ended, before all other work."""
        if hasattr(request.items, "close") and not request.running and not self._closed:
            self._put(Pull(request, request.close, Standing(Priority.FINAL), AT_ONCE))

    def _closing(self) -> EngineError:
        return EngineError(f"{self._name} is shutting down")

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._running) < self._threads:
            pull = self._waiting.take(self._least())
            if pull is None:
                return
            if pull.result.done():  # its client has gone, or its deadline has passed
                continue
            pull.started_s = loop.time()
            self._running.append(pull)
            pull.request.running = True
            step = loop.run_in_executor(self._pool, pull.request.context.run, pull.step)
            step.add_done_callback(functools.partial(self._finished, pull))

    def _least(self) -> Priority:
        """The rank that the next item must have: the last free thread is kept for who can't be guessed."""
        last_one = len(self._running) == self._threads - 1 and self._threads > 1
        return Priority.FINAL if last_one else Priority.BATCH

    def _finished(self, pull: Pull, step: asyncio.Future[Any]) -> None:
        pull.request.running = False
        error = step.exception()
        if pull.result.done():  # its client has gone meanwhile
            self._release(pull.request)
        elif error is not None:
            pull.result.set_exception(error)
        else:
            pull.result.set_result(step.result())
        # Its thread is free when it could ask for its next item, which may still be the first in rank.
        asyncio.get_running_loop().call_soon(self._free, pull)

    def _free(self, pull: Pull) -> None:
        self._running.remove(pull)
        self._dispatch()
