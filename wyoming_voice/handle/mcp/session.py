"""The session with an MCP server, kept open by a task of its own.

Rule: it is opened again at once after a break, and then ever more seldom; a question, which never waits for a
server that is known to be away, brings the next try forward. A refused token is not shown again before its
file holds another. What is wrong is logged once for each cause, and that it is over.

Speaks streamable HTTP, with servers that keep sessions and those that don't, of both eras of the protocol
(https://modelcontextprotocol.io/specification/2025-11-25/basic/transports).
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx2
from anyio import BrokenResourceError, ClosedResourceError
from mcp import Client, MCPError, types
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from wyoming_voice import __version__
from wyoming_voice.errors import why
from wyoming_voice.handle.mcp.http import Answer, Door, TokenRefusedError, http_client, unwatched
from wyoming_voice.handle.mcp.remedies import remedy
from wyoming_voice.handle.mcp.servers import McpServer
from wyoming_voice.hass.errors import HassError

_log = logging.getLogger(__name__)

OPEN_S = 10.0
_CLOSE_S = 2.0
_CHANGED = (types.ToolListChangedNotification, types.PromptListChangedNotification)
_ME = types.Implementation(name="wyoming-voice", version=__version__)


@dataclass(frozen=True, slots=True)
class Pace:
    """When a server is tried again: `least_s` after a failure, and at the latest after a doubling pause.

    `token_look_s`: how often the file of a refused token is looked at; `token_pause_s`: when the same one is
    tried again, for the server may know it by then. Home Assistant tells its owner of each refusal.
    `steady_s`: a session that lasted as long is no failure.
    """

    least_s: float = 2.0
    longest_s: float = 30.0
    token_look_s: float = 10.0
    token_pause_s: float = 600.0
    steady_s: float = 5.0


class McpSession:
    """One server; `changed` is called when the session is open, and when the server's list changes."""

    def __init__(self, server: McpServer, changed: Callable[[], None], pace: Pace) -> None:
        self._server, self._changed, self._pace = server, changed, pace
        self.client: Client | None = None
        self._problem = ""
        self._life: asyncio.Task[None] | None = None
        self._settled, self._wanted, self._broken = (
            asyncio.Event(),
            asyncio.Event(),
            asyncio.Event(),
        )
        self._closing = False

    @property
    def away(self) -> bool:
        """Whether it is known that it can't be reached."""
        return self._settled.is_set() and self.client is None

    def want(self) -> None:
        """Somebody has a use for it: open it, unless that failed a moment ago. Returns at once."""
        if self._life is None and not self._closing:
            self._life = asyncio.create_task(self._stay_open())
        self._wanted.set()

    async def settled(self, within_s: float) -> None:
        """Until it is open, or known to be away, but no longer than `within_s`."""
        self.want()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._settled.wait()

    def lost(self, client: Client) -> None:
        """The session with `client` is of no use any more."""
        if self.client is client:
            self.client = None
            self._settled.clear()
            self._broken.set()

    def note(self, problem: str) -> None:
        """Say what is wrong, "" for nothing, where it is something else than before."""
        if problem and problem != self._problem:
            _log.warning("MCP server %s: %s", self._server.shown, problem)
        elif self._problem and not problem:
            _log.info("MCP server %s: it is there again", self._server.shown)
        self._problem = problem

    async def close(self) -> None:
        """Say good-bye, and end the task."""
        self._closing = True
        self._broken.set()
        if self._life is not None:
            await asyncio.wait((self._life,), timeout=_CLOSE_S if self.client else 0)
            self._life.cancel()
            await asyncio.wait((self._life,))

    async def _stay_open(self) -> None:
        failures = 0
        unwatched()
        while not self._closing:
            began_s = _now_s()
            problem = await self._open_once()
            steady = not problem and _now_s() - began_s >= self._pace.steady_s
            self.client = None
            self._settled.clear()
            failures = 0 if steady else failures + 1
            if problem:
                self.note(problem)
            if failures and not self._closing:
                self._settled.set()
                await self._pause(failures)

    async def _open_once(self) -> str:
        """One session from beginning to end; why there was none, or "" if there was."""
        self._broken.clear()
        try:
            door = Door(self._server)
        except HassError as error:
            return str(error)
        problem, opened = "", False
        try:
            async with http_client(door) as http, contextlib.AsyncExitStack() as stack:
                client = self._client_over(http)
                async with asyncio.timeout(OPEN_S):
                    await stack.enter_async_context(client)
                opened = True
                await self._lasting(client)
        except* (TokenRefusedError, HassError) as group:
            problem = _reason(self._server, door.last, group)
        except* (
            *(httpx2.HTTPError, MCPError, ValidationError, OSError, RuntimeError),
            *(BrokenResourceError, ClosedResourceError),
        ) as group:
            problem = problem or ("" if opened else _reason(self._server, door.last, group))
        return problem

    def _client_over(self, http: httpx2.AsyncClient) -> Client:
        way = streamable_http_client(self._server.url, http_client=http)
        return Client(way, cache=None, client_info=_ME, message_handler=self._heard)

    async def _lasting(self, client: Client) -> None:
        self.client = client
        self.note("")
        self._settled.set()
        self._changed()
        listening = asyncio.create_task(self._listen(client))
        try:
            await self._broken.wait()
        finally:
            listening.cancel()

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, _CHANGED):
            self._changed()

    async def _listen(self, client: Client) -> None:
        """Servers of the second era tell of changes only to those who listen."""
        tools = client.server_capabilities.tools
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS or not tools:
            return
        with contextlib.suppress(MCPError, RuntimeError, BrokenResourceError, ClosedResourceError):
            async with client.listen(tools_list_changed=True, prompts_list_changed=True) as events:
                async for _ in events:
                    self._changed()

    async def _pause(self, failures: int) -> None:
        if self._problem_is_the_token():
            await self._until_another_token()
            return
        pause_s = min(self._pace.least_s * 2 ** min(failures - 1, 10), self._pace.longest_s)
        await self._rest(self._pace.least_s)
        self._wanted.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s - self._pace.least_s):
                await self._wanted.wait()

    async def _rest(self, pause_s: float) -> None:
        """A pause that only closing ends."""
        self._broken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._broken.wait()

    async def _until_another_token(self) -> None:
        refused, since_s = self._token(), _now_s()
        while not self._closing and _now_s() < since_s + self._pace.token_pause_s:
            await self._rest(self._pace.token_look_s)
            if self._token() != refused:
                return

    def _problem_is_the_token(self) -> bool:
        return self._problem == remedy(self._server, 401, "", "")

    def _token(self) -> str:
        try:
            return self._server.token() if self._server.token else ""
        except HassError:
            return ""


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _reason(server: McpServer, answer: Answer, group: BaseException) -> str:
    """Why there is no session, in one line."""
    if told := remedy(server, answer.status, answer.media_type, answer.location):
        return told
    error = next(_leaves(group))
    if isinstance(error, HassError):
        return str(error)
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return "no answer in time; is it running, and is the address right?"
    if isinstance(error, httpx2.TransportError):
        return _unreachable(error)
    return "what it answers is no MCP; is the address right?"


def _unreachable(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate isn't trusted ({cause.verify_message}); use one that this machine knows"
        if isinstance(cause, ssl.SSLError):
            return "it speaks no TLS here; is it http://, or another port?"
        if isinstance(cause, OSError) and cause.errno:
            return f"it can't be reached ({why(cause)}); is it running?"
    return "it hung up; is it running, and is the address right?"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and what it came from; where several ways were tried, those one after another."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for part in error.exceptions:
                yield from _causes(part)
        error = error.__cause__ or error.__context__


def _now_s() -> float:
    return asyncio.get_running_loop().time()
