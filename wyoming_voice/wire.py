"""Reads and writes Wyoming events with limits, where the `wyoming` package's own reader has none.

An event is one line of JSON, `{"type", "data", "data_length", "payload_length"}`, then `data_length`
bytes of JSON, then `payload_length` bytes (https://github.com/rhasspy/wyoming, the section "Format").
Rule: a lie about a length is refused before a byte of it is read; a peer that is cut off is gone, not wrong.
"""

import asyncio
import contextlib
import errno
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wyoming import version as wyoming_version
from wyoming.event import Event

from wyoming_voice.errors import BadEvent, ConfigError, TooLarge, TooSlow, why


@dataclass(frozen=True)
class WireLimits:
    """The most that one event may hold, in bytes, and the longest wait for a peer to read, in seconds."""

    header_bytes: int = 64 * 1024
    data_bytes: int = 1024 * 1024
    payload_bytes: int = 4 * 1024 * 1024
    write_timeout_s: float = 30.0


class SocketInUse(ConfigError):
    """A unix socket on which somebody else listens."""


class PeerGone(ConnectionError):
    """The other side hung up, or its network did, before all was written."""


@dataclass(frozen=True)
class Address:
    """Where a server listens: a host and port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix://{self.path}"
        return (
            f"tcp://[{self.host}]:{self.port}"
            if ":" in self.host
            else f"tcp://{self.host}:{self.port}"
        )


def parse_uri(uri: str) -> Address:
    """`tcp://HOST:PORT` (port 0: any free one) or `unix:///PATH`; ConfigError says what is wrong."""
    if path := uri.removeprefix("unix://") if uri.startswith("unix://") else "":
        return Address(path=path)
    try:
        parts = urlsplit(uri)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme != "tcp" or not host or port is None:
        raise ConfigError(f"bad address {uri!r}; write tcp://HOST:PORT or unix:///PATH")
    return Address(host=host, port=port)


def encode(event: Event) -> bytes:
    """One event as it goes over the wire."""
    header: dict[str, Any] = {"type": event.type, "version": wyoming_version.__version__}
    data = _json(event.data) if event.data else b""
    payload = event.payload or b""
    if data:
        header["data_length"] = len(data)
    if payload:
        header["payload_length"] = len(payload)
    return _json(header) + b"\n" + data + payload


def _json(value: dict[str, Any]) -> bytes:
    # Half a surrogate pair, which a peer may send as "\\ud83d", has no UTF-8: it becomes "?".
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


async def read_event(reader: asyncio.StreamReader, limits: WireLimits) -> Event | None:
    """The next event, or None when the peer has gone (also in the middle of an event).

    The reader's own limit must be `limits.header_bytes`. Raises BadEvent or TooLarge, after which the
    stream can't be read on: where the next event begins is unknown.
    """
    try:
        line = await reader.readuntil(b"\n")
        header = _json_object(line, "the header")
        kind, inline = _kind(header), _inline_data(header)
        data_length = _length(header, "data_length", limits.data_bytes)
        payload_length = _length(header, "payload_length", limits.payload_bytes)
        block = await reader.readexactly(data_length)
        payload = await reader.readexactly(payload_length) if payload_length else None
    except (asyncio.IncompleteReadError, OSError):  # OSError: reset, unreachable, timed out
        return None
    except asyncio.LimitOverrunError as error:
        raise TooLarge(
            f"a header of over {limits.header_bytes} bytes without a line end"
        ) from error
    data = inline | (_json_object(block, "the data") if block else {})
    return Event(type=kind, data=data, payload=payload)


def _json_object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode())  # given bytes, `json` would also take UTF-16
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise BadEvent(f"{what} is not JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise BadEvent(f"{what} is not a JSON object")
    return value


def _kind(header: dict[str, Any]) -> str:
    kind = header.get("type")
    if not isinstance(kind, str) or not kind:
        raise BadEvent("an event needs a 'type', a string")
    return kind


def _inline_data(header: dict[str, Any]) -> dict[str, Any]:
    data = header.get("data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise BadEvent("'data' is not a JSON object")
    return data


def _length(header: dict[str, Any], name: str, most: int) -> int:
    value = header.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadEvent(f"'{name}' must be a whole number of bytes, not {str(value)[:40]!r}")
    if value > most:
        raise TooLarge(f"'{name}' is {str(value)[:40]}; at most {most} bytes are taken")
    return value


class Connection:
    """One open stream of events, either end's view of it.

    Writes are whole events, in the order of the calls; a peer that doesn't read for
    `limits.write_timeout_s` is given up with TooSlow, one that hung up with PeerGone.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: WireLimits
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._limits = limits

    async def read(self) -> Event | None:
        """The next event; None when the peer has gone."""
        return await read_event(self._reader, self._limits)

    async def write(self, event: Event) -> None:
        """Send one event; returns when the peer can take more."""
        self._writer.write(encode(event))
        try:
            async with asyncio.timeout(self._limits.write_timeout_s):
                await self._writer.drain()
        except TimeoutError as error:
            raise TooSlow(
                f"the peer has read nothing for {self._limits.write_timeout_s:g} s"
            ) from error
        except OSError as error:
            raise PeerGone(str(error)) from error

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self.read()) is not None:
            yield event

    async def linger(self, most_s: float = 2.0) -> None:
        """End our side and swallow what the peer still sends, until it closes or `most_s` is over.

        Closing with unread input would have the kernel reset the connection, and the peer might never
        see what was written last.
        """
        with contextlib.suppress(OSError):  # the peer is gone, or TimeoutError
            if self._writer.can_write_eof():
                self._writer.write_eof()
            async with asyncio.timeout(most_s):
                while await self._reader.read(65_536):
                    pass

    async def close(self) -> None:
        """Close at once, with a second to send what is left; a peer that has gone is no error."""
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except OSError:  # TimeoutError among them
            self._writer.transport.abort()


@contextlib.asynccontextmanager
async def connect(
    uri: str, *, timeout_s: float = 5.0, limits: WireLimits | None = None
) -> AsyncIterator[Connection]:
    """A client's connection to the server at `uri`; raises OSError (TimeoutError among them)."""
    limits = limits or WireLimits(payload_bytes=64 * 1024 * 1024, data_bytes=16 * 1024 * 1024)
    address = parse_uri(uri)
    async with asyncio.timeout(timeout_s):
        if address.path:
            reader, writer = await asyncio.open_unix_connection(
                address.path, limit=limits.header_bytes
            )
        else:
            reader, writer = await asyncio.open_connection(
                address.host, address.port, limit=limits.header_bytes
            )
    connection = Connection(reader, writer, limits)
    try:
        yield connection
    finally:
        await connection.close()


Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
"""Takes a connection that has been made to us; returns at once."""


async def start_server(
    address: Address, accept: Accept, limit_bytes: int
) -> tuple[asyncio.Server, Address]:
    """Listen at an address; the server, and the address with its real port.

    `limit_bytes` is the readers' limit. Raises ConfigError when the address can't be had.
    """
    try:
        if address.path:
            remove_stale_socket(address.path)
            server = await asyncio.start_unix_server(accept, address.path, limit=limit_bytes)
            return server, address
        if address.host == "::":
            sock = _dual_stack_socket(address.port)
            server = await asyncio.start_server(accept, sock=sock, limit=limit_bytes)
        else:
            server = await asyncio.start_server(
                accept, address.host, address.port, limit=limit_bytes
            )
    except OSError as error:
        text = f"can't listen on {address}: {why(error)}; {_other_address(address, error)}"
        raise ConfigError(text) from error
    return server, Address(host=address.host, port=server.sockets[0].getsockname()[1])


def _other_address(address: Address, error: OSError) -> str:
    """What to do where an address can't be had."""
    if address.path:
        return "name another path: --uri unix:///PATH"
    other = "take another: --uri tcp://HOST:PORT"
    if error.errno == errno.EADDRINUSE:
        return f"end what listens there (`ss -ltnp | grep {address.port}` shows it), or {other}"
    return other


def _dual_stack_socket(port: int) -> socket.socket:
    """Bound to every interface, IPv4 and IPv6; asyncio would make `::` IPv6 alone."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", port))
    except OSError:
        sock.close()
        raise
    return sock


def remove_stale_socket(path: str) -> None:
    """Take away the file of a unix socket that nobody listens on; ConfigError when it is anything else."""
    file = Path(path)
    if not file.exists():
        return
    if not file.is_socket():
        raise ConfigError(f"{path} exists and is not a socket; name another path")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        if probe.connect_ex(path) in (0, errno.EAGAIN):  # EAGAIN: its queue of callers is full
            raise SocketInUse(
                f"another server listens on {path} already; end it, or name another path"
            )
    file.unlink(missing_ok=True)
