"""An HTTP server inside a process that has an event loop and signals of its own: uvicorn, kept on a lead.

Rule: no client holds anything for long, neither while the door is open (see `punctual`) nor when it closes.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from http import HTTPStatus

import uvicorn
from starlette.types import ASGIApp

from wyoming_voice.errors import ConfigError, why
from wyoming_voice.gate import Gate
from wyoming_voice.http.errors import AnyRefusal
from wyoming_voice.http.punctual import punctual
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.http.turned_away import Outside, answer
from wyoming_voice.listening import check_interface, confine, is_loopback
from wyoming_voice.threshold import Threshold
from wyoming_voice.tls import Renewing, Shown
from wyoming_voice.wire import Address, parse_uri

_log = logging.getLogger(__name__)

_MOST_HEADER_BYTES = 65_536
_LARGEST_MESSAGE_BYTES = 4_194_304
_PING_S = 20.0
_CONNECTIONS_PER_REQUEST = 4
"""A browser opens several connections and asks on one."""

_TOLD_BY_US = (
    "Invalid HTTP request received.",
    "ASGI callable returned without completing handshake.",
    "Invalid UTF-8 sequence received from client.",
    "Unsupported upgrade request.",
)
"""What uvicorn says of a client that it has refused, of a WebSocket that we have, of one that is closed for
nonsense, and of a request that is answered all the same: any client could fill the log with it."""

_FAREWELL_S = 0.1
"""How long WebSockets that are closed have to answer, even where nobody waits for requests."""

_LOOK_S = 0.005
"""How often it is looked whether all have left, while the door closes."""

_LAST_S = 2.0
"""How long what is cut off may take to clean up, and to tell its client."""


def _nobody() -> None:
    """Hears of those who are turned away where nobody else does."""


class Door:
    """One HTTP server; serves from `listen` until `close`."""

    def __init__(
        self,
        app: ASGIApp,
        settings: HttpSettings,
        gate: Gate | None = None,
        refused: Callable[[], None] = _nobody,
    ) -> None:
        """`refused` hears of each client that is turned away. ConfigError for a useless certificate."""
        self._uri = settings.http
        self._gate = gate = gate or Gate()
        most = _CONNECTIONS_PER_REQUEST * settings.max_http_requests
        outside = Outside(gate, most, refused)
        http, websocket = punctual(settings.http_timeout_s, outside)
        config = uvicorn.Config(
            app,
            http=http,
            ws=websocket,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
            ws_per_message_deflate=False,  # speech doesn't get smaller by it, only later
            ws_max_size=_LARGEST_MESSAGE_BYTES,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=settings.http_timeout_s,
            proxy_headers=False,
        )
        config.load()
        log = logging.getLogger("uvicorn.error")
        log.setLevel(logging.WARNING)  # what it says of a usual day, we say ourselves
        log.addFilter(_is_told)
        self._server = _Server(config, outside, _thresholds(settings, gate))
        self._life: asyncio.Task[None] | None = None

    async def listen(self) -> Address:
        """Take clients from here on; the address with its real port. ConfigError when it can't be had."""
        address = parse_uri(self._uri)
        check_interface("" if is_loopback(address.host) else self._gate.interface, address)
        sock = await _bound(address, self._uri, self._gate.interface)
        name = sock.getsockname()
        self._life = asyncio.create_task(self._server.serve([sock]))
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait((self._life, listening), return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if self._life.done():
            await self._life
        return Address(host=address.host, port=name[1])

    async def close(self, drain_s: float = 0.0) -> None:
        """Take no more clients; those that there are get `drain_s` seconds to be answered.

        WebSockets are closed at once, with 1012: their clients should come again.
        """
        if self._life is None:
            return
        self._server.leave(drain_s)
        await self._life


_Behind = Callable[[Callable[[], asyncio.Protocol]], Threshold]
"""Puts the protocols of HTTP behind TLS."""


def _thresholds(settings: HttpSettings, gate: Gate) -> _Behind | None:
    if not (settings.tls_cert and settings.tls_key):
        return None
    certificate = Renewing(Shown(settings.tls_cert, settings.tls_key), _log.error)
    to_plain = answer(AnyRefusal(HTTPStatus.BAD_REQUEST, "this port speaks HTTPS; write https://"))
    return lambda protocol: Threshold(certificate, gate, protocol, to_plain)


class _Server(uvicorn.Server):
    """uvicorn's, which says when it listens, leaves signals alone, and leaves nobody behind."""

    def __init__(self, config: uvicorn.Config, outside: Outside, threshold: _Behind | None) -> None:
        super().__init__(config)
        self._outside = outside
        self._behind = threshold
        self._threshold: Threshold | None = None
        self.listening = asyncio.Event()
        self._leaving = asyncio.Event()
        self._drain_s = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so; under TLS, uvicorn's protocols come after the handshake.

        uvicorn's own listener waits a minute for each handshake, and for any number of them.
        """
        await self.lifespan.startup()
        protocol: Callable[[], asyncio.Protocol] = self._protocol
        if self._behind is not None:
            protocol = self._threshold = self._behind(protocol)
        loop = asyncio.get_running_loop()
        backlog = self.config.backlog
        self.servers = [
            await loop.create_server(protocol, sock=sock, backlog=backlog) for sock in sockets or ()
        ]
        self.started = True
        self.listening.set()

    def _protocol(self) -> asyncio.Protocol:
        made: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return made(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def main_loop(self) -> None:
        """Keep the `Date` of answers right; uvicorn's own would wake ten times a second for it."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), 1.0)

    def leave(self, drain_s: float) -> None:
        """Take no more clients, and end when those that there are have been answered, or after `drain_s`."""
        self._drain_s = drain_s
        self.should_exit = True
        self._leaving.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The process has its own ideas about signals."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's own, which takes a tenth of a second at least, and leaves behind what it cancels."""
        for server in self.servers:
            server.close()
        self._outside.close()
        if self._threshold is not None:
            self._threshold.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(self._drain_s, _FAREWELL_S)):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_S)
        if tasks := list(self.server_state.tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_LAST_S)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _is_told(record: logging.LogRecord) -> bool:
    """Requests that we have cancelled ourselves are no errors, as uvicorn has it; of some we tell."""
    if record.msg in _TOLD_BY_US:
        return False
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


async def _bound(address: Address, uri: str, interface: str) -> socket.socket:
    loop = asyncio.get_running_loop()
    sock: socket.socket | None = None
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        family, _, _, _, place = found[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        confine(sock, "" if is_loopback(address.host) else interface)
        sock.bind(place)
        sock.listen()
    except OSError as error:
        if sock is not None:
            sock.close()
        raise ConfigError(f"--http {uri} can't be had: {why(error)}") from error
    return sock
