"""The engine's process: `python -m wyoming_voice.isolation.child FD PARENT LEVEL`.

It does what the server asks for over the line, and nothing else; signals for a whole group are the
server's to deal with. Rules: it never outlives the server (on Linux not even while it hangs), where memory
runs short the kernel takes it before the server, no image of its memory (in which is what was said) is ever
written to disk, and its log lines are the server's. Whatever a call raises is told to the server: this is the
fence of a call.
"""

import contextlib
import ctypes
import faulthandler
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import QueueHandler
from pathlib import Path
from typing import Any

from wyoming_voice import logs
from wyoming_voice.errors import VoiceError
from wyoming_voice.isolation.faults import failure_of
from wyoming_voice.isolation.line import Line
from wyoming_voice.isolation.messages import (
    LOADING,
    Answer,
    Asked,
    Begin,
    Close,
    Down,
    End,
    Item,
    Logged,
    Next,
    Open,
    Raised,
    Stop,
)

_log = logging.getLogger("wyoming_voice.isolation.child")  # which runs as __main__

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4  # linux/prctl.h
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_MORE_LIKELY = 500
"""Of 1000, by which the kernel finds this process larger than it is when it looks for one to kill."""

_NOTHING: Any = object()


class Closed(Exception):
    """A call was closed while it waited for an answer."""


class Call:
    """One generator, and what the server says to it while it works."""

    def __init__(self, opened: Open, engine: Any, line: Line) -> None:
        self.number = opened.call
        self.turn = opened.turn
        self._opened = opened
        self._engine = engine
        self._line = line
        self._items: Iterator[Any] | None = None
        self._at_work = threading.Lock()
        self._answers = queue.SimpleQueue[Any]()
        self._stopped = False

    def stopped(self) -> bool:
        """Whether what is being made isn't wanted any more."""
        return self._stopped

    def ask(self, *arguments: Any) -> Any:
        """What the server answers to these; raises Closed where it won't any more."""
        self._line.send(Asked(self.number, arguments))
        answer = self._answers.get()
        if answer is _NOTHING:
            raise Closed
        return answer

    def stop(self) -> None:
        """From another thread: no more is wanted of the item in the making."""
        self._stopped = True

    def answer(self, value: Any) -> None:
        """From another thread: what was asked for."""
        self._answers.put(value)

    def hang_up(self) -> None:
        """From another thread: nothing is answered any more."""
        self._stopped = True
        self._answers.put(_NOTHING)

    def step(self) -> bool:
        """Make one item and send it, or the end; whether there may be another."""
        with self._at_work:
            if self._items is None:
                function, arguments = self._opened.function, self._opened.arguments
                self._items = iter(function(self._engine, self, *arguments))
            item = next(self._items, _NOTHING)
        self._line.send(End(self.number) if item is _NOTHING else Item(self.number, item))
        return item is not _NOTHING

    def close(self) -> None:
        """Let the generator clean up, once it is not at work any more."""
        with self._at_work:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()


class Workshop:
    """The engine, the calls that are open, and as many threads as the engine gains from."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._engine: Any = None
        self._calls: dict[int, Call] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="engine")

    def serve(self) -> None:
        """Until the server hangs up; raises EOFError or OSError then."""
        while True:
            self._do(self._line.receive())

    def _do(self, message: Down) -> None:
        match message:
            case Begin():
                self._later(LOADING, "", lambda: self._begin(message))
            case Open(number):
                call = self._calls[number] = Call(message, self._engine, self._line)
                self._later(number, call.turn, lambda: self._step(call))
            case _:
                if (known := self._calls.get(message.call)) is not None:  # else it has just ended
                    self._say(known, message)

    def _say(self, call: Call, message: Next | Stop | Close | Answer) -> None:
        match message:
            case Next():
                self._later(call.number, call.turn, lambda: self._step(call))
            case Stop():
                call.stop()
            case Answer(_, value):
                call.answer(value)
            case Close():
                self._calls.pop(call.number, None)
                call.hang_up()
                self._later(call.number, call.turn, call.close)

    def _step(self, call: Call) -> None:
        """In a thread: one item. A call that has ended is let go of, and the audio or text that it holds."""
        goes_on = False
        try:
            goes_on = call.step()
        finally:
            if not goes_on:
                self._calls.pop(call.number, None)

    def _begin(self, begin: Begin) -> None:
        self._engine = begin.make()
        ready = begin.ready(self._engine)
        if ready.at_once > 1:  # one thread fits one, and the engine has set itself up in it
            self._pool = ThreadPoolExecutor(ready.at_once, thread_name_prefix="engine")
        self._line.send(ready)

    def _later(self, number: int, turn: str, work: Callable[[], None]) -> None:
        self._pool.submit(self._fenced, number, turn, work)

    def _fenced(self, number: int, turn: str, work: Callable[[], None]) -> None:
        with logs.turn(turn):
            try:
                work()
            except Closed:
                pass
            except (Exception, SystemExit) as error:  # noqa: BLE001  (the fence of a call)
                self._tell(number, error)

    def _tell(self, number: int, error: Exception | SystemExit) -> None:
        if not isinstance(error, VoiceError):
            _log.exception("a bug, or an engine that failed", exc_info=error)
        with contextlib.suppress(OSError):
            self._line.send(Raised(number, failure_of(error)))


class _Handler(QueueHandler):
    """Has the server write the records."""

    def __init__(self, line: Line) -> None:
        super().__init__(queue.SimpleQueue())  # which `enqueue` leaves empty
        self._line = line
        self.addFilter(logs.completed)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record as it can be pickled."""
        record.msg, record.args = record.getMessage(), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Called with a record that can be pickled."""
        with contextlib.suppress(OSError):
            self._line.send(Logged(record))


def main(arguments: list[str]) -> None:
    """Serve until the server is gone; never returns."""
    fd, parent, level = map(int, arguments)
    _settle(parent)
    line = Line(fd)
    logging.getLogger().setLevel(level)
    logging.getLogger().addHandler(_Handler(line))
    with contextlib.suppress(EOFError, OSError):
        Workshop(line).serve()
    os._exit(0)  # a thread may be in native code, for which the interpreter would wait


def _settle(parent: int) -> None:
    faulthandler.enable()  # where a native crash was, on standard error
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, ValueError):
        score = int(_OOM_SCORE.read_text(encoding="ascii"))
        _OOM_SCORE.write_text(str(min(1000, score + _MORE_LIKELY)), encoding="ascii")
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_DUMPABLE, 0)
    library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # which was gone before it could be watched
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
