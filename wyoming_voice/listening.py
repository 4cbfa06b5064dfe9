"""Binds the sockets that clients come in by: at an address, on all interfaces or on one.

Rule: a socket for one interface is bound to it in the kernel, so that nothing of another reaches it, whatever
addresses come and go.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from wyoming_voice.errors import ConfigError, UnknownChoice, why
from wyoming_voice.wire import Address

_CALLERS = 4096
"""How many may have called before they are let in; Linux takes the less of this and net.core.somaxconn.

Who finds no place calls again after 1, 3, 7 s, when a satellite has given up; and after a restart all
of them may call within the same second.
"""


class SocketInUse(ConfigError):
    """A unix socket on which somebody else listens."""


Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
"""Takes a connection that has been made to us; returns at once."""


def check_interface(name: str, address: Address) -> None:
    """Raises ConfigError where a server at `address` can't listen on this interface alone."""
    if not name:
        return
    if is_loopback(address.host) and name != "lo":
        raise ConfigError(
            f"--interface {name}: {address} is for this machine alone; take tcp://0.0.0.0:{address.port}"
        )
    known = [found for _, found in socket.if_nameindex()]
    if name not in known:
        raise ConfigError(f"--interface: {UnknownChoice('interface', name, known)}")
    if not hasattr(socket, "SO_BINDTODEVICE"):
        raise ConfigError(
            f"--interface needs Linux; name the address of {name} in the address that is listened at"
        )


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches a host of this name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def start_server(
    address: Address, accept: Accept, limit_bytes: int, interface: str = ""
) -> tuple[asyncio.Server, Address]:
    """Listen at an address, on all interfaces or one; the server, and the address with its real port.

    `limit_bytes` is the readers' limit. Raises ConfigError when the address can't be had.
    """
    return await serve(address, lambda: streams(accept, limit_bytes), interface)


def streams(accept: Accept, limit_bytes: int) -> asyncio.StreamReaderProtocol:
    """The protocol of one connection, as asyncio.start_server makes it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit_bytes, loop=loop)
    return asyncio.StreamReaderProtocol(reader, accept, loop=loop)


async def serve(
    address: Address, protocol: Callable[[], asyncio.Protocol], interface: str = ""
) -> tuple[asyncio.Server, Address]:
    """The same for any protocol."""
    check_interface(interface, address)
    loop = asyncio.get_running_loop()
    try:
        if address.path:
            remove_stale_socket(address.path)
            server = await loop.create_unix_server(protocol, address.path)
            return patient(server), address
        if interface or address.host == "::":
            sock = await _bound(address, interface)
            server = await loop.create_server(protocol, sock=sock)
        else:
            server = await loop.create_server(protocol, address.host, address.port)
    except OSError as error:
        text = f"can't listen on {address}: {why(error)}; {_other_address(address, error)}"
        raise ConfigError(text) from error
    return patient(server), replace(address, port=server.sockets[0].getsockname()[1])


def patient(server: asyncio.Server) -> asyncio.Server:
    """The same server, at which as many may wait to be let in as the system allows.

    asyncio's own `backlog` is also how many it lets in before anybody else has a turn, and how often it logs
    that there are no more open files: that stays at its 100.
    """
    for sock in server.sockets:
        with sock.dup() as same:
            same.listen(_CALLERS)
    return server


def _other_address(address: Address, error: OSError) -> str:
    """What to do where an address can't be had."""
    if address.path:
        return "name another path: --uri unix:///PATH"
    other = f"take another: {'--tls-uri tls' if address.tls else '--uri tcp'}://HOST:PORT"
    if error.errno == errno.EADDRINUSE:
        return f"end what listens there (`ss -ltnp | grep {address.port}` shows it), or {other}"
    return other


async def _bound(address: Address, interface: str) -> socket.socket:
    """Bound to one address; `::` to every one, IPv4 and IPv6: asyncio would make it IPv6 alone."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    family, _, _, _, place = found[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        confine(sock, interface)
        sock.bind(place)
    except OSError:
        sock.close()
        raise
    return sock


def confine(sock: socket.socket, interface: str) -> None:
    """Let a socket hear of one interface alone; "": of all. Works for anybody since Linux 5.7."""
    if interface and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())


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
