"""Who goes first where several wait for a model: ranks, deadlines, turns, and how long it will take.

Rule: nothing here knows a clock or a thread; times are handed in, in seconds of one clock.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Generic, Protocol, TypeVar

_MEASURED_ITEMS = 16
"""How many items the running mean is of; before so many there is none."""

LONG_S = 5.0
LONG_ITEMS = 8
"""Work, and items, after which a request that is served as a whole takes turns with others: a dictation of
minutes must not keep a command waiting. A command has fewer items, however slow the machine."""


class Priority(IntEnum):
    """Who goes first; within a rank the earliest deadline does."""

    FINAL = 0
    SPECULATIVE = 1
    PARTIAL = 2
    BATCH = 3


class Turns(Enum):
    """In what order the items of requests of one rank are made."""

    BY_ITEM = auto()
    """By when each item was asked for: speech, of which everybody wants the beginning first."""

    BY_REQUEST = auto()
    """By when the first was asked for: answers, of which one complete is worth more than two begun. Who
    has had LONG_S of work, and LONG_ITEMS, goes on as in BY_ITEM."""


@dataclass(eq=False)
class Standing:
    """The rank of one request, which may change while it waits or is served (`Worker.promote`)."""

    priority: Priority


class Ranked(Protocol):
    """What can wait."""

    @property
    def standing(self) -> Standing:
        """The request's."""

    @property
    def due_s(self) -> float:
        """The earlier of two of one rank goes first."""


R = TypeVar("R", bound=Ranked)


class Waiting(Generic[R]):
    """Those who wait; of equals, the one who came first goes first."""

    def __init__(self) -> None:
        self._all: list[R] = []

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, one: R) -> bool:
        return one in self._all

    def put(self, one: R) -> None:
        """Wait behind the others."""
        self._all.append(one)

    def take(self, least: Priority) -> R | None:
        """Who goes next, of those with this rank at least; None when nobody may."""
        # A rank may change while somebody waits, and a house of a hundred is looked through in no time.
        able = (one for one in self._all if one.standing.priority <= least)
        first = min(able, key=_place, default=None)
        if first is not None:
            self._all.remove(first)
        return first

    def remove(self, one: R) -> None:
        """Leave without having been served."""
        self._all.remove(one)

    def clear(self) -> list[R]:
        """Send everybody away; returns them."""
        gone, self._all = self._all, []
        return gone

    def of(self, priority: Priority) -> list[R]:
        """Those of one rank."""
        return [one for one in self._all if one.standing.priority is priority]

    def ahead_of(self, priority: Priority, due_s: float) -> int:
        """How many would go before one who came at this moment."""
        return sum(_place(one) <= (priority, due_s) for one in self._all)


class Pace:
    """How long items have taken of late."""

    def __init__(self) -> None:
        self._items_s: deque[float] = deque(maxlen=_MEASURED_ITEMS)

    def push(self, item_s: float) -> None:
        """An item was made in this time."""
        self._items_s.append(item_s)

    def wait_s(self, items: int, threads: int) -> float:
        """How long `items` take; 0 as long as too little was measured to say."""
        if len(self._items_s) < _MEASURED_ITEMS:
            return 0.0
        return items * sum(self._items_s) / _MEASURED_ITEMS / threads


def is_long(worked_s: float, items: int) -> bool:
    """Whether a request is no command any more, by what has been done of it."""
    return worked_s > LONG_S and items > LONG_ITEMS


def _place(one: Ranked) -> tuple[Priority, float]:
    return one.standing.priority, one.due_s
