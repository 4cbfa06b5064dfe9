"""One connection: reads without ever waiting for work, answers requests one by one, hangs up in words.

Three tasks, of which the first to end ends the connection: the reader (the peer has gone, or sent
nonsense), the answerer (a request failed), and the idle watch. This is the fence of a connection: what
goes wrong is told to this client, and no other notices.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

from wyoming_voice import logs
from wyoming_voice.describing import listing
from wyoming_voice.errors import Busy, PeerError, TooSlow, VoiceError
from wyoming_voice.extensions import PONGS, STATUS
from wyoming_voice.outcome import Finished, recorded
from wyoming_voice.program import Program, Request
from wyoming_voice.wire import Connection, PeerGone, encode

_log = logging.getLogger(__name__)

PENDING_REQUESTS = 4
"""How many requests of one connection may wait behind the one in progress; one more is `busy`."""

_LAST_WORDS_S = 5.0
"""How long an error may take to be told, to a peer that perhaps reads nothing."""


class Described:
    """What a server says of itself as it goes over the wire: that of a hundred voices is large.

    So it is written down once, not for each who asks, and again when loading has told more.
    """

    def __init__(self) -> None:
        self._info: Info | None = None
        self._event = b""

    def as_event(self, info: Info) -> bytes:
        """This description."""
        if info is not self._info:
            self._info, self._event = info, encode(listing(info, STATUS, PONGS))
        return self._event


@dataclass(frozen=True)
class House:
    """What all connections of a service share.

    `status` is what the event of that name is answered with; `told` takes the code and the text of each
    error that a client is told.
    """

    program: Program
    ready: asyncio.Event
    idle_timeout_s: float
    finished: Finished
    status: Callable[[], dict[str, Any]]
    told: Callable[[str, str], None]
    described: Described = field(default_factory=Described)


class Peer:
    """Serves one client of a house until it leaves, errs, or has been silent for its `idle_timeout_s`."""

    def __init__(self, connection: Connection, house: House) -> None:
        self._connection = connection
        self._house = house
        self._conversation = house.program.converse()
        self._ready = house.ready
        self._requests: asyncio.Queue[Request] = asyncio.Queue(PENDING_REQUESTS)
        self._farewell: tuple[Event, ...] = ()
        self._last_activity_s = _now_s()
        self._current: Request | None = None
        self._leaving = False
        self._cut_off_by = "gone"

    @property
    def working(self) -> bool:
        """Whether a request is being answered, or will be next."""
        return self._ready.is_set() and (self.answering or self.waiting > 0)

    @property
    def answering(self) -> bool:
        """Whether a request is being answered, or takes in what is to be answered."""
        return self._current is not None

    @property
    def waiting(self) -> int:
        """How many requests wait until those before them on this connection are over."""
        return self._requests.qsize()

    def leave(self) -> None:
        """Hang up as soon as the requests that are open have been answered."""
        self._leaving = True

    async def serve(self) -> None:
        """Run the connection to its end; never raises but CancelledError."""
        logs.belong_to("")
        try:
            await _first_to_end(
                self._cutting_off(self._read()), self._answer(), self._cutting_off(self._watch())
            )
            if self._leaving:
                await self._connection.linger()
        except VoiceError as error:
            await self._tell(error)
        except PeerGone:
            pass
        except Exception:  # noqa: BLE001  (the fence of a connection)
            with logs.turn(self._turn):
                _log.exception("a bug, or an engine that failed")
            await self._tell(VoiceError("internal error; the server's log says more"))
        finally:
            await _closed(self._requests)
            await self._connection.close()

    async def _cutting_off(self, step: Coroutine[Any, Any, None]) -> None:
        """Run a step whose failure is also the outcome of the request that it cuts off."""
        try:
            await step
        except VoiceError as error:
            self._cut_off_by = error.code
            raise

    async def _read(self) -> None:
        async for event in self._connection:
            await asyncio.sleep(0)  # what is in the buffer is read without waiting: let others run
            self._touch()
            if (answer := self._answer_to(event)) is not None:
                await self._connection.write_encoded(answer)
            elif (request := self._conversation.push(event)) is not None:
                logs.belong_to(request.record.turn_id)  # so does what is sent until the next begins
                await self._admit(request)

    def _answer_to(self, event: Event) -> bytes | None:
        """What is answered for all programs alike, at any time; None for what is theirs to answer."""
        if Ping.is_type(event.type):
            return encode(Pong(text=_text_of(event)).event())
        if Describe.is_type(event.type):
            return self._house.described.as_event(self._house.program.info)
        return encode(Event(STATUS, self._house.status())) if event.type == STATUS else None

    async def _admit(self, request: Request) -> None:
        try:
            self._requests.put_nowait(request)
        except asyncio.QueueFull:
            await request.replies.aclose()
            raise Busy(
                f"{PENDING_REQUESTS} requests wait on this connection; read their answers first"
            ) from None

    async def _answer(self) -> None:
        await self._ready.wait()
        while not (self._leaving and self._requests.empty()):
            self._current = await self._requests.get()
            await self._reply(self._current)
            self._current = None

    async def _reply(self, request: Request) -> None:
        self._farewell = request.farewell
        with recorded(request.record, self._house.finished, lambda: self._cut_off_by):
            async with contextlib.aclosing(request.replies) as replies:
                async for event in replies:
                    await self._connection.write(event)
                    self._touch()
        self._farewell = ()

    async def _watch(self) -> None:
        await self._ready.wait()
        self._touch()
        while True:
            if self._current is not None and not self._current.awaits_input():
                self._touch()
            left_s = self._last_activity_s + self._house.idle_timeout_s - _now_s()
            if left_s <= 0:
                limit = f"{self._house.idle_timeout_s:g} s"
                raise TooSlow(f"nothing was said for {limit}; connect again when needed")
            await asyncio.sleep(left_s)

    def _touch(self) -> None:
        self._last_activity_s = _now_s()

    @property
    def _turn(self) -> str:
        """Whose request is answered, or was when this connection failed."""
        return self._current.record.turn_id if self._current is not None else ""

    async def _tell(self, error: VoiceError) -> None:
        self._house.told(error.code, str(error))
        with logs.turn(self._turn):
            _log.log(
                logging.INFO if isinstance(error, PeerError) else logging.WARNING,
                "error told to a client: code=%s %s",
                error.code,
                error,
            )
        await _last_words(
            self._connection, Error(text=str(error), code=error.code).event(), *self._farewell
        )


async def refuse(connection: Connection, error: VoiceError) -> None:
    """Tell a client that can't be served why, and hang up."""
    try:
        await _last_words(connection, Error(text=str(error), code=error.code).event())
    finally:
        await connection.close()


async def _last_words(connection: Connection, *events: Event) -> None:
    with contextlib.suppress(PeerGone, TooSlow, TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_S):
            for event in events:
                await connection.write(event)
            await connection.linger()


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _first_to_end(*steps: Coroutine[Any, Any, None]) -> None:
    """Run steps side by side until one ends; cancel the others, raise what that one raised."""
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
    for task in done:
        task.result()


async def _closed(requests: asyncio.Queue[Request]) -> None:
    """Close what nobody will ask for, so that no generator is left open."""
    while not requests.empty():
        await requests.get_nowait().replies.aclose()


def _text_of(event: Event) -> str | None:
    text = event.data.get("text")
    return text if isinstance(text, str) else None


def _now_s() -> float:
    return asyncio.get_running_loop().time()
