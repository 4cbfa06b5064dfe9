"""How a device's task ends."""

import asyncio


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel a device's task, if there is one, and wait until it has cleaned up."""
    if task is None:
        return
    task.cancel()
    await asyncio.wait({task})
