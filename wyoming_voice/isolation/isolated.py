"""An engine in a process of its own as its server sees it: loaded, called, woken, counted.

Rule: a call whose process ends is made once more in the next one, which makes the same items of the same
input; those that were delivered are not delivered again. It is made no more than twice: what brings an
engine down brings down two of them at most, and is then refused. Nothing is lost in silence.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from wyoming_voice.errors import EngineError
from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.isolation.keeper import Keeper
from wyoming_voice.isolation.messages import Begin, Ready
from wyoming_voice.isolation.process import Gone

_LOOK_S = 0.02
"""How often it is looked whether an engine is back."""


class NotLoaded(EngineError):
    """The engine is not in memory, and what was asked for is no reason to load it."""


class Isolated:
    """What engines of every kind have in common behind the line.

    One that `breathes` has None for an item where its caller may let others go first: also before it waits
    for the next process.
    """

    breathes = False

    def __init__(self, name: str, begin: Begin, bounds: Bounds) -> None:
        self._keeper = Keeper(name, begin, bounds)

    @property
    def failing(self) -> bool:
        """Whether the engine has failed and is not back yet; requests wait for it."""
        return self._keeper.failing

    @property
    def hopeless(self) -> bool:
        """Whether it won't come back by itself."""
        return self._keeper.hopeless

    @property
    def loaded(self) -> bool:
        """Whether the engine is in memory and can be asked."""
        return self._keeper.loaded

    @property
    def pid(self) -> int | None:
        """The engine's process, None where it is unloaded or has failed."""
        return self._keeper.pid

    def numbers(self) -> Iterator[tuple[str, float]]:
        """What operators want to see of it."""
        yield "engine_restarts", self._keeper.restarts
        yield "engine_loaded", float(self._keeper.loaded)
        yield "engine_memory_bytes", self._keeper.memory_bytes
        yield "engine_load_seconds", self._keeper.load_s

    def wake(self) -> None:
        """The engine will be needed soon; returns at once."""
        self._keeper.wake()

    def wait(self) -> None:
        """Until the engine is in memory; raises EngineError where that takes too long."""
        self._keeper.ready(self._keeper.bounds.wait_s)

    async def awaited(self) -> None:
        """Until a call need not wait for the engine to be loaded, or would be refused at once."""
        self._keeper.wake()
        until_s = time.monotonic() + self._keeper.bounds.wait_s
        while not self._keeper.settled(until_s) and time.monotonic() < until_s:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)

    def close(self) -> None:
        """End the process, for good; who waits for it is told so."""
        self._keeper.close()

    def join(self, within_s: float) -> bool:
        """After `close`: whether nothing is left of the process within this time."""
        return self._keeper.join(within_s)

    def _started(self) -> Ready:
        return self._keeper.start()

    def _called(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        answer: Callable[..., Any] | None = None,
        stopped: Callable[[], bool] | None = None,
    ) -> Iterator[Any]:
        """The items of `function(engine, call, *arguments)`; raises EngineError, and what it raised."""
        delivered, tried = 0, False
        while True:
            process = self._keeper.ready(self._keeper.bounds.wait_s)
            made = 0
            try:
                with contextlib.closing(
                    process.call(function, arguments, answer, stopped)
                ) as items:
                    for item in items:
                        made += item is not None
                        if item is None or made > delivered:
                            delivered = max(delivered, made)
                            yield item
                return
            except Gone as gone:
                if tried:
                    raise EngineError(f"twice over this request, {gone}") from gone
                tried = True
            if self.breathes:
                yield None

    def _called_aside(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        stopped: Callable[[], bool] | None = None,
    ) -> Iterator[Any]:
        """The items of a call that nobody waits for: the engine is neither loaded nor kept in memory for it.

        Made once. Raises NotLoaded, EngineError also where the process ends, and what the call raised.
        """
        absent = NotLoaded(f"the engine {self._keeper.name} is not in memory")
        process = self._keeper.at_hand()
        if process is None:
            raise absent
        call = process.call(function, arguments, None, stopped, needed=False)
        try:
            with contextlib.closing(call) as items:
                yield from items
        except Gone as gone:
            if self._keeper.failing:
                raise
            raise absent from gone  # it was unloaded before the call was open


def numbers(engines: Sequence[Isolated]) -> Iterator[tuple[str, float]]:
    """Those of several engines together: `engine_loaded` says how many are."""
    rows = [dict(engine.numbers()) for engine in engines]
    for name in rows[0] if rows else ():
        yield name, sum(row[name] for row in rows)
