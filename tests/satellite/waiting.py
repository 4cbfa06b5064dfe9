"""How a test waits for what must come: by looking again and again, never for a time that it trusts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

PATIENCE_S = 10.0


async def until(holds: Callable[[], object]) -> None:
    """Return once something holds; fails after ten seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def running(part: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """A part's `run()`, cancelled at the end; what it raised by itself fails the test."""
    task = asyncio.create_task(part)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
