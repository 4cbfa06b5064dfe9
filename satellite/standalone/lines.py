"""Open connections to servers: at hand before they are needed, and the next server's when one fails.

Rule: what is asked of a kind of server is asked of one after another, best first, until one has done it.
One that hung up is asked once more when no other is left: it may have been restarted, and a connection
that waited may have died unseen. One that was there lately is waited for, as `hopes` says. Those that
failed are told to the directory, which ranks them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from satellite.standalone.commitment import Commitment, NotToBe
from satellite.standalone.conversation import Question
from satellite.standalone.hopes import Hopes, Unreachable
from satellite.standalone.line import Line, Server, open_line
from satellite.standalone.spare import Spare
from wyoming_voice.client import HungUp
from wyoming_voice.errors import UpstreamError, VoiceError, why
from wyoming_voice.extensions import SPECULATIVE_ANSWER

KINDS = ("asr", "handle", "tts")
"""The kinds of servers that a conversation needs."""

T = TypeVar("T")


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


class Lines:
    """Connections to the servers of a directory; unused ones are kept for `keep_s`.

    `return_s` is how long one that has gone is waited for.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        connect_s: float = 2.0,
        keep_s: float = 30.0,
        return_s: float = 0.0,
    ) -> None:
        self._directory = directory
        self._return_s = return_s
        self._connect_s = connect_s
        self._keep_s = keep_s
        self._waiting: dict[str, Spare] = {}

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
                self._waiting[kind] = Spare(best, self._connect_s, self._keep_s)

    def warm_up(self, question: Question, language: str) -> None:
        """Tell the best handle server on its prepared connection that a question is likely, if it cares."""
        waiting = self._waiting.get("handle")
        if waiting is not None:
            waiting.warm_up(question, language)

    def may_speculate(self) -> bool:
        """Whether the best handle server answers questions that may not have been asked, or may do so."""
        best = next(iter(self._directory.ranked("handle")), None)
        return best is not None and (best.info is None or SPECULATIVE_ANSWER in best.extensions)

    async def attempt(
        self,
        kind: str,
        work: Callable[[Line], Awaitable[T]],
        retried: Callable[[Server, str], None] = lambda _server, _reason: None,
        commitment: Commitment | None = None,
    ) -> T:
        """What `work` makes of a line to the best server that can do it.

        `retried` is told of each that couldn't. Raises NobodyLeft, and Unfinished as it comes; where
        `commitment` had not been made, the first failure is NotToBe instead, and no server's fault.
        """
        commitment = commitment or Commitment.given()
        reached, reason = False, ""
        hopes = Hopes(self._return_s, _now_s())
        candidates = list(self._directory.ranked(kind))
        while candidates:
            for server in candidates:  # grows by those that hung up
                try:
                    async with self._opened(server) as line:
                        reached = True
                        done = await work(line)
                except (OSError, VoiceError) as error:
                    if commitment.fail():
                        raise NotToBe from error
                    reason = reason_of(server.kind, error)
                    self._directory.failed(server, reason)
                    if isinstance(error, Unfinished):
                        raise
                    retried(server, reason)
                    if hopes.lost(server, error, _now_s()) and candidates.count(server) == 1:
                        candidates.append(server)
                    continue
                self._directory.worked(server)
                return done
            candidates = await self._back(kind, hopes)
        if commitment.fail():
            raise NotToBe
        raise NobodyLeft(kind, reason, reached=reached)

    async def _back(self, kind: str, hopes: Hopes) -> list[Server]:
        """Whom to ask again after a pause: nobody where there is no hope."""
        pause_s = hopes.pause_s(_now_s())
        if pause_s is None:
            return []
        await asyncio.sleep(pause_s)
        return [server for server in self._directory.ranked(kind) if hopes.of(server)]

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
            raise Unreachable(
                f"no {server.kind} server answers at {server.uri}: {why(error)}"
            ) from error


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def reason_of(kind: str, error: OSError | VoiceError) -> str:
    """What went wrong with a server, for people."""
    match error:
        case TimeoutError():
            return f"the {kind} server took too long"
        case OSError():
            return str(HungUp(kind))
        case _:
            return str(error)
