"""Asks Home Assistant for everything that a House is made of, in pieces of bounded size.

Rule: what is refused is left out and named; only a Home Assistant that is away, or too slow, ends a fetch.
No piece is so long that reading it holds up the event loop for more than some milliseconds.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

from wyoming_voice.hass.connection import Hass
from wyoming_voice.hass.errors import HassError, Trouble
from wyoming_voice.hass.registry import (
    Building,
    House,
    Lists,
    Piece,
    entries_in,
    exposed,
    exposed_by_their_options,
    registered,
    shown_in,
)

FETCH_S = 20.0
"""For one answer; a small computer with a large house needs a second."""
_AT_A_TIME = 100
_WITHOUT = {
    "get_config": "the language and the units",
    "config/floor_registry/list": "every floor",
    "config/area_registry/list": "every area and room",
    "config/device_registry/list": "the room of every device",
    "config/entity_registry/list_for_display": "the room of every satellite and entity",
    "config/entity_registry/get_entries": "every alias",
    "homeassistant/expose_entity/list": "what is exposed without a unique id",
    "subscribe_entities": "every name that isn't in the registry",
}
_MOST_ENTITIES = 20_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """A house, and what Home Assistant refused to say of it."""

    house: House
    lacking: tuple[str, ...] = ()
    running: bool = True
    """Home Assistant has started; before, more may come."""


async def fetch(hass: Hass) -> Fetched:
    """The house as it is; raises HassError."""
    asking = _Asking(hass)
    lists = Lists(
        config=await asking.call("get_config"),
        floors=await asking.call("config/floor_registry/list"),
        areas=await asking.call("config/area_registry/list"),
        devices=await asking.call("config/device_registry/list"),
        displayed=await asking.call("config/entity_registry/list_for_display"),
        exposed=await asking.call("homeassistant/expose_entity/list"),
    )
    building = Building(lists)
    await asyncio.sleep(0)
    async for piece in _pieces(asking, lists):
        building.add(piece)
    return Fetched(building.finish(), tuple(asking.lacking), _running(lists.config))


async def _pieces(asking: "_Asking", lists: Lists) -> AsyncIterator[Piece]:
    """The exposed entities; who may not have them listed looks at every entity's own options."""
    listed = lists.exposed is not None
    ids = exposed(lists.exposed) if listed else registered(lists.displayed)
    for start in range(0, min(len(ids), _MOST_ENTITIES), _AT_A_TIME):
        some = ids[start : start + _AT_A_TIME]
        answer = await asking.call("config/entity_registry/get_entries", entity_ids=some)
        entries = entries_in(answer)
        if not listed:
            some = exposed_by_their_options(entries)
        if some:
            event = await asking.glimpse("subscribe_entities", entity_ids=some)
            yield Piece(some, entries, None if event is None else shown_in(event))


class _Asking:
    """Asks, and remembers what was refused."""

    def __init__(self, hass: Hass) -> None:
        self._hass = hass
        self.lacking: list[str] = []

    async def call(self, command: str, **fields: object) -> object:
        """The answer, None where it is refused; raises HassError for anything else."""
        return await self._answered(command, self._hass.call(command, timeout_s=FETCH_S, **fields))

    async def glimpse(self, command: str, **fields: object) -> object:
        """The first event, likewise."""
        event = self._hass.glimpse(command, timeout_s=FETCH_S, **fields)
        return await self._answered(command, event)

    async def _answered(self, command: str, answer: Awaitable[object]) -> object:
        try:
            return await answer
        except HassError as error:
            if error.trouble not in (Trouble.REFUSED, Trouble.FAILED):
                raise
            missing = f"{error}: {_WITHOUT[command]} is missing"
            if missing not in self.lacking:
                self.lacking.append(missing)
            return None


def _running(config: object) -> bool:
    match config:
        case {"state": str(state)}:
            return state == "RUNNING"
    return True
