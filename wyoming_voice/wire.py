"""Reads and writes Wyoming events with limits, where the `wyoming` package's own reader has none.

An event is one line of JSON, `{"type", "data", "data_length", "payload_length"}`, then `data_length`
bytes of JSON, then `payload_length` bytes (https://github.com/rhasspy/wyoming, the section "Format").
Rule: a lie about a length is refused before a byte of it is read; a peer that is cut off is gone, not wrong.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from wyoming import version as wyoming_version
from wyoming.event import Event

from wyoming_voice.errors import BadEvent, ConfigError, TooLarge, TooSlow, UpstreamError
from wyoming_voice.tls import TlsFailed, calling, trouble


@dataclass(frozen=True)
class WireLimits:
    """The most that one event may hold, in bytes, and the longest wait for a peer to read, in seconds."""

    header_bytes: int = 64 * 1024
    data_bytes: int = 1024 * 1024
    payload_bytes: int = 4 * 1024 * 1024
    write_timeout_s: float = 30.0


_DEEPEST = 64
"""How many levels the JSON of an event may have; at about 1000 whoever looks through it runs out of stack."""

_TLS_RECORDS = {
    b"\x16": "this port speaks plain Wyoming, no TLS; write tcp:// in place of tls://",
    b"\x15": "the other end speaks TLS; write tls:// in place of tcp://",
}
"""A hello, which a client begins with, and an alert, which a server answers with to what it can't read."""

_HANDSHAKE_SHARE = 0.8
"""Of the time to connect: who takes calls and says nothing is then told from who can't be reached."""


class PeerGone(ConnectionError):
    """The other side hung up, or its network did, before all was written."""


@dataclass(frozen=True)
class Address:
    """Where a server listens: a host and port, with or without TLS, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""
    tls: bool = False

    def __str__(self) -> str:
        if self.path:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.tls else 'tcp'}://{host}:{self.port}"


def parse_uri(uri: str) -> Address:
    """`tcp://HOST:PORT` (port 0: any free one), `tls://` likewise, or `unix:///PATH`. Raises ConfigError."""
    if path := uri.removeprefix("unix://") if uri.startswith("unix://") else "":
        return Address(path=path)
    try:
        parts = urlsplit(uri)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in ("tcp", "tls") or not host or port is None:
        raise ConfigError(f"bad address {uri!r}; write tcp://HOST:PORT or unix:///PATH")
    return Address(host=host, port=port, tls=scheme == "tls")


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


async def read_event(
    reader: asyncio.StreamReader, limits: WireLimits, begun: bytes = b""
) -> Event | None:
    """The next event, or None when the peer has gone (also in the middle of an event).

    The reader's own limit must be `limits.header_bytes`; `begun` was read from it before. Raises BadEvent
    or TooLarge, after which the stream can't be read on: where the next event begins is unknown.
    """
    try:
        line = begun if begun == b"\n" else begun + await reader.readuntil(b"\n")
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
    if raw.count(b"{") + raw.count(b"[") > _DEEPEST and _is_deep(value):
        raise BadEvent(f"{what} has more than {_DEEPEST} levels")
    return value


def _is_deep(value: dict[str, Any] | list[Any]) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        inside = (one.values() if isinstance(one, dict) else one for one in level)
        level = [held for one in inside for held in one if held and isinstance(held, (dict, list))]
    return bool(level)


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
        self._read = self._read_first

    async def read(self) -> Event | None:
        """The next event; None when the peer has gone."""
        return await self._read()

    async def _read_first(self) -> Event | None:
        """One byte tells TLS, which has no line end and would be waited for; no event begins with it."""
        try:
            first = await self._reader.readexactly(1)
        except (asyncio.IncompleteReadError, OSError):
            return None
        if first in _TLS_RECORDS and self._writer.get_extra_info("sslcontext") is None:
            raise BadEvent(_TLS_RECORDS[first])
        self._read = self._read_next
        return await read_event(self._reader, self._limits, first)

    async def _read_next(self) -> Event | None:
        return await read_event(self._reader, self._limits)

    async def write(self, event: Event) -> None:
        """Send one event; returns when the peer can take more."""
        await self.write_encoded(encode(event))

    async def write_encoded(self, event: bytes) -> None:
        """Send what `encode` has made of an event, as `write` does."""
        self._writer.write(event)
        try:
            async with asyncio.timeout(self._limits.write_timeout_s):
                await self._writer.drain()
        except TimeoutError as error:
            raise TooSlow(
                f"the peer has read nothing for {self._limits.write_timeout_s:g} s"
            ) from error
        except OSError as error:
            raise PeerGone(trouble(error)) from error

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


class _Encrypted(Connection):
    """A client's connection under TLS; a server that wants other certificates says so after the handshake."""

    async def read(self) -> Event | None:
        """The next event; None when the peer has gone. Raises UpstreamError when TLS has failed."""
        event = await super().read()
        error = self._reader.exception() if event is None else None
        if isinstance(error, ssl.SSLError):
            raise UpstreamError(f"the server refuses us: {trouble(error)}")
        return event


@contextlib.asynccontextmanager
async def connect(
    uri: str, *, timeout_s: float = 5.0, limits: WireLimits | None = None
) -> AsyncIterator[Connection]:
    """A client's connection to the server at `uri`; raises OSError (TimeoutError among them).

    Under TLS as whom `tls.identify` has settled.
    """
    limits = limits or WireLimits(payload_bytes=64 * 1024 * 1024, data_bytes=16 * 1024 * 1024)
    address = parse_uri(uri)
    async with asyncio.timeout(timeout_s):
        connection = await (_opened_tls if address.tls else _opened)(address, limits, timeout_s)
    try:
        yield connection
    finally:
        await connection.close()


async def _opened(address: Address, limits: WireLimits, _timeout_s: float) -> Connection:
    limit = limits.header_bytes
    if address.path:
        streams = await asyncio.open_unix_connection(address.path, limit=limit)
    else:
        streams = await asyncio.open_connection(address.host, address.port, limit=limit)
    return Connection(*streams, limits)


async def _opened_tls(address: Address, limits: WireLimits, timeout_s: float) -> Connection:
    context = calling()
    try:
        streams = await asyncio.open_connection(
            address.host,
            address.port,
            limit=limits.header_bytes,
            ssl=context,
            ssl_handshake_timeout=timeout_s * _HANDSHAKE_SHARE,
        )
    except (ssl.SSLError, ConnectionAbortedError, ConnectionResetError) as error:
        raise TlsFailed(trouble(error)) from error
    return _Encrypted(*streams, limits)
