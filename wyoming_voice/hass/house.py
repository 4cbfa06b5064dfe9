"""The house as it is: fetched when somebody asks, fetched again when Home Assistant says that it changed.

Rule: nobody waits and nothing is raised; `house` is what is known, and what was known stays while Home
Assistant is away. Fetching takes a tenth of the time at most, however often the house changes.
"""

import asyncio
import contextlib
import logging
from collections import Counter

from wyoming_voice.hass.connection import Event, Hass
from wyoming_voice.hass.errors import HassError, Trouble
from wyoming_voice.hass.fetching import Fetched, fetch
from wyoming_voice.hass.registry import House

_log = logging.getLogger(__name__)

CHANGES = (
    "entity_registry_updated",
    "device_registry_updated",
    "area_registry_updated",
    "floor_registry_updated",
    "core_config_updated",
)
OLD_S = 600.0
"""After which the house is fetched again when somebody asks: not all that changes has an event."""
SETTLE_S = 1.0
"""Changes come in bursts; the first of one waits this long for the others."""


class HouseWatch:
    """What is known of the house behind `hass`, which is closed by whoever made it."""

    def __init__(self, hass: Hass, *, settle_s: float = SETTLE_S) -> None:
        self._hass = hass
        self._settle_s = settle_s
        self._house = House()
        self._stale = True
        self._closed = False
        self._good_until_s = self._took_s = 0.0
        self._fetching: asyncio.Task[None] | None = None
        self._at_once = asyncio.Event()
        self._told = ""
        hass.each_time(self._connected)
        for change in CHANGES:
            hass.subscribe(change, self._changed)

    @property
    def house(self) -> House:
        """What is known; an empty House before the first fetch. The same object while nothing changed."""
        return self._house

    def refresh(self) -> None:
        """Fetch where what is known may be old; returns at once. Needs a running event loop."""
        if not self._hass.connected:
            self._hass.start()
        if self._stale or asyncio.get_running_loop().time() > self._good_until_s:
            self._fetch_at_once()

    async def fetched(self) -> House:
        """The house after the fetch that is under way, if one is."""
        if self._fetching is not None:
            await asyncio.wait([self._fetching])
        return self._house

    async def close(self) -> None:
        """Fetch no more."""
        self._closed = True
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _connected(self) -> None:
        """What changed while there was no connection, nobody told."""
        self._fetch_at_once()

    def _changed(self, event: Event) -> None:
        self._stale = True
        self._begin()

    def _fetch_at_once(self) -> None:
        self._stale = True
        self._at_once.set()
        self._begin()

    def _begin(self) -> None:
        if not self._closed and (self._fetching is None or self._fetching.done()):
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        """Fetch until what is known is as new as what was heard of changes."""
        try:
            while self._stale:
                await self._hass.ready()
                await self._settle()
                self._stale = False
                began_s = asyncio.get_running_loop().time()
                fetched = await fetch(self._hass)
                ended_s = asyncio.get_running_loop().time()
                self._took_s = ended_s - began_s
                # Before Home Assistant has started, more will come, with or without an event.
                self._good_until_s = ended_s + OLD_S if fetched.running else ended_s
                self._learn(fetched)
        except HassError as error:
            self._stale = True
            # Of a connection that can't be made or is lost, the connection itself tells.
            if error.trouble not in (Trouble.AWAY, Trouble.TOKEN):
                self._tell(logging.WARNING, f"the house can't be fetched: {error}")

    async def _settle(self) -> None:
        """Let a burst of changes end, unless somebody asks."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(self._settle_s, 9 * self._took_s)):
                await self._at_once.wait()
        self._at_once.clear()

    def _learn(self, fetched: Fetched) -> None:
        if fetched.house != self._house:
            self._house = fetched.house
        level = logging.WARNING if fetched.lacking else logging.INFO
        self._tell(level, "; ".join((_summary(self._house), *fetched.lacking)))

    def _tell(self, level: int, text: str) -> None:
        if text != self._told:
            self._told = text
            _log.log(level, "%s", text)


def _summary(house: House) -> str:
    """`the house: 14 names (9 of entities, 4 of areas, 1 of floors)`."""
    counts = Counter[str](named.kind for named in house.names)
    kinds = {"entity": "entities", "area": "areas", "floor": "floors"}
    of = ", ".join(f"{counts[kind]} of {several}" for kind, several in kinds.items())
    return f"the house: {len(house.names)} names ({of})"
