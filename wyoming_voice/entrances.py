"""The sockets by which Wyoming clients come in: at --uri, under TLS at --tls-uri, or passed ones.

Rule: behind each of them is the same: the same limits, the same gate, the same count of clients.
"""

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Sequence

from wyoming.error import Error

from wyoming_voice.errors import ConfigError
from wyoming_voice.gate import Gate
from wyoming_voice.listening import (
    Accept,
    confine,
    patient,
    remove_stale_socket,
    serve,
    start_server,
    streams,
)
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.threshold import Threshold
from wyoming_voice.tls import Renewing, Shown
from wyoming_voice.wire import Address, encode, parse_uri

_log = logging.getLogger(__name__)

_TO_PLAIN = encode(
    Error(text="this port speaks TLS; write tls:// in place of tcp://", code="bad-event").event()
)


class Entrances:
    """Closed until `open`."""

    def __init__(
        self,
        settings: ServiceSettings,
        passed: Sequence[socket.socket],
        gate: Gate,
        accept: Accept,
    ) -> None:
        self._settings = settings
        self._passed = passed
        self._gate = gate
        self._accept = accept
        self._servers: list[asyncio.Server] = []
        self._threshold: Threshold | None = None
        self._own_path = ""

    async def open(self) -> list[Address]:
        """Take clients from here on; the addresses with their real ports, plain ones first.

        Binds where `uri` says, unless open sockets were passed: then these take its place. Raises
        ConfigError when an address can't be had, or a socket can't be listened on.
        """
        if self._passed:
            plain = [await self._take_over(sock) for sock in self._passed]
        else:
            plain = [await self._bind(parse_uri(self._settings.uri))]
        return plain + await self._bind_tls()

    def close(self) -> None:
        """Take no more clients."""
        for server in self._servers:
            server.close()
        if self._threshold is not None:
            self._threshold.close()

    def clear(self) -> None:
        """Take the file of a unix socket away that was made here."""
        if self._own_path:
            with contextlib.suppress(ConfigError):  # another server has taken the path over
                remove_stale_socket(self._own_path)

    @property
    def _limit_bytes(self) -> int:
        return self._settings.wire_limits.header_bytes

    async def _bind(self, address: Address) -> Address:
        interface = "" if address.path else self._settings.interface
        server, bound = await start_server(address, self._accept, self._limit_bytes, interface)
        self._servers.append(server)
        self._own_path = address.path
        return bound

    async def _bind_tls(self) -> list[Address]:
        settings = self._settings
        if not settings.tls_uri or settings.tls_cert is None or settings.tls_key is None:
            return []
        shown = Shown(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        self._threshold = Threshold(
            Renewing(shown, _log.error),
            self._gate,
            lambda: streams(self._accept, self._limit_bytes),
            _TO_PLAIN,
        )
        server, bound = await serve(
            parse_uri(settings.tls_uri), self._threshold, settings.interface
        )
        self._servers.append(server)
        return [bound]

    async def _take_over(self, sock: socket.socket) -> Address:
        if sock.type != socket.SOCK_STREAM or not sock.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            raise ConfigError(
                "the passed socket listens for no streams; its unit needs ListenStream= and Accept=no"
            )
        try:
            confine(sock, self._settings.interface)
        except OSError as error:
            raise ConfigError(
                f"--interface {self._settings.interface}: not possible with a passed socket"
                f" ({error.strerror}); write BindToDevice= in its unit instead"
            ) from error
        limit = self._limit_bytes
        if sock.family != socket.AF_UNIX:
            server = await asyncio.start_server(self._accept, sock=sock, limit=limit)
        elif sys.version_info >= (3, 13):  # which would take systemd's socket away at the end
            server = await asyncio.start_unix_server(
                self._accept, sock=sock, limit=limit, cleanup_socket=False
            )
        else:
            server = await asyncio.start_unix_server(self._accept, sock=sock, limit=limit)
        self._servers.append(patient(server))
        name = sock.getsockname()
        return Address(path=name) if isinstance(name, str) else Address(host=name[0], port=name[1])
