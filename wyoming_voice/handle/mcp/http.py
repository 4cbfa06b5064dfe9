"""The HTTP side of an MCP connection: where the token goes, and what came back.

Rule: the token is put on a request at the last moment, for the one origin that it belongs to, so that it
stands in no request that is logged or raised; redirects to elsewhere are not followed (`mcp` sees to that).
No proxy and no .netrc stand between us and the server. What a server sends in one piece is bounded, and so
is how long it may go on about what nobody waits for.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import httpx2

from wyoming_voice.handle.mcp.servers import McpServer

CONNECT_S = 3.0
QUIET_S = 300.0
"""Longest silence within an answer; the library's own, for a stream that may have nothing to tell."""

_FAREWELL_S = 1.0
_KEPT_S = 3.0
"""Idle connections are closed before servers do so (uvicorn: 5 s), or a call could run into the closing."""

MOST_BYTES = 1024 * 1024
"""Of one answer, or of one event in a stream. `mcp` reads it in the event loop: a tenth of a second, where
all of it is tools half a second."""

_BETWEEN_LOOKS_S = 1.0
"""Between two GETs, which only listen: `mcp` asks again as soon as a server says that it may."""

_MOST_LOCATION_CHARS = 200
_STREAM = "text/event-stream"
_REFUSED = 401


class TokenRefusedError(Exception):
    """The server doesn't take the token, or wants one."""


@dataclass
class Answer:
    """What is known of what came back to a POST: to the last, or to one in particular.

    `status` is 0 as long as nothing came; `sent`: the request may have gone out, at least in part;
    `over`: nobody waits for it any more.
    """

    status: int = 0
    media_type: str = ""
    location: str = ""
    sent: bool = False
    over: bool = False

    @property
    def untouched(self) -> bool:
        """Nothing was done: it never went out, or was turned away."""
        return not self.sent or 300 <= self.status < 500


_watched: ContextVar[Answer | None] = ContextVar("watched", default=None)
"""The answer to the request that is sent in this context; `mcp` hands contexts on to what sends."""


@contextlib.contextmanager
def watching() -> Iterator[Answer]:
    """What comes back to the requests that are sent within."""
    answer = Answer()
    before = _watched.set(answer)
    try:
        yield answer
    finally:
        answer.over = True
        _watched.reset(before)


def unwatched() -> None:
    """From here on nobody watches in this context, whoever it was taken over from."""
    _watched.set(None)


class Door(httpx2.AsyncBaseTransport):
    """The way to one server; `last` is what came back last. Raises HassError for an unreadable token."""

    def __init__(self, server: McpServer) -> None:
        self._read = server.token
        self._token = server.token() if server.token else ""
        self._origin = _origin(httpx2.URL(server.url))
        self._way = httpx2.AsyncHTTPTransport(
            # Reading the certificates takes 20 ms and more, which plain HTTP has no use for.
            verify=server.url.startswith("https:"),
            trust_env=False,
            limits=httpx2.Limits(keepalive_expiry=_KEPT_S),
        )
        self.last = Answer()
        self._look_s = 0.0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it; a refused token is read again and, where it is another, tried once more."""
        if request.method == "DELETE":  # a farewell, which nobody waits for
            steps = ("connect", "read", "write", "pool")
            request.extensions["timeout"] = dict.fromkeys(steps, _FAREWELL_S)
        watched = _watched.get() or Answer()
        if request.method == "GET":
            await self._look(watched)
        response = await self._send(request)
        if response.status_code == _REFUSED and self._holds_another():
            await response.aclose()
            response = await self._send(request)
        if response.status_code == _REFUSED:
            await response.aclose()
            raise TokenRefusedError
        if isinstance(response.stream, httpx2.AsyncByteStream):
            most_bytes = math.inf if _media_type(response) == _STREAM else MOST_BYTES
            response.stream = _Bounded(response.stream, watched, most_bytes)
        return response

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._way.aclose()

    async def _look(self, watched: Answer) -> None:
        """Let a stream be opened, though not again and again, and none that nobody waits for."""
        if watched.over:
            raise httpx2.ReadError("nobody waits for it any more")
        now_s = asyncio.get_running_loop().time()
        self._look_s = max(self._look_s, now_s)
        pause_s, self._look_s = self._look_s - now_s, self._look_s + _BETWEEN_LOOKS_S
        await asyncio.sleep(pause_s)

    def _holds_another(self) -> bool:
        """Read the token again; whether it is another one."""
        refused, self._token = self._token, self._read() if self._read else ""
        return self._token != refused

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        answer = Answer()
        if request.method == "POST":  # all else only listens, or says good-bye
            answer = self.last = _watched.get() or answer
        answer.status, answer.sent = 0, True
        try:
            response = await self._way.handle_async_request(self._signed(request))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            answer.sent = False
            raise
        answer.status = response.status_code
        answer.media_type = _media_type(response)
        location: str = response.headers.get("location", "")
        answer.location = location.partition("?")[0][:_MOST_LOCATION_CHARS]
        return response

    def _signed(self, request: httpx2.Request) -> httpx2.Request:
        """The request as it goes out: with the token, if it goes where that belongs."""
        if not self._token or _origin(request.url) != self._origin:
            return request
        return httpx2.Request(
            request.method,
            request.url,
            headers={**request.headers, "authorization": f"Bearer {self._token}"},
            stream=request.stream,
            extensions=request.extensions,
        )


class TooMuchError(httpx2.StreamError):
    """The server doesn't stop; of this kind since `mcp` takes such for one bad answer, and goes on."""


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error where it gets too long, or goes on when nobody waits for it."""

    def __init__(self, body: httpx2.AsyncByteStream, watched: Answer, most_bytes: float) -> None:
        self._body, self._watched, self._most_bytes = body, watched, most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size_bytes = 0
        async for chunk in self._body:
            size_bytes += len(chunk)
            if size_bytes > self._most_bytes:
                raise TooMuchError(f"an answer of more than {self._most_bytes} bytes")
            if self._watched.over:
                raise TooMuchError("nobody waits for it any more")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


def http_client(door: Door) -> httpx2.AsyncClient:
    """What `mcp` sends its requests with; answers are not compressed, so that bytes are what they weigh."""
    return httpx2.AsyncClient(
        transport=door,
        trust_env=False,
        headers={"accept-encoding": "identity"},
        timeout=httpx2.Timeout(QUIET_S, connect=CONNECT_S, pool=CONNECT_S),
    )


def _media_type(response: httpx2.Response) -> str:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
