"""uvicorn's protocols with the limits that they lack: for half a request, an unread answer, and a flood.

They look at uvicorn's state only to tell who waits for whom. Time passes for a client while it owes us
something: the rest of a header, more of a body that is wanted, the end of one that has been answered
already, or the reading of what we wrote.
"""

import asyncio
import logging
from typing import Any

import h11
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from wyoming_voice.http.errors import BadRequest
from wyoming_voice.http.pieces import InPieces
from wyoming_voice.http.turned_away import Outside, answer
from wyoming_voice.sockets import tuned

_log = logging.getLogger(__name__)

_MOST_FRAGMENTS = 1024
"""Of one message; who sends it in pieces makes them as large as a message usually is."""

_TOO_BIG = 1009
"""RFC 6455, 7.4.1."""

_LOOKS = 10
"""How often a silent client is looked at within its time."""


class _Reading(InPieces):
    """Cuts a client off that reads nothing of what waits for it."""

    limit_s: float
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        super().connection_made(transport)
        tuned(self.transport)
        self.transport.set_write_buffer_limits(high=1)  # TLS would pause for ever at 0

    def pause_writing(self) -> None:
        """The system takes no more of what we write."""
        super().pause_writing()  # type: ignore[misc]
        self._look_at_reader(before_bytes=None)

    def resume_writing(self) -> None:
        """All of it has been taken."""
        super().resume_writing()  # type: ignore[misc]
        self._has_read()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._has_read()
        super().connection_lost(exc)

    def _look_at_reader(self, before_bytes: int | None) -> None:
        unread_bytes = self.transport.get_write_buffer_size()
        if before_bytes is not None and unread_bytes >= before_bytes:
            self.transport.abort()
            return
        self._unread = self.loop.call_later(self.limit_s, self._look_at_reader, unread_bytes)

    def _has_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class PunctualHttp(_Reading, H11Protocol):
    """Also cuts a client off that begins a request and doesn't go on with it, and keeps crowds away."""

    outside: Outside
    _heard_s = 0.0
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come, and should say something."""
        assert isinstance(transport, asyncio.Transport)
        if self.outside.turns_away(transport, len(self.connections)):
            return
        super().connection_made(transport)
        self._heard_s = self.loop.time()
        self._look()

    def data_received(self, data: bytes) -> None:
        """It has."""
        super().data_received(data)
        if (
            self.cycle is not None
            and self.conn.their_state is not h11.IDLE
            and not self.cycle.response_complete
        ):
            self._heard_s = self.loop.time()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """It becomes a WebSocket; who spoke on without waiting for our yes isn't heard, as in uvicorn."""
        self._held.clear()
        self._stop_looking()
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """It speaks no HTTP: tell it as every error is told, unless an answer has begun already."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            _log.info("error told to a client: code=%s %s", BadRequest.code, msg)
            self.transport.write(answer(BadRequest(msg)))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop_looking()
        super().connection_lost(exc)

    def _stop_looking(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    def _look(self) -> None:
        if not self._awaits_input():
            self._heard_s = self.loop.time()
        if self.loop.time() - self._heard_s >= self.limit_s:
            self.transport.abort()
            return
        self._watch = self.loop.call_later(self.limit_s / _LOOKS, self._look)

    def _awaits_input(self) -> bool:
        """Whether the next word is the client's: while we make an answer, or take nothing in, it is not."""
        if self.flow.read_paused:
            return False
        cycle = self.cycle
        return cycle is None or cycle.more_body or cycle.response_complete


class PunctualWebSocket(_Reading, WebSocketsSansIOProtocol):
    """A WebSocket; its silence is uvicorn's own business, which sends pings."""

    _pongs = b""

    def data_received(self, data: bytes) -> None:
        """The client speaks; first of all comes its whole handshake, which some libraries can't read."""
        if self.handshake_initiated:
            super().data_received(data)
            return
        WebSocketsSansIOProtocol.data_received(self, data)
        if not self.handshake_initiated:  # uvicorn would wait for ever
            self.transport.write(
                answer(BadRequest("this is no WebSocket's handshake; send no body"))
            )
            self.transport.close()

    def handle_cont(self, event: Any) -> None:
        """More of a message, of which empty pieces would never make one that is too long."""
        if len(self.frames) >= _MOST_FRAGMENTS:
            self.conn.fail(_TOO_BIG, f"over {_MOST_FRAGMENTS} fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer; who reads no answers gets the last ones when he does (RFC 6455, 5.5.3)."""
        self._pongs = b"".join(self.conn.data_to_send()) or self._pongs
        self._answer_pings()

    def resume_writing(self) -> None:
        """All of it has been taken."""
        super().resume_writing()
        self._answer_pings()

    def _answer_pings(self) -> None:
        if self.writable.is_set():
            pongs, self._pongs = self._pongs, b""
            self.transport.write(pongs)

    async def send(self, message: ASGISendEvent) -> None:
        """Send; where uvicorn itself has hung up, there is nobody, which is no bug of whoever sends."""
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)


def punctual(
    limit_s: float, outside: Outside
) -> tuple[type[PunctualHttp], type[PunctualWebSocket]]:
    """The two protocols with their limits; uvicorn makes one of each connection, from its class."""
    return (
        type(
            "PunctualHttp",
            (PunctualHttp,),
            {"limit_s": limit_s, "outside": outside},
        ),
        type("PunctualWebSocket", (PunctualWebSocket,), {"limit_s": limit_s}),
    )
