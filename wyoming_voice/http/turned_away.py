"""What an HTTP client meets that may not come in, or for whom there is no room: 403 or 503 in the shape of
every error, whatever it asks.

Rule: it is heard until it has asked, since an answer before the question confuses; no longer than a few
seconds, and only so many at a time.
"""

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus

from wyoming_voice.core.timing import new_turn_id
from wyoming_voice.errors import PeerError, VoiceError
from wyoming_voice.gate import Gate
from wyoming_voice.http.errors import body_of, status_of

_WITHIN_S = 5.0
_LINGER_S = 2.0
_MOST = 64

FLAG = "--max-http-requests"


class Outside:
    """Those who are being turned away from one door."""

    def __init__(self, gate: Gate, most_connections: int, refused: Callable[[], None]) -> None:
        """`refused` hears of each of them."""
        self._gate = gate
        self._most_connections = most_connections
        self._refused = refused
        self._transports: set[asyncio.Transport] = set()

    def turns_away(self, transport: asyncio.Transport, connected: int) -> bool:
        """Whether this client, beside those who are `connected`, may not come in; it is taken over then."""
        error: PeerError | None = self._gate.refusal(transport)
        if error is None and connected >= self._most_connections:
            error = self._gate.full(transport, connected, FLAG)
        if error is None:
            return False
        self._refused()
        if len(self._transports) >= _MOST:
            transport.abort()
        self._transports.add(transport)
        transport.set_protocol(_TurnedAway(transport, error, self._transports.discard))
        return True

    def close(self) -> None:
        """Hang up on all of them."""
        for transport in list(self._transports):
            transport.abort()


class _TurnedAway(asyncio.Protocol):
    """One of them."""

    def __init__(
        self,
        transport: asyncio.Transport,
        error: VoiceError,
        left: Callable[[asyncio.Transport], None],
    ) -> None:
        self._transport = transport
        self._answer: bytes = answer(error)
        self._left = left
        self._end = asyncio.get_running_loop().call_later(_WITHIN_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """It asks: it is told at once, and whatever else it says is swallowed for a while."""
        if not self._answer:
            return
        self._transport.write(self._answer)
        self._answer = b""
        self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(_LINGER_S, self._transport.close)
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        """It has gone."""
        self._end.cancel()
        self._left(self._transport)


def answer(error: VoiceError) -> bytes:
    """A whole HTTP answer that says what is wrong."""
    request_id, status = new_turn_id(), HTTPStatus(status_of(error))
    body = json.dumps(body_of(error, request_id)).encode()
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-ID: {request_id}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
