"""Calls of several threads that want the same work done become one piece of work.

Rule: nobody waits for company. A call runs at once where there is room; while all workers are at work, what
arrives collects, and the next turn takes all that wants the same as the call that has waited longest. It is
that call's own thread that does the work of its batch: none is started here.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Kind(Generic[T, R]):
    """What can be done together: calls whose `key` is equal, at most `most` of them.

    `work` takes their items and returns one result for each, in the same order. It may raise
    RuntimeError, ValueError or MemoryError.
    """

    key: Hashable
    work: Callable[[Sequence[T]], Sequence[R]]
    most: int


@dataclass(eq=False)
class _Call:
    kind: Kind[Any, Any]
    item: Any
    turn: threading.Event = field(default_factory=threading.Event)
    batch: "list[_Call]" = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    error: Exception | None = None

    def answer(self) -> Any:
        if self.error is not None:
            raise self.error
        if not self.results:
            raise RuntimeError("the batch that this request was part of broke off")
        return self.results[0]


class Batches:
    """At most `at_once` batches are at work at the same time."""

    def __init__(self, at_once: int) -> None:
        self._lock = threading.Lock()
        self._free = at_once
        self._waiting: list[_Call] = []

    @property
    def waiting(self) -> int:
        """How many calls wait for a turn."""
        return len(self._waiting)

    def run(self, kind: Kind[T, R], item: T) -> R:
        """The result for `item`, worked out alone or with others; raises what `kind.work` raises for it."""
        call = _Call(kind, item)
        with self._lock:
            self._waiting.append(call)
            self._give_turns()
        call.turn.wait()
        if call.batch:
            self._lead(call.batch)
        result: R = call.answer()
        return result

    def _give_turns(self) -> None:
        """With the lock held: as many batches as there is room for; the first call of each leads it."""
        while self._free and self._waiting:
            kind = self._waiting[0].kind
            same = [call for call in self._waiting if call.kind.key == kind.key][: kind.most]
            self._waiting = [call for call in self._waiting if call not in same]
            self._free -= 1
            same[0].batch = same
            same[0].turn.set()

    def _lead(self, batch: list[_Call]) -> None:
        try:
            _work(batch)
        finally:
            with self._lock:
                self._free += 1
                self._give_turns()
            for call in batch:
                call.turn.set()


def _work(batch: list[_Call]) -> None:
    """Fill in the results; what fails together is tried one by one, so that each fails for itself."""
    kind = batch[0].kind
    try:
        results = kind.work([call.item for call in batch])
        for call, result in zip(batch, results, strict=True):
            call.results.append(result)
    except (RuntimeError, ValueError, MemoryError) as error:
        if len(batch) == 1:
            batch[0].error = error
            return
        for call in batch:
            call.results.clear()
            _work([call])
