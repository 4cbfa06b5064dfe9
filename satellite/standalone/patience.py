"""How long servers are waited for, and how a wait ends."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long a server may be silent, in seconds.

    `transcript_s` counts from the end of the utterance, `words_s` between two signs of life of the
    handle server, `speech_s` between two pieces of audio once the text is complete, `end_s` from when all
    has been spoken until the handle server, who said that this was all, is done. `return_s` is how long
    one that was there and has gone is waited for, since it is probably being started again.

    A server that says on request that it lives (PONGS) is asked for that when nothing has come for `quiet_s`,
    and taken for frozen when nothing has come `pong_s` after that. Where that was wrong (a gap in the Wi-Fi,
    a machine that swaps) it costs the work so far: it is asked again, on another connection.
    """

    transcript_s: float = 10.0
    words_s: float = 25.0
    speech_s: float = 15.0
    end_s: float = 5.0
    return_s: float = 10.0
    quiet_s: float = 1.0
    pong_s: float = 2.0

    @classmethod
    def within(cls, answer_s: float) -> Self:
        """Waits that end before a turn fails for want of progress, so that another server has its go."""
        return cls(
            transcript_s=answer_s / 3,
            words_s=answer_s * 5 / 6,
            speech_s=answer_s / 2,
            return_s=answer_s / 3,
        )


async def in_time(step: Awaitable[T], before: asyncio.Task[None], limit_s: float) -> T:
    """What `step` gives; TimeoutError when that takes over `limit_s` from the end of `before` on.

    What `before` raises is passed over: a server that can't be written to says why where it is read.
    """
    stepping = asyncio.ensure_future(step)
    try:
        await asyncio.wait((stepping, before), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((stepping,), timeout=limit_s)
        if not stepping.done():
            raise TimeoutError
        return stepping.result()
    finally:
        await ended(stepping)


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
