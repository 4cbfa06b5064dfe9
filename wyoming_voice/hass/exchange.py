"""Commands and their results, subscriptions and their events, over one open connection.

Rule: each command is sent once, and ends with its result, a refusal, its time, or the connection's end;
where it may have arrived without an answer, the error says so.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping

from wyoming_voice.hass.errors import HassError, Trouble
from wyoming_voice.hass.messages import Happened, Message, Refusal, Result, failure

_log = logging.getLogger(__name__)


class Exchange:
    """One connection's side of the talk; `send` puts one frame on the wire, in the order of its calls.

    `send` raises HassError when the connection has ended.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[Result | Refusal]] = {}
        self._told: dict[int, Callable[[object], None]] = {}
        self._glimpses: set[asyncio.Future[object]] = set()

    async def command(self, command: str, fields: Mapping[str, object], timeout_s: float) -> object:
        """The result of a command; raises HassError."""
        return (await self._ask(command, fields, timeout_s, None)).value

    async def subscribe(
        self,
        command: str,
        fields: Mapping[str, object],
        timeout_s: float,
        told: Callable[[object], None],
    ) -> int:
        """Have `told` called with each event that `command` subscribes to; the subscription's id."""
        return (await self._ask(command, fields, timeout_s, told)).id

    async def glimpse(self, command: str, fields: Mapping[str, object], timeout_s: float) -> object:
        """The first event that `command` subscribes to, and no more of them; raises HassError."""
        first: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def told(event: object) -> None:
            if not first.done():
                first.set_result(event)

        number = await self.subscribe(command, fields, timeout_s, told)
        self._glimpses.add(first)
        try:
            async with asyncio.timeout(timeout_s):
                return await first
        except TimeoutError:
            raise _late(command, timeout_s) from None
        finally:
            del self._told[number]
            self._glimpses.discard(first)
            with contextlib.suppress(HassError):  # it ends with the connection anyway
                await self._say(self._next(), "unsubscribe_events", {"subscription": number})

    def heard(self, message: Message) -> None:
        """What came: an answer goes to who waits for it, an event to who subscribed."""
        match message:
            case Result(id=number) | Refusal(id=number):
                waiting = self._waiting.get(number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            case Happened(id=number, event=event) if told := self._told.get(number):
                told(event)

    def end(self, trouble: HassError) -> None:
        """The connection is gone: who waits is told so, and that the command may have arrived."""
        text = f"{trouble}; whether the command arrived is unknown"
        error = HassError(trouble.trouble, text, untouched=False)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error.anew())
        for first in self._glimpses:
            if not first.done():
                first.set_exception(error.anew())

    async def _ask(
        self,
        command: str,
        fields: Mapping[str, object],
        timeout_s: float,
        told: Callable[[object], None] | None,
    ) -> Result:
        number = self._next()
        waiting: asyncio.Future[Result | Refusal] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        if told is not None:
            self._told[number] = told
        try:
            async with asyncio.timeout(timeout_s):
                await self._say(number, command, fields)
                answer = await waiting
        except TimeoutError:
            raise _late(command, timeout_s) from None
        finally:
            del self._waiting[number]
            if not _succeeded(waiting):
                self._told.pop(number, None)
        if isinstance(answer, Refusal):
            # The message may repeat what somebody said.
            _log.debug("%s: %s: %s", command, answer.code, answer.message)
            raise failure(command, answer.code)
        return answer

    async def _say(self, number: int, command: str, fields: Mapping[str, object]) -> None:
        await self._send(json.dumps({**fields, "id": number, "type": command}))

    def _next(self) -> int:
        """Home Assistant refuses a number that isn't higher than the one before."""
        self._last_id += 1
        return self._last_id


def _succeeded(waiting: "asyncio.Future[Result | Refusal]") -> bool:
    if not waiting.done() or waiting.cancelled() or waiting.exception() is not None:
        return False
    return isinstance(waiting.result(), Result)


def _late(command: str, timeout_s: float) -> HassError:
    return HassError(
        Trouble.LATE, f"Home Assistant gave no answer to {command!r} in {timeout_s:.2g} s"
    )
