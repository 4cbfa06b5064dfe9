"""How late an event loop is: what blocks it keeps everybody waiting, and shows nowhere else.

Rule: looking costs next to nothing: one timer a second.
"""

import asyncio
from collections.abc import Callable

_PACE_S = 1.0


async def watch(late: Callable[[float], None]) -> None:
    """Say each second by how many seconds the loop was late for it; lives until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + _PACE_S
        await asyncio.sleep(_PACE_S)
        late(max(0.0, loop.time() - due_s))
