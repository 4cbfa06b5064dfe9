"""A server in this process that can be killed as far as its clients can tell, and is started again at once.

For the short form: a process of its own takes seconds to start. Rule: a killed server says nothing more to
anybody, neither a word nor a goodbye: its connections end where they are, and nobody listens at its address.
An engine that kills its server comes back from that when all this is so.
"""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from typing import Any

from tests.chaos.engines import Fate, Fates
from tests.chaos.overheard import Overheard
from tests.chaos.places import place
from tests.chaos.processes import claimed_port, kept
from tests.chaos.proxy import Proxy

_WAIT_S = 20.0
"""The longest that an engine's thread waits for the loop: who waited for what can't come must end, too."""


class _Life:
    """One server of several, for its engine, whose thread waits here."""

    def __init__(self, fates: Fates) -> None:
        loop = asyncio.get_running_loop()
        self.killed = asyncio.Event()
        self._over = threading.Event()
        self._passed: set[int] = set()
        self._news = threading.Condition()
        fates.sent = self._wait_for
        fates.die = lambda: self._die(loop)

    def tap(self) -> Callable[[bytes], None]:
        """Who listens to what one more client is sent."""
        overheard = Overheard()

        def listen(data: bytes) -> None:
            if numbers := overheard.push(data):
                self._note(numbers)

        return listen

    def end(self) -> None:
        """Nothing passes any more."""
        self._over.set()
        self._note(())

    def _note(self, numbers: Iterable[int]) -> None:
        with self._news:
            self._passed.update(numbers)
            self._news.notify_all()

    def _wait_for(self, numbers: Collection[int]) -> None:
        with self._news:
            self._news.wait_for(
                lambda: self._passed.issuperset(numbers) or self._over.is_set(), _WAIT_S
            )

    def _die(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(self.killed.set)
        self._over.wait(_WAIT_S)


class Housed:
    """One server and its successors, with the interface of `processes.Kept`."""

    def __init__(self, kind: str, fates: Iterable[Fate], pause_s: float, **given: Any) -> None:
        self._claim = claimed_port()
        self._port: int = self._claim.getsockname()[1]
        self.uri = f"tcp://127.0.0.1:{self._port}"
        self.starts = 0
        self.kills = 0
        self.ready = asyncio.Event()
        self._kind = kind
        self._given = {"drain_s": 0, **given}
        self._fates = itertools.cycle(fates)
        self._pause_s = pause_s
        self._life: _Life | None = None

    def kill(self) -> bool:
        """Now; whether there was one to kill."""
        if self._life is None or not self.ready.is_set():
            return False
        self.kills += 1
        self.ready.clear()
        self._life.killed.set()
        return True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Housed"]:
        """Keep it running; it is ready at the beginning."""
        with self._claim:
            async with kept(self._keep(), self.ready):
                yield self

    async def _keep(self) -> None:
        while True:
            fates = Fates(self._fates)
            life = self._life = _Life(fates)
            async with place(self._kind, fates, **self._given) as server:
                try:
                    async with Proxy(server.address, tap=life.tap).running(self._port):
                        self.starts += 1
                        self.ready.set()
                        await life.killed.wait()
                        self.ready.clear()
                finally:
                    life.end()
                await asyncio.sleep(self._pause_s)
