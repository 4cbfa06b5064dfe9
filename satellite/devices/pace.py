"""Decides how many samples are due, for everything that takes sound faster than it can be heard.

Rule: never more than `lead_ms` ahead of the clock; what was missed in a stall is not made up for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from satellite.devices.convert import BLOCK_MS
from satellite.parts import Audio


class Pace:
    """Samples due at a time, in whole blocks; `now_s` is any clock that runs forwards."""

    def __init__(self, rate_hz: int, lead_ms: int, now_s: float) -> None:
        self.block_samples = rate_hz * BLOCK_MS // 1000
        self._rate_hz = rate_hz
        self._lead_samples = max(self.block_samples, rate_hz * lead_ms // 1000)
        self._began_s = now_s
        self._given_samples = 0

    def due(self, now_s: float) -> int:
        """How many samples may be given now, which are then taken as given; often 0."""
        heard = int((now_s - self._began_s) * self._rate_hz)
        if heard > self._given_samples:
            self._began_s = now_s - self._given_samples / self._rate_hz
            heard = self._given_samples
        room = heard + self._lead_samples - self._given_samples
        samples = room - room % self.block_samples
        self._given_samples += samples
        return samples


async def pump(
    rate_hz: int,
    lead_ms: int,
    fill: Callable[[int], Audio],
    write: Callable[[Audio], Awaitable[None]],
) -> None:
    """Ask for samples and write them, block by block at the speed of sound, until cancelled."""
    pace = Pace(rate_hz, lead_ms, time.monotonic())
    while True:
        for _ in range(pace.due(time.monotonic()) // pace.block_samples):
            await write(fill(pace.block_samples))
        await asyncio.sleep(BLOCK_MS / 1000)
