"""The house whose names the recogniser is told: fetched while somebody speaks, ranked once for each change.

Rule: nobody waits for Home Assistant; what isn't known when a decode begins is not told. The libraries that
it takes are loaded where a house is configured.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from wyoming_voice.asr.engine import Glossary
from wyoming_voice.asr.names.house_names import glossary
from wyoming_voice.hass.access import hass_of
from wyoming_voice.hass.registry import House
from wyoming_voice.hass.settings import HassSettings

_log = logging.getLogger(__name__)


class Watch(Protocol):
    """Knows the house as it is: `hass.house.HouseWatch`."""

    @property
    def house(self) -> House:
        """What is known; empty before anything is."""

    def refresh(self) -> None:
        """Fetch where what is known may be old; returns at once."""

    async def close(self) -> None:
        """Fetch no more."""


class Household:
    """The names of a house, by whoever watches it; `hang_up` ends the connection that the watch uses."""

    def __init__(self, watch: Watch, hang_up: Callable[[], Awaitable[None]] | None = None) -> None:
        self._watch = watch
        self._hang_up = hang_up
        self._ranked: tuple[House | None, Glossary] = (None, Glossary())

    def refresh(self) -> None:
        """Somebody begins to speak: fetch what may have changed. On the event loop; returns at once."""
        self._watch.refresh()

    def names(self) -> Glossary:
        """What is known at the moment; the same object while nothing changes. From any thread."""
        house = self._watch.house
        known, ranked = self._ranked
        if known is not house:
            ranked = glossary(house)
            self._ranked = (house, ranked)
            _log.debug("names of the house: %s", ", ".join(ranked.names))
        return ranked

    async def close(self) -> None:
        """Fetch no more, and hang up."""
        await self._watch.close()
        if self._hang_up is not None:
            await self._hang_up()


def household(settings: HassSettings) -> Household | None:
    """The house that the settings name, None where they name none. Raises ConfigError."""
    hass = hass_of(settings)
    if hass is None:
        return None
    from wyoming_voice.hass.house import HouseWatch

    return Household(HouseWatch(hass), hass.close)
