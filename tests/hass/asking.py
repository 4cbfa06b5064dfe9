"""Asks a fake Home Assistant, and hears why not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.hass.fake import TOKEN
from wyoming_voice.hass.connection import Hass
from wyoming_voice.hass.errors import HassError
from wyoming_voice.hass.patience import Pauses

QUICK = Pauses(first_s=0.001, longest_s=0.01, asked_s=0.0, look_s=0.001)
ONCE = Pauses(first_s=60, asked_s=60, look_s=60)
"""What is tried once in a test's time."""


@asynccontextmanager
async def asking(
    url: str, token: Callable[[], str] = lambda: TOKEN, pauses: Pauses = ONCE
) -> AsyncIterator[Hass]:
    hass = Hass(url, token, pauses)
    try:
        yield hass
    finally:
        await hass.close()


def joining(hass: Hass) -> asyncio.Event:
    """Set when the next connection is made."""
    joined = asyncio.Event()
    hass.each_time(joined.set)
    return joined


async def trouble_of(hass: Hass, command: str = "get_config", timeout_s: float = 5.0) -> HassError:
    with pytest.raises(HassError) as raised:
        await hass.call(command, timeout_s=timeout_s)
    return raised.value
