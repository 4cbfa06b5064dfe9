"""Open connections to servers: at hand before they are needed, and the next server's when one fails.

Rule: what is asked of a kind of server is asked of one after another, best first, until one has done it.
One that hung up is asked once more when no other is left: it may have been restarted, and a connection
that waited may have died unseen. Those that failed are told to the directory, which ranks them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from wyoming.info import Info

from wyoming_voice.client import HungUp
from wyoming_voice.describing import describe_on
from wyoming_voice.errors import UpstreamError, VoiceError, why
from wyoming_voice.wire import Connection, PeerGone, WireLimits, connect

KINDS = ("asr", "handle", "tts")
"""The kinds of servers that a conversation needs."""

T = TypeVar("T")


@dataclass(eq=False)
class Server:
    """One server of a kind; `pace` is how fast its voice was last (`pace.measured_pace`)."""

    kind: str
    uri: str
    info: Info | None = None
    pace: float | None = None

    @property
    def streams(self) -> bool:
        """Whether it is a TTS server that takes text in pieces."""
        programs = self.info.tts if self.info is not None else []
        return any(program.supports_synthesize_streaming for program in programs)


class Directory(Protocol):
    """Whoever knows which servers there are, and wants to know how they did."""

    def ranked(self, kind: str) -> Sequence[Server]:
        """The servers of a kind, best first."""

    def worked(self, server: Server) -> None:
        """It did what it was asked."""

    def failed(self, server: Server, reason: str) -> None:
        """It didn't."""


class NobodyLeft(UpstreamError):
    """No server of a kind could do what was asked; says what the last one said.

    `reached` tells whether a connection was had to any of them.
    """

    def __init__(self, kind: str, reason: str, *, reached: bool) -> None:
        super().__init__(reason or f"no {kind} server is known")
        self.kind = kind
        self.reached = reached


class Unfinished(UpstreamError):
    """Work that no other server can take over, since a part of it has been used already."""


@dataclass
class Line:
    """An open connection to a server."""

    server: Server
    connection: Connection
    stack: contextlib.AsyncExitStack = field(repr=False)

    async def close(self) -> None:
        """Hang up."""
        await self.stack.aclose()


async def open_line(server: Server, connect_s: float) -> Line:
    """Connect, and learn what the server can do where nobody has; OSError, UpstreamError."""
    async with contextlib.AsyncExitStack() as stack:
        limits = WireLimits(data_bytes=16 * 1024 * 1024, write_timeout_s=5.0)
        opening = connect(server.uri, timeout_s=connect_s, limits=limits)
        connection = await stack.enter_async_context(opening)
        if server.kind == "tts" and server.info is None:
            async with asyncio.timeout(connect_s):
                server.info = await describe_on(connection, server.uri)
        return Line(server, connection, stack.pop_all())


class Lines:
    """Connections to the servers of a directory; unused ones are kept for `keep_s`."""

    def __init__(
        self, directory: Directory, *, connect_s: float = 2.0, keep_s: float = 30.0
    ) -> None:
        self._directory = directory
        self._connect_s = connect_s
        self._keep_s = keep_s
        self._waiting: dict[str, _Waiting] = {}

    def prepare(self, kinds: Iterable[str] = KINDS) -> None:
        """Begin to connect to the best server of each kind, or keep the connection to it a while longer."""
        for kind in kinds:
            best = next(iter(self._directory.ranked(kind)), None)
            waiting = self._waiting.get(kind)
            if waiting is not None and waiting.server is best and waiting.keep():
                continue
            if waiting is not None:
                waiting.drop()
                del self._waiting[kind]
            if best is not None:
                self._waiting[kind] = _Waiting(best, self._connect_s, self._keep_s)

    async def attempt(
        self,
        kind: str,
        work: Callable[[Line], Awaitable[T]],
        retried: Callable[[Server, str], None] = lambda _server, _reason: None,
    ) -> T:
        """What `work` makes of a line to the best server that can do it.

        `retried` is told of each that couldn't. Raises NobodyLeft, and Unfinished as it comes.
        """
        reached, reason = False, ""
        candidates = list(self._directory.ranked(kind))
        for server in candidates:  # grows by those that hung up
            try:
                async with self._opened(server) as line:
                    reached = True
                    done = await work(line)
            except Unfinished as error:
                self._directory.failed(server, str(error))
                raise
            except (OSError, VoiceError) as error:
                reason = reason_of(server.kind, error)
                self._directory.failed(server, reason)
                retried(server, reason)
                if isinstance(error, HungUp | PeerGone) and candidates.count(server) == 1:
                    candidates.append(server)
                continue
            self._directory.worked(server)
            return done
        raise NobodyLeft(kind, reason, reached=reached)

    @contextlib.asynccontextmanager
    async def fresh(self, server: Server) -> AsyncIterator[Line]:
        """One more connection to a server; raises UpstreamError."""
        line = await self._connected(server)
        try:
            yield line
        finally:
            await line.close()

    async def close(self) -> None:
        """Hang up what is open and unused."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        for one in waiting:
            one.drop()
        await asyncio.gather(*(one.task for one in waiting), return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _opened(self, server: Server) -> AsyncIterator[Line]:
        line = await self._at_hand(server)
        if line is None:
            async with self.fresh(server) as line:
                yield line
            return
        try:
            yield line
        finally:
            await line.close()

    async def _at_hand(self, server: Server) -> Line | None:
        waiting = self._waiting.get(server.kind)
        if waiting is None or waiting.server is not server:
            return None
        del self._waiting[server.kind]
        return await waiting.take()

    async def _connected(self, server: Server) -> Line:
        try:
            return await open_line(server, self._connect_s)
        except OSError as error:
            raise UpstreamError(
                f"no {server.kind} server answers at {server.uri}: {why(error)}"
            ) from error


def reason_of(kind: str, error: OSError | VoiceError) -> str:
    """What went wrong with a server, for people."""
    match error:
        case TimeoutError():
            return f"the {kind} server took too long"
        case OSError():
            return str(HungUp(kind))
        case _:
            return str(error)


class _Waiting:
    """A connection that is opened, then listened to until it is taken, dies, or is kept no longer.

    A server has nothing to say before it is asked: whatever comes, be it the end or an error, means that
    the connection is of no use.
    """

    def __init__(self, server: Server, connect_s: float, keep_s: float) -> None:
        clock = asyncio.get_running_loop()
        self.server = server
        self._connect_s = connect_s
        self._keep_s = keep_s
        self._until_s = clock.time() + keep_s
        self._line: asyncio.Future[Line] = clock.create_future()
        self._taken = False
        self.task = asyncio.create_task(self._hold())

    def keep(self) -> bool:
        """Keep it for as long again; False when it has died."""
        self._until_s = asyncio.get_running_loop().time() + self._keep_s
        return not self.task.done()

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
            if not self._taken:
                await line.close()

    async def _until_over(self, line: Line) -> None:
        clock = asyncio.get_running_loop()
        reading = asyncio.ensure_future(line.connection.read())
        try:
            while (left_s := self._until_s - clock.time()) > 0 and not reading.done():
                await asyncio.wait((reading,), timeout=left_s)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
