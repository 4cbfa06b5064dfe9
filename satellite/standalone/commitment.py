"""Whether work that was begun on a guess is wanted.

Rule: it is settled once. What was wanted before it failed is anybody's work, with all that its failure
means; what failed before it was wanted has never been, and nobody is told.
"""

import asyncio
from typing import Self


class NotToBe(Exception):
    """Work on a guess that failed, or was not possible, before anybody wanted it."""


class Commitment:
    """Not yet made, made, or never to be made."""

    def __init__(self) -> None:
        self._made = False
        self._settled = asyncio.Event()

    @classmethod
    def given(cls) -> Self:
        """One that was made before the work began."""
        commitment = cls()
        commitment.make()
        return commitment

    @property
    def made(self) -> bool:
        """Whether the work is wanted for certain."""
        return self._made

    def make(self) -> bool:
        """The work is wanted; False when it has failed already."""
        self._made = self._made or not self._settled.is_set()
        self._settled.set()
        return self._made

    def fail(self) -> bool:
        """The work has failed; whether that was before it was wanted, so that it never will be."""
        self._settled.set()
        return not self._made

    async def settled(self) -> bool:
        """Wait until it has been made, or never will be; which of the two."""
        await self._settled.wait()
        return self._made
