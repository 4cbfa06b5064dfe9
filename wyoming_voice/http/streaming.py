"""Answers that are sent while they are made: audio, lines of JSON, server-sent events.

Rules: the status is sent with the first item, so that what fails before it is told by its own status; the
items are made and closed in the request's own task, so that a generator may hold a deadline or a task
group across its yields; and none outlives its client. What fails later is the last word of an answer that
has words, and the end of one that has none.
"""

import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import VoiceError
from wyoming_voice.http.errors import body_of
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.leaving import leaving, until_gone

Told = Mapping[str, Any]
"""One message, which JSON can hold."""


async def streamed(
    request: Request,
    items: AsyncGenerator[bytes, None],
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> StreamingResponse:
    """An answer whose body is `items`; waits for the first, and raises what it raises.

    `items` is closed on every path: at its end, when it fails, when the client leaves, and when it leaves
    what was sent unread for `http_timeout_s`. What it raises later breaks the answer off, which is all
    that HTTP knows. `with floor.serving(record)` belongs inside of it, around everything. `media_type`
    is sent as it is.
    """
    async with leaving(request):
        first = await anext(items, None)
    return _Stream(first, items, headers={**(headers or {}), "Content-Type": media_type})


async def as_lines(request: Request, messages: AsyncGenerator[Told, None]) -> Response:
    """Newline-delimited JSON; raises what comes before the first message."""
    return await streamed(request, _written(request, messages, _line), "application/x-ndjson")


async def as_events(request: Request, messages: AsyncGenerator[Told, None]) -> Response:
    """Server-sent events, without names, as OpenAI sends them; raises what comes before the first."""
    return await streamed(
        request,
        _written(request, messages, _event),
        "text/event-stream; charset=utf-8",
        {"Cache-Control": "no-cache"},
    )


async def served(
    floor: Floor, record: TurnRecord, items: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    """The same items, counted and told of as one request; raises Busy, Loading."""
    async with contextlib.aclosing(items):
        with floor.serving(record):
            async for item in items:
                yield item


async def _written(
    request: Request, messages: AsyncGenerator[Told, None], written: Callable[[Told], bytes]
) -> AsyncGenerator[bytes, None]:
    begun = False
    async with contextlib.aclosing(messages):
        try:
            async for message in messages:
                yield written(message)
                begun = True
        except VoiceError as error:
            if not begun:
                raise
            yield written({"type": "error", **body_of(error, request_id_of(request))})


def _line(message: Told) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


def _event(message: Told) -> bytes:
    return b"data: " + _line(message) + b"\n"


class _Stream(StreamingResponse):
    def __init__(
        self,
        first: bytes | None,
        items: AsyncGenerator[bytes, None],
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(items, headers=headers)
        self._first = first
        self._items = items

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all there is, for as long as there is a client."""
        async with contextlib.aclosing(self._items), until_gone(receive):
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            if self._first is not None:
                await self._send_item(self._first, send)
                async for item in self._items:
                    await self._send_item(item, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_item(self, item: bytes, send: Send) -> None:
        await send({"type": "http.response.body", "body": item, "more_body": True})
