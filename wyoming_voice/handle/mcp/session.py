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
from collections.abc import Callable

import httpx2
from anyio import BrokenResourceError, ClosedResourceError
from mcp import Client, MCPError, types
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from wyoming_voice import __version__
from wyoming_voice.handle.mcp.http import (
    MOST_BYTES,
    Door,
    TokenRefusedError,
    http_client,
    unwatched,
)
from wyoming_voice.handle.mcp.remedies import reason, remedy
from wyoming_voice.handle.mcp.servers import McpServer
from wyoming_voice.hass.errors import HassError
from wyoming_voice.hass.token import OPTION as HASS_TOKEN_FILE

_log = logging.getLogger(__name__)

OPEN_S = 10.0
_CLOSE_S = 2.0
_CHANGED = (types.ToolListChangedNotification, types.PromptListChangedNotification)
_ME = types.Implementation(name="wyoming-voice", version=__version__)


LEAST_S = 2.0
LONGEST_S = 30.0
"""When a server is tried again: so long after a failure, and at the latest after a doubling pause."""

STEADY_S = 5.0
"""A session that lasted as long is no failure."""

TOKEN_LOOK_S = 10.0
"""How often the file of a refused token is looked at."""

TOKEN_PAUSE_S = 600.0
"""When the same one is tried again, for the server may know it by then; Home Assistant tells its owner of
each refusal."""


class McpSession:
    """One server; `changed` is called when the session is open, and when the server's list changes."""

    def __init__(self, server: McpServer, changed: Callable[[], None]) -> None:
        self._server, self._changed = server, changed
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

    @property
    def refused(self) -> bool:
        """Whether the last that is known is that it doesn't take the token."""
        return self._server.token is not None and self._problem_is_the_token()

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
            # Home Assistant's own connection shows the same token, and warns where it is refused.
            told = self._server.option == HASS_TOKEN_FILE and problem == self._refusal
            level = logging.DEBUG if told else logging.WARNING
            _log.log(level, "MCP server %s: %s", self._server.shown, problem)
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
            steady = not problem and _now_s() - began_s >= STEADY_S
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
            problem = reason(self._server, door.last, group)
        except* (
            *(httpx2.HTTPError, MCPError, ValidationError, OSError, RuntimeError),
            *(BrokenResourceError, ClosedResourceError),
        ) as group:
            problem = problem or ("" if opened else reason(self._server, door.last, group))
        return problem

    def _client_over(self, http: httpx2.AsyncClient) -> Client:
        url = self._server.url
        way = streamable_http_client(url, http_client=http, max_sse_event_size=MOST_BYTES)
        return Client(way, cache=None, client_info=_ME, message_handler=self._heard)

    async def _lasting(self, client: Client) -> None:
        self.client = client
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
        pause_s = min(LEAST_S * 2 ** min(failures - 1, 10), LONGEST_S)
        await self._rest(LEAST_S)
        self._wanted.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s - LEAST_S):
                await self._wanted.wait()

    async def _rest(self, pause_s: float) -> None:
        """A pause that only closing ends."""
        self._broken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._broken.wait()

    async def _until_another_token(self) -> None:
        refused, since_s = self._token(), _now_s()
        while not self._closing and _now_s() < since_s + TOKEN_PAUSE_S:
            await self._rest(TOKEN_LOOK_S)
            if self._token() != refused:
                return

    def _problem_is_the_token(self) -> bool:
        return self._problem == self._refusal

    @property
    def _refusal(self) -> str:
        return remedy(self._server, 401, "", "")

    def _token(self) -> str:
        try:
            return self._server.token() if self._server.token else ""
        except HassError:
            return ""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
