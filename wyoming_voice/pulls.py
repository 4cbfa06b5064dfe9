"""What a Worker is given: work that is made item by item, and one pull for each item.

Rule: whatever a thread runs of it ends with a result or an exception that a future takes.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.ranks import Standing

T = TypeVar("T")
END: Any = object()
"""Comes after the last item."""
AT_ONCE = -math.inf
"""When a clean-up is due, for which nobody waits."""


@dataclass(eq=False)
class Work(Generic[T]):
    """One request: what makes its items, how far it has got, and the context (whose turn) it is made in.

    Before each item `until` is awaited, on the event loop.
    """

    make: Callable[[], Iterator[T]]
    standing: Standing
    deadline_s: float
    record: TurnRecord | None
    measured: bool
    until: Callable[[], Awaitable[object]] | None = None
    items: Iterator[T] | None = None
    running: bool = False
    first_due_s: float | None = None
    worked_s: float = 0.0
    made: int = 0
    context: Context = field(default_factory=copy_context)

    def step(self) -> T:
        """In a thread: the next item, or END."""
        try:
            if self.items is None:
                self.items = iter(self.make())
            item = next(self.items, cast(T, END))
        except (StopIteration, SystemExit) as error:
            # No future takes the one: the thread would seem busy for ever. The other ends the server.
            raise RuntimeError(f"{type(error).__name__} raised where an item is made") from error
        if item is END:
            self.items = None
        return item

    def close(self) -> None:
        """In a thread: let the generator clean up."""
        close = getattr(self.items, "close", None)
        if close is not None:
            close()


@dataclass(eq=False)
class Pull:
    """One item that somebody waits for; due at `due_s`, asked for and begun at their times."""

    request: Work[Any]
    step: Callable[[], Any]
    standing: Standing
    due_s: float
    result: asyncio.Future[Any] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    asked_s: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    started_s: float = 0.0
