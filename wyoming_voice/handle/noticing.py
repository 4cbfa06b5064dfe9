"""When the listener is told that a model is being waited for.

Rule: once for each answer, and only while there is nothing else to be heard.
"""

import asyncio
from collections.abc import AsyncGenerator

from wyoming_voice.handle.deltas import Delta, Text, Thinking, Waiting
from wyoming_voice.handle.reply import Notice


async def noticing(
    deltas: AsyncGenerator[Delta, None], notice: Notice, after_s: float
) -> AsyncGenerator[Delta | Notice, None]:
    """`deltas`, with `notice` once between them when a model is waited for until `after_s` have passed.

    Counted from the first Waiting; none comes once the model is at work, nor when the notice is empty.
    """
    due_s: float | None = None
    open_ = bool(notice.text)
    step: asyncio.Future[Delta | None] | None = None
    try:
        while True:
            step = step or asyncio.ensure_future(anext(deltas, None))
            left_s = None if due_s is None or not open_ else max(0.0, due_s - _now_s())
            await asyncio.wait((step,), timeout=left_s)
            if not step.done():
                open_ = False
                yield notice
                continue
            delta, step = step.result(), None
            if delta is None:
                return
            if isinstance(delta, Waiting) and due_s is None:
                due_s = _now_s() + after_s
            open_ = open_ and not isinstance(delta, Text | Thinking)
            yield delta
    finally:
        if step is not None:
            step.cancel()
            await asyncio.wait((step,))
        await deltas.aclose()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
