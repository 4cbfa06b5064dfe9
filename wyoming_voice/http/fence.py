"""Where errors become answers: each request with an id, each failure told under it in one shape.

Rule: what fails before an answer has begun is told by its status; after that an HTTP answer is broken off,
which is all that HTTP knows, and a WebSocket is told in a message and closed.
"""

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Callable
from http import HTTPStatus

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from wyoming_voice import logs
from wyoming_voice.core.timing import new_turn_id
from wyoming_voice.errors import Busy, PeerError, UpstreamError, VoiceError
from wyoming_voice.http.errors import NotFound, body_of, headers_of, status_of
from wyoming_voice.http.leaving import ClientLeft
from wyoming_voice.wire import PeerGone

_log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_CLOSED_BY_PEERS_FAULT, _CLOSED_BY_OUR_FAULT, _TRY_AGAIN_LATER = 1008, 1011, 1013
"""Policy violation and internal error (RFC 6455, 7.4.1), and the registry's later addition."""


def request_id_of(connection: HTTPConnection) -> str:
    """The id under which a request is logged, answered and complained about."""
    return str(connection.scope["state"]["request_id"])


def sent_with_it(scope: Scope) -> dict[str, str]:
    """The headers of whatever this request will be answered with, errors too; add to them."""
    headers: dict[str, str] = scope["state"]["headers"]
    return headers


Failed = Callable[[str, str], None]
"""Takes the code and the text of an error that a client is told."""

_PROBES = ("/health", "/ready")
"""Where an error is the answer: how we are."""

_LINGER_S = 2.0
"""How long a client that has its answer may go on talking."""


class Fence:
    """ASGI middleware around everything: gives the request its id, and tells the client what went wrong."""

    def __init__(self, app: ASGIApp, failed: Failed) -> None:
        self._app = app
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket; raises nothing but CancelledError."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = offered if _PLAIN_ID.fullmatch(offered) else new_turn_id()
        state = scope.setdefault("state", {})
        state["request_id"], state["headers"] = request_id, {REQUEST_ID: request_id}
        with logs.turn(request_id):
            await _Exchange(self._app, scope, receive, send, self._failed).run()


class _Exchange:
    """One request, or one WebSocket."""

    def __init__(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, failed: Failed
    ) -> None:
        self._app = app
        self._scope = scope
        self._from_client = receive
        self._to_client = send
        self._failed = failed
        self._begun = self._over = self._heard_out = False

    async def run(self) -> None:
        try:
            await self._app(self._scope, self._hear, self._send)
        except asyncio.CancelledError:
            await self._tell(Busy("the server stops; try again later"))
            raise
        except Exception as error:  # noqa: BLE001  (the fence of a connection)
            await self._end(_alone(error))

    async def _end(self, error: Exception) -> None:
        match error:
            case VoiceError():
                await self._tell(error)
            case ClientLeft() | ClientDisconnect() | WebSocketDisconnect():
                return
            case PeerGone():
                await self._tell(UpstreamError("a server behind this one hung up; try again later"))
            case _:
                _log.error("a bug, or an engine that failed: request=%s", self._id, exc_info=error)
                await self._tell(VoiceError("internal error; the server's log says more"))

    @property
    def _id(self) -> str:
        return str(self._scope["state"]["request_id"])

    async def _hear(self) -> Message:
        message = await self._from_client()
        self._heard_out = self._heard_out or not message.get("more_body", False)
        return message

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "websocket.close" if not self._begun:
                raise NotFound(f"there is no WebSocket at {self._scope['path'][:80]!r}")
            case "http.response.start" | "websocket.http.response.start" | "websocket.accept":
                self._begun = True
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                headers.update(sent_with_it(self._scope))
                message = {**message, "headers": headers.raw}
            case "websocket.close":
                self._over = True
        await self._to_client(message)

    async def _tell(self, error: VoiceError) -> None:
        if self._scope["path"] not in _PROBES:
            level = logging.INFO if isinstance(error, PeerError) else logging.WARNING
            _log.log(level, "error told to a client: code=%s %s", error.code, error)
            self._failed(error.code, str(error))
        with contextlib.suppress(OSError):  # it has left meanwhile
            if not self._begun:
                answer = JSONResponse(body_of(error, self._id), status_of(error), headers_of(error))
                await answer(self._scope, self._hear, self._hearing_out)
            elif self._scope["type"] == "websocket" and not self._over:
                await self._hang_up(error)

    async def _hearing_out(self, message: Message) -> None:
        """Send an answer, but end it only when the client has said all: else the system might drop it.

        To close a connection on which something is unread resets it, and with that takes the answer back.
        """
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while not self._heard_out:
                    await self._hear()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _hang_up(self, error: VoiceError) -> None:
        told = json.dumps({"type": "error", **body_of(error, self._id)})
        await self._send({"type": "websocket.send", "text": told})
        await self._send(
            {"type": "websocket.close", "code": _closed_by(error), "reason": error.code}
        )


def _alone(error: Exception) -> Exception:
    """What a task group has wrapped, where it is one thing."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _closed_by(error: VoiceError) -> int:
    status = status_of(error)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return _TRY_AGAIN_LATER
    ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _CLOSED_BY_OUR_FAULT if ours else _CLOSED_BY_PEERS_FAULT
