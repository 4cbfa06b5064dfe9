"""Keeps a loudspeaker open while something is to sound, and opens it again when it has failed.

Rule: it is opened once at the start, so that a wrong one is told of before anything is to sound, then on
demand, and closed after half a minute of silence; one that stops asking for samples is as good as gone; what
an opening that is over still asks for is silence.
"""

import asyncio
import functools
import logging
from collections.abc import Callable

import numpy as np

from satellite.parts import Audio, DeviceError, Sink, Status

_log = logging.getLogger(__name__)

STALLED_S = 1.0
"""A sound server that was stopped calls nobody, and says nothing: only its silence tells."""
IDLE_S = 30.0
LEAD_IN_MS = 50
"""Amplifiers and Bluetooth swallow the beginning of what follows silence."""
OPENING_S = 5.0
WORKED_S = 1.0
"""An opening that lasted longer was a success, and the next attempt follows at once."""
RETRY_S, LONGEST_RETRY_S = 0.2, 5.0


class Outlet:
    """One `Sink` through all its openings.

    `render(count, lead_in)` gives blocks in the sink's thread; `tune` is told the rate before each
    first block; `tell` is given each new trouble as a sentence. `watch` is to be called often unless it is
    `resting`; it notices what the device doesn't say, and when it is time to try again.
    """

    def __init__(
        self,
        sink: Sink,
        render: Callable[[int, int], Audio],
        tune: Callable[[int], None],
        tell: Callable[[str], None],
        now_s: Callable[[], float],
    ) -> None:
        self.open = False
        self.resting = False
        self._sink = sink
        self._render = render
        self._tune = tune
        self._tell = tell
        self._now_s = now_s
        self._opening = 0  # counts up, so that a stale thread is told from the one that counts
        self._asked = False  # the present opening has asked for samples
        self._asked_s = 0.0
        self._opened_s = 0.0
        self._due_s = 0.0  # since when it should ask
        self._sounded_s = 0.0
        self._lead_in_samples = 0
        self._failures = 0  # one after another
        self._reopened = 0
        self._trouble = ""
        self._wanted = asyncio.Event()
        self._retry = asyncio.Event()
        self._retry_at_s = 0.0

    def want(self) -> None:
        """Something is to sound."""
        self._wanted.set()

    async def needed(self) -> None:
        """Wait until something is to sound."""
        await self._wanted.wait()

    @property
    def absent(self) -> bool:
        """There is no loudspeaker, and opening it again has failed too: nothing waits for it."""
        return self._failures > 0 and not self._asked

    @property
    def latency_ms(self) -> float:
        """How long after it was given a sample is heard."""
        return self._sink.latency_ms

    @property
    def _named(self) -> str:
        return f"the loudspeaker {self._sink.name!r}"

    def status(self) -> Status:
        """The device, whether it is open or closed for want of sound, and what is wrong with it."""
        return {
            "device": self._sink.name,
            "open": self.open,
            "resting": self.resting,
            "latency_ms": round(self._sink.latency_ms),
            "reopened": self._reopened,
            "trouble": self._trouble,
        }

    def watch(self, active: bool) -> None:
        """Notice a device that has stalled or works again, and one that nobody needs."""
        now_s = self._now_s()
        if now_s >= self._retry_at_s:
            self._retry.set()
        if active or not self.open:
            self._sounded_s = now_s
        if not active or not self.open:
            self._due_s = now_s
        if not self.open:
            if not active:
                self._wanted.clear()
        elif now_s - max(self._asked_s, self._due_s, self._opened_s) > STALLED_S:
            self._over(self._opening, f"{self._named} has asked for no sound for {STALLED_S:.0f} s")
        elif now_s - self._sounded_s > IDLE_S:
            self._wanted.clear()
            self._over(self._opening, "")
        elif self._asked and self._trouble:
            _log.info("%s is back", self._named)
            self._trouble = ""

    async def run(self) -> None:
        """Live until cancelled; opens at once, and then whenever it is wanted."""
        self._loop = asyncio.get_running_loop()
        self._wanted.set()
        while True:
            self.resting = True
            await self._wanted.wait()
            self.resting = False
            try:
                trouble = await self._one_opening()
            finally:
                self.open = self._asked = False
                self._opening += 1
                await self._sink.close()
            if trouble:
                await self._wait_to_retry(trouble)

    async def _one_opening(self) -> str:
        """Open, and stay so until it fails or nobody needs it: why, `""` in the latter case."""
        self._ended: asyncio.Future[str] = self._loop.create_future()
        this = self._opening
        try:
            async with asyncio.timeout(OPENING_S):
                await self._sink.open(
                    functools.partial(self._fill, this), functools.partial(self._lost, this)
                )
        except TimeoutError:
            return self._failed(f"{self._named} did not open within {OPENING_S:.0f} s")
        except DeviceError as error:
            return self._failed(str(error))
        self._begin()
        trouble = await self._ended
        if trouble and not (self._asked and self._now_s() - self._opened_s >= WORKED_S):
            return self._failed(trouble)
        self._failures = 0
        return trouble

    def _begin(self) -> None:
        self._tune(self._sink.rate_hz)
        self._lead_in_samples = self._sink.rate_hz * LEAD_IN_MS // 1000
        self._opened_s = self._sounded_s = self._now_s()
        self.open = True

    def _failed(self, trouble: str) -> str:
        self._failures += 1
        return trouble

    async def _wait_to_retry(self, trouble: str) -> None:
        if trouble != self._trouble:
            sentence = f"nothing can be heard: {trouble}"
            _log.warning("%s", sentence)
            self._tell(sentence)
        self._trouble = trouble
        self._reopened += 1
        if self._failures:
            delay_s = min(LONGEST_RETRY_S, RETRY_S * 2 ** (self._failures - 1))
            self._retry_at_s = self._now_s() + delay_s
            self._retry.clear()
            await self._retry.wait()

    def _fill(self, opening: int, count: int) -> Audio:
        if opening != self._opening or not self.open:
            return np.zeros(count, np.float32)
        self._asked_s = self._now_s()
        self._asked = True
        lead_in = min(count, self._lead_in_samples)
        self._lead_in_samples -= lead_in
        return self._render(count, lead_in)

    def _lost(self, opening: int, reason: str) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(
                self._over, opening, reason or f"{self._named} has gone"
            )

    def _over(self, opening: int, reason: str) -> None:
        if opening == self._opening and not self._ended.done():
            self._ended.set_result(reason)
