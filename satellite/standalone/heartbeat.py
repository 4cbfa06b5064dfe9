"""Tells a server that is frozen, or whose machine or network has gone, from one that is slow.

Behind a balancer another connection would reach another server, so it is asked on the same one whether it
lives (`extensions.PONGS`); who doesn't list that is waited for as ever. Rule: who is silent is given up only
while another can do its work. A frozen process goes on when it thaws, so one that may then do what it has
been asked to do is relied on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Ping, Pong

from satellite.standalone.line import Line
from satellite.standalone.patience import Patience, ended
from wyoming_voice.client import HungUp, Refused
from wyoming_voice.errors import UpstreamError, VoiceError
from wyoming_voice.extensions import PONGS

_LAST = "last"
"""The text of the ping after which no other is needed; a pong has its ping's text."""


class Silent(HungUp):
    """A server that has said nothing for `after_s`, not even that it lives."""

    def __init__(self, kind: str, after_s: float) -> None:
        UpstreamError.__init__(
            self,
            f"the {kind} server has given no sign of life for {after_s:.1f} s;"
            " it is frozen, or its machine or network has gone",
        )
        self.after_s = after_s


class Heartbeat:
    """A line as a channel, of which one at a time may read; Silent comes out of that.

    Nobody is asked for a sign of life while nobody waits for what comes.
    """

    def __init__(self, line: Line, patience: Patience) -> None:
        self._connection = line.connection
        self._kind = line.server.kind
        self._pongs = PONGS in line.server.extensions
        self._patience = patience
        self._quiet_s = 0.0  # the first time at once: who is frozen was so before, as a rule
        self._relied_on = False
        self._lives = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None
        self.unanswered = False  # whether it has been asked for a sign of life, and none has come

    async def write(self, event: Event) -> None:
        """Send one event; raises PeerGone and TooSlow."""
        await self._connection.write(event)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._next()) is not None:
            if not Pong.is_type(event.type):
                yield event
            elif event.data.get("text") == _LAST:
                self._lives.set()

    async def awake(self) -> None:
        """Wait for a sign of life of who has not been asked anything yet; nobody is Silent from there on.

        Raises Silent, HungUp and Refused.
        """
        while self._pongs:
            event = await self._next()
            if event is None:
                raise HungUp(self._kind)
            if Error.is_type(event.type):
                raise Refused(self._kind, event)
            if Pong.is_type(event.type):
                break
        self._relied_on = True

    async def rely(self) -> None:
        """Wait for a sign of life while somebody else reads; nobody is Silent from there on."""
        if self._pongs:
            with contextlib.suppress(OSError, VoiceError):  # whoever reads knows
                await self._connection.write(Ping(text=_LAST).event())
            await self._lives.wait()
        self._relied_on = True

    async def _next(self) -> Event | None:
        begun_s = _now_s()
        try:
            async with asyncio.timeout(None) as limit:
                return await self._read(limit)
        except TimeoutError as error:
            raise Silent(self._kind, _now_s() - begun_s) from error

    async def _read(self, limit: asyncio.Timeout) -> Event | None:
        if not self._pongs:
            return await self._connection.read()
        quiet_s, self._quiet_s = self._quiet_s, self._patience.quiet_s
        asking = asyncio.get_running_loop().call_later(quiet_s, self._ask, limit)
        try:
            event = await self._connection.read()
        finally:
            asking.cancel()
            await self._asked()
        self.unanswered = False
        return event

    def _ask(self, limit: asyncio.Timeout) -> None:
        self.unanswered = True
        self._asking = asyncio.create_task(self._ping(limit))

    async def _ping(self, limit: asyncio.Timeout) -> None:
        """Time counts from when what was said before, such as an utterance at once, is on its way."""
        with contextlib.suppress(OSError, VoiceError):
            await self._connection.write(Ping().event())
        if not self._relied_on:
            limit.reschedule(_now_s() + self._patience.pong_s)

    async def _asked(self) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            await ended(asking)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
