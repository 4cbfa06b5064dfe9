"""The HTTP side of an MCP connection: where the token goes, and what came back.

Rule: the token is put on a request at the last moment, for the one origin that it belongs to, so that it
stands in no request that is logged or raised; redirects to elsewhere are not followed (`mcp` sees to that).
No proxy and no .netrc stand between us and the server. What a server sends in one piece is bounded.
"""

import contextlib
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

_MOST_BYTES = 4 * 1024 * 1024
_STREAM = "text/event-stream"
_REFUSED = 401


class TokenRefusedError(Exception):
    """The server doesn't take the token, or wants one."""


@dataclass
class Answer:
    """What is known of what came back: of the last request, or of one in particular.

    `status` is 0 as long as nothing came; `sent`: the request may have gone out, at least in part.
    """

    status: int = 0
    media_type: str = ""
    location: str = ""
    sent: bool = False

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

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it; a refused token is read again and, where it is another, tried once more."""
        if request.method == "DELETE":  # a farewell, which nobody waits for
            steps = ("connect", "read", "write", "pool")
            request.extensions["timeout"] = dict.fromkeys(steps, _FAREWELL_S)
        response = await self._send(request)
        if response.status_code == _REFUSED and self._holds_another():
            await response.aclose()
            response = await self._send(request)
        if response.status_code == _REFUSED:
            await response.aclose()
            raise TokenRefusedError
        if _media_type(response) != _STREAM and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream)
        return response

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._way.aclose()

    def _holds_another(self) -> bool:
        """Read the token again; whether it is another one."""
        refused, self._token = self._token, self._read() if self._read else ""
        return self._token != refused

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.last = _watched.get() or Answer()
        answer.status, answer.sent = 0, True
        try:
            response = await self._way.handle_async_request(self._signed(request))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            answer.sent = False
            raise
        answer.status = response.status_code
        answer.media_type = _media_type(response)
        answer.location = response.headers.get("location", "").partition("?")[0]
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


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error where it gets too long."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size_bytes = 0
        async for chunk in self._body:
            size_bytes += len(chunk)
            if size_bytes > _MOST_BYTES:
                raise httpx2.ReadError(f"an answer of more than {_MOST_BYTES} bytes")
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
