"""What systemd and a process tell each other: readiness, a heartbeat, sockets that are open already.

The protocols are those of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3), for which no
library is needed. Rule: where systemd did not start this process, nothing is sent and nothing is found.
"""

import contextlib
import os
import socket
from collections.abc import Mapping, MutableMapping

_FIRST_FD = 3  # SD_LISTEN_FDS_START
_EXTENSION_S = 60


class Notifier:
    """Tells systemd how this process is; never blocks, never raises."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """`environ` names systemd's socket (`@NAME`: an abstract one); without one all is silence."""
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name

    @property
    def heard(self) -> bool:
        """Whether there is a systemd that listens."""
        return bool(self._address)

    def loading(self, text: str = "loading") -> None:
        """Not ready yet, and at work: there is another minute before the start counts as failed."""
        self._send(f"EXTEND_TIMEOUT_USEC={_EXTENSION_S * 1_000_000}", f"STATUS={_line(text)}")

    def ready(self, text: str = "ready") -> None:
        """Start-up is complete."""
        self._send("READY=1", f"STATUS={_line(text)}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={_line(text)}")

    def alive(self) -> None:
        """Feed the watchdog; what is not fed within WatchdogSec is killed and started again."""
        self._send("WATCHDOG=1")

    def stopping(self, within_s: float = 0.0) -> None:
        """The end has begun; it may take `within_s`, even where TimeoutStopSec is shorter."""
        self._send(
            f"EXTEND_TIMEOUT_USEC={int(within_s * 1_000_000)}" if within_s else "",
            "STOPPING=1",
            "STATUS=stopping",
        )

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        text = "\n".join(filter(None, lines))
        # It may be gone, or full: in neither case may the work of this process suffer.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(text.encode(), self._address)


def watchdog_interval_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """How often `alive` is to be told, half of WatchdogSec; None when nobody watches this process."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    usec = _number(environ.get("WATCHDOG_USEC", ""))
    return usec / 2_000_000 if usec else None


def passed_sockets(environ: MutableMapping[str, str] = os.environ) -> list[socket.socket]:
    """The sockets that a .socket unit has opened for this process, each once: a second call has none.

    The variables are taken out, so that no child takes the sockets for its own.
    """
    pid = environ.pop("LISTEN_PID", "")
    count = _number(environ.pop("LISTEN_FDS", ""))
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()):
        return []
    sockets = [socket.socket(fileno=fd) for fd in range(_FIRST_FD, _FIRST_FD + count)]
    for sock in sockets:
        sock.set_inheritable(False)
    return sockets


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _line(text: str) -> str:
    return " ".join(text.split())
