"""Where a connection stands until TLS is agreed on, before any protocol of ours hears of it.

Rules: a handshake has a deadline, and only so many go on at a time, so that clients who call and say nothing
hold nothing. Those whom the gate won't admit have a smaller share of their own: they are let as far as
hearing so, and can't keep the others out.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable

from wyoming_voice.access import Grumbles
from wyoming_voice.gate import Gate, host_of
from wyoming_voice.tls import Renewing, is_plain, its_trouble, last_words_in

_log = logging.getLogger(__name__)

_HANDSHAKE_S = 10.0
_FAREWELL_S = 2.0
"""How long the other end may take to hear that TLS is over, or that there will be none."""

_ADMITTED, _REFUSED = 64, 8
"""How many handshakes at a time, of clients that may come in, and of others."""


class Threshold:
    """Makes the protocols of a TLS listener: `protocol` makes what is behind."""

    def __init__(
        self,
        certificate: Renewing,
        gate: Gate,
        protocol: Callable[[], asyncio.Protocol],
        to_plain: bytes,
        handshake_s: float = _HANDSHAKE_S,
    ) -> None:
        """`to_plain` is what a client hears that doesn't speak TLS, in its own words."""
        self._certificate = certificate
        self._to_plain = to_plain
        self._gate = gate
        self._protocol = protocol
        self._handshake_s = handshake_s
        self._grumbles = Grumbles()
        self._under_way: dict[bool, set[asyncio.Task[None]]] = {True: set(), False: set()}

    @property
    def handshakes(self) -> int:
        """How many are under way."""
        return sum(map(len, self._under_way.values()))

    def __call__(self) -> asyncio.Protocol:
        """The protocol of one connection."""
        return _Arrival(self._arrived)

    def close(self) -> None:
        """End those that are under way."""
        for tasks in self._under_way.values():
            for task in tasks:
                task.cancel()

    def _arrived(self, transport: asyncio.Transport) -> None:
        admitted = self._gate.admits(transport)
        others = self._under_way[admitted]
        if len(others) >= (_ADMITTED if admitted else _REFUSED):
            transport.abort()
            return
        transport.pause_reading()
        task = asyncio.create_task(self._agree(transport))
        others.add(task)
        task.add_done_callback(others.discard)

    async def _agree(self, transport: asyncio.Transport) -> None:
        lobby, host = _Lobby(), host_of(transport)
        try:
            # asyncio closes its own at once where TLS comes to nothing, and the client would never hear why.
            spare = transport.get_extra_info("socket").dup()
        except OSError:  # no more open files: this is no time to be kind
            transport.abort()
            return
        with spare:
            try:
                encrypted = await asyncio.get_running_loop().start_tls(
                    transport,
                    lobby,
                    self._certificate.context,
                    server_side=True,
                    ssl_handshake_timeout=self._handshake_s,
                    ssl_shutdown_timeout=_FAREWELL_S,
                )
            except OSError as error:
                self._tell(f"{host}: {its_trouble(error)}")
                await _farewell(spare, self._to_plain if is_plain(error) else last_words_in(error))
                return
        if encrypted is not None and not encrypted.is_closing():
            lobby.leave_for(self._protocol(), encrypted)

    def _tell(self, trouble: str) -> None:
        if self._grumbles.due(trouble, time.monotonic()):
            _log.warning("no TLS with the client at %s", trouble)


async def _farewell(sock: socket.socket, words: bytes) -> None:
    """Say why, then swallow what still comes: to close with unread input would take the words back."""
    if not words:
        return
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):  # it has left, or TimeoutError
        async with asyncio.timeout(_FAREWELL_S):
            await loop.sock_sendall(sock, words)
            sock.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(sock, 65_536):
                pass


class _Arrival(asyncio.Protocol):
    """Tells of a connection; what comes on it is not read here."""

    def __init__(self, arrived: Callable[[asyncio.Transport], None]) -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        assert isinstance(transport, asyncio.Transport)
        self._arrived(transport)


class _Lobby(asyncio.Protocol):
    """Keeps what a client says between the end of its handshake and the beginning of what is behind."""

    def __init__(self) -> None:
        self._heard = bytearray()

    def data_received(self, data: bytes) -> None:
        """It goes on at once; this is little, since nothing is awaited meanwhile."""
        self._heard += data

    def leave_for(self, protocol: asyncio.Protocol, transport: asyncio.Transport) -> None:
        """Hand the connection over."""
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self._heard:
            protocol.data_received(bytes(self._heard))
