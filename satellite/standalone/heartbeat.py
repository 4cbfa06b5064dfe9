"""Tells a server that is frozen, or whose machine or network has gone, from one that is slow.

Behind a balancer another connection would reach another server, so it is asked on the same one whether it
lives (`extensions.PONGS`); who doesn't list that is waited for as ever. Rule: who is silent has hung up, as
far as we are concerned, as long as its work may be asked of another. A frozen process goes on when it thaws,
so one that may then do what it has been asked to do is relied on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Ping, Pong

from satellite.standalone.line import Line
from satellite.standalone.patience import Patience, ended, in_time
from wyoming_voice.client import HungUp, Refused
from wyoming_voice.errors import VoiceError
from wyoming_voice.extensions import PONGS

_LAST = "last"
"""The text of the ping after which no other is needed; a pong has its ping's text."""


_STEPS = 4
"""Silence is counted in so many; of one at most we may have stood still ourselves, or our machine."""


class Silent(HungUp):
    """A server that has said nothing for `after_s`, not even that it lives."""

    def __init__(self, kind: str, after_s: float) -> None:
        super().__init__(
            kind,
            f"has given no sign of life for {after_s:.1f} s;"
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
        if not self._pongs:
            return await self._connection.read()
        begun_s = _now_s()
        losing_patience = asyncio.create_task(self._lose_patience())
        try:
            event = await in_time(self._connection.read(), losing_patience, 0.0)
        except TimeoutError as error:
            raise Silent(self._kind, _now_s() - begun_s) from error
        finally:
            await ended(losing_patience)
        self.unanswered = False
        return event

    async def _lose_patience(self) -> None:
        """Ask for a sign of life if nothing comes; ends when none has come for too long.

        Time counts from when what was said before, such as an utterance at once, is on its way.
        """
        quiet_s, self._quiet_s = self._quiet_s, self._patience.quiet_s
        await asyncio.sleep(quiet_s)
        self.unanswered = True
        with contextlib.suppress(OSError, VoiceError):  # whoever reads knows
            await self._connection.write(Ping().event())
        if self._relied_on:
            await asyncio.Event().wait()
        for _ in range(_STEPS):
            await asyncio.sleep(self._patience.pong_s / _STEPS)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
