"""What was said or written, kept from the first piece on, so that it can be played again to somebody else.

Rule: a listener gets every piece from where it asked for, in order, whether it was there already or is
still to come, and then the end.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

T = TypeVar("T")


class Tape(Generic[T]):
    """Pieces in their order; any number of listeners, at any time."""

    def __init__(self) -> None:
        self.pieces: list[T] = []
        self._complete = False
        self._moved = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Whether nothing more comes."""
        return self._complete

    def add(self, piece: T) -> None:
        """Keep one more piece; one that comes after the end is dropped."""
        if not self._complete:
            self.pieces.append(piece)
            self._move()

    def finish(self) -> None:
        """That was all."""
        self._complete = True
        self._move()

    async def begun(self) -> bool:
        """Wait for the first piece; False when the tape has ended without one."""
        while not self.pieces and not self._complete:
            await self._moved.wait()
        return bool(self.pieces)

    async def play(self, first: int = 0) -> AsyncGenerator[T, None]:
        """Every piece from number `first` on, those to come among them, until the end."""
        position = first
        while True:
            while position < len(self.pieces):
                position += 1
                yield self.pieces[position - 1]
            if self._complete:
                return
            await self._moved.wait()

    def _move(self) -> None:
        """Wake who waits; who comes next waits for the next move."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
