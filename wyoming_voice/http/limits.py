"""How much clients may send, one at a time and all together: told before it is read where they declare it.

Rule: what is large lies on disk until its request is over, so there is an end to all of it together; what
is small never waits for what is large, and there is no more of it than there are connections.
"""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wyoming_voice.errors import Busy, TooLarge
from wyoming_voice.http.errors import AnyRefusal

_SMALL_BYTES = 1_000_000
"""A command of half a minute as WAV; stays in memory."""

_LARGEST_AT_A_TIME = 4
"""All that is large may be as much as this many of the largest request."""


class BodyLimit:
    """ASGI middleware: TooLarge for a request of more than `most_bytes`, Busy where there is no room."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._claimed_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through as long as there is room for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        if declared and "transfer-encoding" in headers:
            # A proxy in front may have read another end of this request (RFC 9112, 6.1).
            raise AnyRefusal(
                HTTPStatus.BAD_REQUEST,
                "a length and chunks at once; send either Content-Length or Transfer-Encoding",
                {"Connection": "close"},
            )
        claimed = self._claim(int(declared) if declared.isdecimal() else 0, 0)
        seen = 0

        async def counted() -> Message:
            nonlocal seen, claimed
            message = await receive()
            seen += len(message.get("body", b""))
            claimed = self._claim(seen, claimed)
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._claimed_bytes -= claimed

    def _claim(self, size_bytes: int, claimed_bytes: int) -> int:
        """Claim room for a request, which has claimed so much before; what it has claimed then."""
        if size_bytes > self._most_bytes:
            most_mb = self._most_bytes // 1_000_000
            raise TooLarge(f"a request of over {most_mb} MB; send less, or raise --max-upload-mb")
        if size_bytes <= max(_SMALL_BYTES, claimed_bytes):
            return claimed_bytes
        claimed_together = self._claimed_bytes - claimed_bytes + size_bytes
        if claimed_together > _LARGEST_AT_A_TIME * self._most_bytes:
            raise Busy("too much is being uploaded at the moment; try again later, or send less")
        self._claimed_bytes = claimed_together
        return size_bytes
