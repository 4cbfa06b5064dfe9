"""What a client has sent and nobody has dealt with yet: bounded, so that a fast client has to wait."""

import asyncio
from collections import deque
from dataclasses import dataclass

_MOST_BYTES = 1_048_576


@dataclass(frozen=True)
class End:
    """No more comes."""


@dataclass(frozen=True)
class Cancel:
    """What was said is to be forgotten."""


Item = bytes | End | Cancel


class Inbox:
    """Items in the order in which they came; `put` waits while there is a megabyte of audio."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._held_bytes = 0
        self._changed = asyncio.Condition()

    async def put(self, item: Item) -> None:
        """Lay it behind the others, once there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._held_bytes < _MOST_BYTES)
            self._add(item)

    async def replace(self, item: Item) -> None:
        """Lay it in the place of all others."""
        async with self._changed:
            self._items.clear()
            self._held_bytes = 0
            self._add(item)

    async def get(self) -> Item:
        """The first of them, when there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._items))
            item = self._items.popleft()
            self._held_bytes -= _size(item)
            self._changed.notify_all()
            return item

    def _add(self, item: Item) -> None:
        self._items.append(item)
        self._held_bytes += _size(item)
        self._changed.notify_all()


def _size(item: Item) -> int:
    return len(item) if isinstance(item, bytes) else 0
