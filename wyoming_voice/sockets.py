"""How the sockets of clients are set up, whichever door they came through."""

import asyncio
import socket

_SEND_BUFFER_BYTES = 256 * 1024


def tuned(transport: asyncio.BaseTransport) -> None:
    """Have the kernel notice a peer that has gone, hold little for a slow reader, and send at once."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # Left to itself it grows to megabytes, and tells of room only after minutes of speech.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        # asyncio does it only for sockets that were made with the number of TCP; without it the second
        # of two writes waits 40 ms for the reader's system to confirm the first.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
