"""A connection that is open before it is needed.

Rule: a server has nothing to say before it is asked: whatever comes, be it the end or an error, means
that the connection is of no use. What is told it meanwhile is answered with nothing.
"""

import asyncio
import contextlib

from satellite.standalone.conversation import Question
from satellite.standalone.line import Line, Server, open_line
from satellite.standalone.patience import ended
from wyoming_voice.client import warm_up
from wyoming_voice.errors import VoiceError
from wyoming_voice.extensions import WARM_UP


class Spare:
    """A connection that is opened, then listened to until it is taken, dies, or is kept no longer."""

    def __init__(self, server: Server, connect_s: float, keep_s: float) -> None:
        clock = asyncio.get_running_loop()
        self.server = server
        self._connect_s = connect_s
        self._keep_s = keep_s
        self._until_s = clock.time() + keep_s
        self._line: asyncio.Future[Line] = clock.create_future()
        self._taken = False
        self._warming: asyncio.Task[None] | None = None
        self.task = asyncio.create_task(self._hold())

    def keep(self) -> bool:
        """Keep it for as long again; False when it has died."""
        self._until_s = asyncio.get_running_loop().time() + self._keep_s
        return not self.task.done()

    def warm_up(self, question: Question, language: str) -> None:
        """Say what is likely to be asked, once the connection is there; nothing comes of it here."""
        if self._warming is None or self._warming.done():
            self._warming = asyncio.create_task(self._warm_up(question, language))

    def drop(self) -> None:
        """It is not wanted any more."""
        self.task.cancel()

    async def take(self) -> Line | None:
        """The line, when it is there and alive; whoever takes it closes it."""
        try:
            await asyncio.wait((self._line, self.task), return_when=asyncio.FIRST_COMPLETED)
            if self.task.done():
                return None
            self._taken = True
            self.task.cancel()
            await asyncio.wait((self.task,))
        except asyncio.CancelledError:
            self.task.cancel()
            if self._taken:
                await self._line.result().close()
            raise
        return self._line.result()

    async def _hold(self) -> None:
        try:
            line = await open_line(self.server, self._connect_s)
        except (OSError, VoiceError):
            return  # whoever needs it connects anew, and hears why not
        self._line.set_result(line)
        try:
            await self._until_over(line)
        finally:
            if self._warming is not None:
                await ended(self._warming)
            if not self._taken:
                await line.close()

    async def _warm_up(self, question: Question, language: str) -> None:
        await asyncio.wait((self._line, self.task), return_when=asyncio.FIRST_COMPLETED)
        if not self._line.done():
            return
        line, extensions = self._line.result(), self._line.result().server.extensions
        if WARM_UP in extensions:
            with contextlib.suppress(OSError, VoiceError):
                await warm_up(line.connection, question.context(extensions), language)

    async def _until_over(self, line: Line) -> None:
        clock = asyncio.get_running_loop()
        reading = asyncio.ensure_future(line.connection.read())
        try:
            while (left_s := self._until_s - clock.time()) > 0 and not reading.done():
                await asyncio.wait((reading,), timeout=left_s)
        finally:
            await ended(reading)
