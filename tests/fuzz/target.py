"""What a fuzzing target is: a function of bytes, with inputs to begin with and words worth trying.

Rule: a target raises nothing, whatever the bytes; what it raises is a finding. What the code under it may
raise by its contract, the target takes itself.
"""

import asyncio
import atexit
import functools
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from wyoming_voice.errors import VoiceError

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """`run` drives the code; `seeds` are inputs that come far in it, `words` pieces of its language."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...] = ()
    words: tuple[str, ...] = ()
    most_bytes: int = 4096

    @property
    def name(self) -> str:
        """As the command line has it."""
        return self.run.__name__.replace("_", "-")


def spoken(*texts: str, head: bytes = b"\0\0\0\0") -> tuple[bytes, ...]:
    """Seeds for a target that draws a few choices before its text."""
    return tuple(head + text.encode() for text in texts)


def dice(sizes: tuple[int, ...] = (40, 200, 800, 2000)) -> tuple[bytes, ...]:
    """Seeds for a target that draws all it does: bytes without a meaning, always the same."""
    chance = random.Random(7)
    return tuple(chance.randbytes(size) for size in sizes for _ in range(3))


def check_told(error: VoiceError) -> None:
    """What a peer is told has a code, and doesn't repeat at length what it sent."""
    assert error.code
    assert len(str(error)) < 1000


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(_close, loop)
    return loop


def _close(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):  # of generators that nobody read to their end
        task.cancel()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, in one event loop for all inputs: a loop of its own costs 0.3 ms."""
    return _loop().run_until_complete(work)
