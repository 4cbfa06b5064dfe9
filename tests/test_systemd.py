"""What goes to systemd and comes from it: over a real datagram socket, and to a real child process."""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from wyoming_voice.systemd import Notifier, passed_sockets, watchdog_interval_s

REPOSITORY = Path(__file__).parent.parent


@contextlib.contextmanager
def systemd_at(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        sock.settimeout(10)
        yield sock


def received(sock: socket.socket) -> list[str]:
    return sock.recv(4096).decode().splitlines()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[tuple[Notifier, socket.socket]]:
    path = str(tmp_path / "notify")
    with systemd_at(path) as sock:
        yield Notifier({"NOTIFY_SOCKET": path}), sock


def test_what_is_told(systemd: tuple[Notifier, socket.socket]) -> None:
    notifier, sock = systemd
    assert notifier.heard
    notifier.loading("loading base.en")
    assert received(sock) == ["EXTEND_TIMEOUT_USEC=60000000", "STATUS=loading base.en"]
    notifier.ready()
    assert received(sock) == ["READY=1", "STATUS=ready"]
    notifier.alive()
    assert received(sock) == ["WATCHDOG=1"]
    notifier.status("2 clients")
    assert received(sock) == ["STATUS=2 clients"]
    notifier.stopping()
    assert received(sock) == ["STOPPING=1", "STATUS=stopping"]
    notifier.stopping(within_s=20)
    assert received(sock) == ["EXTEND_TIMEOUT_USEC=20000000", "STOPPING=1", "STATUS=stopping"]


def test_a_status_is_one_line_whatever_is_in_it(systemd: tuple[Notifier, socket.socket]) -> None:
    notifier, sock = systemd
    notifier.status("a\nREADY=1\n")
    assert received(sock) == ["STATUS=a READY=1"]


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
def test_an_abstract_socket() -> None:
    name = f"@wyoming-voice-test-{os.getpid()}"
    with systemd_at(name) as sock:
        Notifier({"NOTIFY_SOCKET": name}).ready()
        assert received(sock)[0] == "READY=1"


def test_without_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    assert not notifier.heard
    notifier.ready()


def test_a_systemd_that_has_gone_or_does_not_read_harms_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    notifier = Notifier({"NOTIFY_SOCKET": path})
    notifier.alive()
    with systemd_at(path):
        for _ in range(10_000):  # the kernel holds some ten of them
            notifier.alive()


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "20000000"}, 10.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_it_wants_to_be_told(environ: dict[str, str], interval_s: float | None) -> None:
    assert watchdog_interval_s(environ) == interval_s


def test_sockets_of_another_process_are_left_alone() -> None:
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x", "LANG": "C"}
    assert passed_sockets(environ) == []
    assert environ == {"LANG": "C"}


def test_without_sockets_there_are_none() -> None:
    assert passed_sockets({}) == []
    assert passed_sockets({"LISTEN_PID": str(os.getpid())}) == []


CHILD = """
import os, sys
for number, fd in enumerate(map(int, sys.argv[1].split(","))):
    os.dup2(fd, 3 + number)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(number + 1)
os.environ["LISTEN_FDNAMES"] = "first"
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""What systemd does between fork and exec."""


def child_command(sockets: Sequence[socket.socket], *arguments: str) -> list[str]:
    """A command that runs Python with sockets handed over as systemd does; they go into `pass_fds`."""
    return [sys.executable, "-c", CHILD, ",".join(str(s.fileno()) for s in sockets), *arguments]


def high(sock: socket.socket) -> socket.socket:
    """The same socket under a number that no passed socket will have."""
    with sock:
        return socket.socket(fileno=fcntl.fcntl(sock, fcntl.F_DUPFD, 100))


def test_a_child_finds_its_sockets_once_and_its_own_children_none() -> None:
    program = (
        "import os; from wyoming_voice.systemd import passed_sockets as passed; first = passed();"
        "print([s.getsockname() for s in first], [s.get_inheritable() for s in first], passed(),"
        "[key for key in os.environ if key.startswith('LISTEN_')])"
    )
    with high(socket.create_server(("127.0.0.1", 0))) as sock:
        done = subprocess.run(
            child_command([sock], "-c", program),
            pass_fds=[sock.fileno()],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == f"[{sock.getsockname()}] [False] [] []"
