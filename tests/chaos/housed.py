"""A server in this process that can be killed as far as its clients can tell, and is started again at once.

For the short form: a process of its own takes seconds to start. Rule: a killed server says nothing more to
anybody, neither a word nor a goodbye: its connections end where they are, and nobody listens at its address.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.chaos.engines import Fates
from tests.chaos.places import place
from tests.chaos.processes import free_port
from tests.chaos.proxy import Proxy


class Housed:
    """One server and its successors, with the interface of `processes.Kept`."""

    def __init__(self, kind: str, fates: Fates, pause_s: float, **given: Any) -> None:
        self._port = free_port()
        self.uri = f"tcp://127.0.0.1:{self._port}"
        self.starts = 0
        self.kills = 0
        self.ready = asyncio.Event()
        self._kind = kind
        self._given = {"drain_s": 0, **given}
        self._fates = fates
        self._pause_s = pause_s
        self._killed = asyncio.Event()
        loop = asyncio.get_running_loop()
        fates.die = lambda: loop.call_soon_threadsafe(self._fall)

    def kill(self) -> bool:
        """Now; whether there was one to kill."""
        there = self.ready.is_set()
        self.kills += there
        self._fall()
        return there

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Housed"]:
        """Keep it running; it is ready at the beginning."""
        keeper = asyncio.create_task(self._keep())
        try:
            await self.ready.wait()
            yield self
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    def _fall(self) -> None:
        self.ready.clear()
        self._killed.set()

    async def _keep(self) -> None:
        while True:
            async with place(self._kind, self._fates, **self._given) as server:
                async with Proxy(server.address).running(self._port):
                    self.starts += 1
                    self._killed.clear()
                    self.ready.set()
                    await self._killed.wait()
                await asyncio.sleep(self._pause_s)
