"""What a client's socket is set to, however the listening one was made."""

import asyncio
import socket

import pytest

from wyoming_voice.sockets import tuned


@pytest.mark.parametrize("number", [0, socket.IPPROTO_TCP])
async def test_a_socket_sends_at_once_and_holds_little(number: int) -> None:
    """One that is made without TCP's number is one that asyncio leaves as it is."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, number)
    listening.bind(("127.0.0.1", 0))
    come: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: come.set_result(writer), sock=listening)
    _, writer = await asyncio.open_connection(*listening.getsockname())
    accepted = (await come).transport
    tuned(accepted)
    sock = accepted.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * 256 * 1024
    accepted.abort()
    writer.transport.abort()
    server.close()


async def test_a_unix_socket_is_left_alone() -> None:
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_unix_connection(sock=ours)
    tuned(writer.transport)
    writer.transport.abort()
    theirs.close()
