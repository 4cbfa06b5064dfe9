"""The line between the server and its engine's process: whole messages over a socket pair.

Rule: who reads never writes in between, so neither side can wait for the other for ever; and what can't
be written within a bound is a failure.
"""

import os
import pickle
import socket
import struct
import threading
from multiprocessing.connection import Connection
from typing import Any

_NEWEST = 5  # the pickle protocol that copies an array no more than once


class Line:
    """One end. Any number of threads may send, one may receive."""

    def __init__(self, fd: int, send_within_s: float = 0.0) -> None:
        """Takes `fd` over. `send_within_s` bounds how long a full line is waited for; 0: for ever."""
        os.set_inheritable(fd, False)
        if send_within_s:
            _bound_sending(fd, send_within_s)
        self._connection = Connection(fd)
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Write one message; raises OSError when the other side is gone, or takes nothing."""
        data = pickle.dumps(message, _NEWEST)
        with self._sending:
            self._connection.send_bytes(data)

    def receive(self) -> Any:
        """The next message; raises EOFError or OSError when the other side is gone."""
        return pickle.loads(self._connection.recv_bytes())

    def waits(self, within_s: float | None) -> bool:
        """Whether something is to be received, or the other side has gone, within this time."""
        return self._connection.poll(within_s)

    def close(self) -> None:
        """Hang up, once nobody is in the middle of a message."""
        with self._sending:
            self._connection.close()


def _bound_sending(fd: int, within_s: float) -> None:
    whole_s = int(within_s)
    bound = struct.pack("ll", whole_s, int((within_s - whole_s) * 1_000_000))
    with socket.socket(fileno=os.dup(fd)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, bound)
