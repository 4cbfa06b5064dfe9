"""One process of an engine, from the server's side: started, asked, and known to be gone when it is.

Rule: whoever waits for an answer hears of the end of the process at once, in words.
"""

import contextlib
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from wyoming_voice.errors import EngineError
from wyoming_voice.isolation.faults import ending, error_of, seconds
from wyoming_voice.isolation.line import Line
from wyoming_voice.isolation.messages import (
    Answer,
    Asked,
    Close,
    End,
    Item,
    Next,
    Open,
    Raised,
    Reply,
    Stop,
)
from wyoming_voice.logs import current_turn

_MODULE = "wyoming_voice.isolation.child"
_NOT_ITS_OWN = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
"""What systemd has said to the server alone."""

_LOOK_S = 0.02
"""How often it is asked whether what is being made is still wanted."""

_REAP_S = 5.0


class Gone(EngineError):
    """The process has ended, and the call with it."""


class Stuck(EngineError):
    """The process was at one item for too long, and has been killed."""


class _Call:
    """What a generator of the server knows of the one that it stands for."""

    def __init__(self, number: int, needed: bool) -> None:
        self.number = number
        self.needed = needed
        self.inbox = queue.SimpleQueue[Reply | Gone]()
        self.over = False


class Process:
    """A running process and the calls that are open in it. `item_s` bounds the work on one item."""

    def __init__(self, name: str, level: int, item_s: float) -> None:
        """Start it, from the thread that will wait for it: it is killed when that thread ends."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _started(theirs.fileno(), level)
        self._name = name
        self.line = Line(ours.detach(), send_within_s=item_s)
        self.item_s = item_s
        self._statm = _memory_of(self._process.pid)
        self._lock = threading.Lock()
        self._calls: dict[int, _Call] = {}
        self._last = 0
        self._end: Gone | None = None
        self._killed_for = ""
        self.used_s = time.monotonic()

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    @property
    def calls(self) -> int:
        """How many are open."""
        return len(self._calls)

    @property
    def idle_s(self) -> float:
        """For how long nobody has needed it."""
        with self._lock:
            needed = any(call.needed for call in self._calls.values())
        return 0.0 if needed else time.monotonic() - self.used_s

    @property
    def memory_bytes(self) -> int:
        """What it has in memory, what it shares with others included; 0 where that can't be told."""
        with self._lock, contextlib.suppress(OSError, ValueError, IndexError):
            if self._statm is not None:
                fields = os.pread(self._statm, 200, 0).split()
                return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
        return 0

    def call(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        answer: Callable[..., Any] | None = None,
        stopped: Callable[[], bool] | None = None,
        *,
        needed: bool = True,
    ) -> Generator[Any, None, None]:
        """The items of `function(engine, call, *arguments)` over there, made when they are asked for.

        `answer` is what the call's questions are put to; `stopped` is looked at while an item is made;
        what isn't `needed` by anybody is no use of the process. Raises Gone, Stuck, and what the call raised.
        """
        one = self._opened(needed)
        try:
            self._send(Open(one.number, function, arguments, current_turn()))
            while (item := self._item(one, answer, stopped)) is not None:
                yield item.value
                self._send(Next(one.number))
        finally:
            self._forget(one)

    def kill(self, why: str) -> None:
        """End it at once; who waits is told that it `why`, and so is the log."""
        self._killed_for = self._killed_for or why
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def hand_out(self, message: Reply) -> None:
        """To whom it belongs; nobody waits for what is late."""
        with self._lock:
            call = self._calls.get(message.call)
        if call is not None:
            call.inbox.put(message)

    def reaped(self) -> str:
        """Once its line has ended: how the process ended, in words. Nobody waits for it from here on."""
        try:
            status = self._process.wait(_REAP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        how = self._killed_for or ending(status)
        with self._lock:
            self._end = Gone(f"the engine {self._name} {how}")
            waiting = list(self._calls.values())
            if self._statm is not None:
                os.close(self._statm)
                self._statm = None
        for call in waiting:
            call.inbox.put(self._end)
        self.line.close()
        return how

    def _opened(self, needed: bool) -> _Call:
        with self._lock:
            if self._end is not None:
                raise Gone(str(self._end))  # one of its own, which keeps no other's frames
            self._last += 1
            one = self._calls[self._last] = _Call(self._last, needed)
        return one

    def _item(
        self,
        one: _Call,
        answer: Callable[..., Any] | None,
        stopped: Callable[[], bool] | None,
    ) -> Item | None:
        """The next item, or None at the end."""
        due_s = time.monotonic() + self.item_s
        while True:
            match self._reply(one, due_s, stopped):
                case Item() as item:
                    return item
                case End():
                    one.over = True
                    return None
                case Asked(number, arguments):
                    assert answer is not None, "only a call with answers asks"
                    self._send(Answer(number, answer(*arguments)))
                case Raised(_, failure):
                    one.over = True
                    if failure.spent:
                        self.kill("could not go on after a failure")
                    raise error_of(failure)
                case Gone() as gone:
                    one.over = True
                    raise Gone(str(gone))

    def _reply(self, one: _Call, due_s: float, stopped: Callable[[], bool] | None) -> Reply | Gone:
        told = stopped is None
        while (left_s := due_s - time.monotonic()) > 0:
            if not told and stopped is not None and stopped():
                told = True
                self._send(Stop(one.number))
            with contextlib.suppress(queue.Empty):
                return one.inbox.get(timeout=left_s if told else min(left_s, _LOOK_S))
        one.over = True
        self.kill(f"was at one piece of work for {seconds(self.item_s)} and was ended")
        raise Stuck(
            f"the engine was at one piece of work for {seconds(self.item_s)} and is started again;"
            " ask again, or give it more time with --deadline-s"
        )

    def _send(self, message: Any) -> None:
        try:
            self.line.send(message)
        except BlockingIOError:
            self.kill(f"took nothing for {seconds(self.item_s)} and was ended")
        except OSError:  # its end is told by whoever reads the line
            pass

    def _forget(self, one: _Call) -> None:
        with self._lock:
            self._calls.pop(one.number, None)
            alive = self._end is None
        if one.needed:
            self.used_s = time.monotonic()
        if alive and not one.over:
            self._send(Close(one.number))


def _started(fd: int, level: int) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_ITS_OWN}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE, str(fd), str(os.getpid()), str(level)],
        stdin=subprocess.DEVNULL,
        stdout=2,  # what a library prints is no message to whoever started the server
        env=environment,
        pass_fds=(fd,),
    )


def _memory_of(pid: int) -> int | None:
    """Where its memory is to be read; opened at once, since soon only it may look into itself."""
    try:
        return os.open(f"/proc/{pid}/statm", os.O_RDONLY)
    except OSError:
        return None
