"""The gate of a process: asks of each connection where it comes from, before anything is read from it.

Rules: one gate for all doors of a process. A unix socket is guarded by its file's permissions, not here.
A connection whose address can't be told doesn't get in where addresses count.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Sequence

from wyoming_voice.access import Allowed, Grumbles
from wyoming_voice.errors import Busy, Forbidden

_log = logging.getLogger(__name__)


class Gate:
    """Lets in the clients of the networks in `allow`, and this machine's own; all when it is empty.

    `interface` is the only one that doors may open to; "": all. `narrowing` are the flags that could still
    make the doors narrower.
    """

    def __init__(self, allow: Sequence[str] = (), interface: str = "") -> None:
        """Raises ValueError for what is no network."""
        self.allow = tuple(allow)
        self._allowed = Allowed(allow)
        self.interface = interface
        self.narrowing: tuple[str, ...] = ("--allow",) if interface else ("--allow", "--interface")
        self._grumbles = Grumbles()
        self._crowds = Grumbles(most=1)

    def admits(self, transport: asyncio.BaseTransport) -> bool:
        """Whether this connection's other end may come in."""
        return not self._allowed or _is_local(transport) or self._allowed.admits(host_of(transport))

    def refusal(self, transport: asyncio.BaseTransport) -> Forbidden | None:
        """What to tell a client that may not come in; None for one that may. Tells the log, now and then."""
        if self.admits(transport):
            return None
        host = host_of(transport) or "an address that is gone"
        if self._grumbles.due(host, time.monotonic()):
            _log.warning("refused a client at %s: not in --allow (%s)", host, self._allowed)
        return Forbidden(f"clients at {host} are not served here; its operator can --allow {host}")

    def full(
        self, transport: asyncio.BaseTransport, connected: int, flag: str = "--max-connections"
    ) -> Busy:
        """What to tell a client for whom there is no room. Tells the log, once a minute, whoever comes."""
        if self._crowds.due("", time.monotonic()):
            host = host_of(transport) or "this machine"
            many = f"{connected} are connected already ({flag})"
            _log.warning("refused a client at %s: %s; told once a minute", host, many)
        return Busy(f"{connected} clients are connected already; try again later")


def host_of(transport: asyncio.BaseTransport) -> str:
    """The address of the other end; `""` where there is none."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) and peer else ""


def _is_local(transport: asyncio.BaseTransport) -> bool:
    sock = transport.get_extra_info("socket")
    return sock is not None and sock.family == socket.AF_UNIX
