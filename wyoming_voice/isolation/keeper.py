"""Keeps an engine's process running: starts it, unloads it when it is idle, starts it again when it fails.

One thread owns the process for all its life: it starts it (Linux ends a child with the thread that started
it), reads its line, and waits for its end. Rules: after a failure it is started again at once, then after
pauses that double; one that ends before it was ever ready is not started again: its settings or its weights
need a person.
"""

import contextlib
import functools
import logging
import threading
import time
from dataclasses import replace
from enum import Enum, auto

from wyoming_voice.errors import EngineError, why
from wyoming_voice.isolation.bounds import FIRST_LOAD_S, Bounds
from wyoming_voice.isolation.faults import WELL_S, Ended, Failure, pause_s, refusal, seconds
from wyoming_voice.isolation.messages import LOADING, Begin, Logged, Raised, Ready
from wyoming_voice.isolation.process import Process

_log = logging.getLogger(__name__)

_SPARE_S = 0.1
"""How often it is looked whether what nobody needs has ended, where an idle engine waits for no more."""


class State(Enum):
    """What there is of the engine."""

    NEW = auto()
    LOADING = auto()
    READY = auto()
    UNLOADED = auto()
    FAILED = auto()
    CLOSED = auto()


class Keeper:
    """The life of one engine. All methods may be called from any thread and none but `ready` waits."""

    def __init__(self, name: str, begin: Begin, bounds: Bounds) -> None:
        self.name = name
        self.bounds = bounds
        self.restarts = 0
        self.load_s = 0.0
        self._begin = begin
        self._changed = threading.Condition()
        self._state = State.NEW
        self._process: Process | None = None
        self._known: Ready | None = None
        self._wanted = True
        self._trouble: Failure | None = None
        self._lapse: Failure | None = None  # why it was lost the last time
        self._lost_s: float | None = None
        self._due_s: float | None = None  # the next start after a failure
        self._thread = threading.Thread(target=self._run, name=f"{name} keeper", daemon=True)

    @property
    def loaded(self) -> bool:
        """Whether the engine is in memory and can be asked."""
        return self._state is State.READY

    @property
    def failing(self) -> bool:
        """Whether the engine has failed and is not back yet."""
        return self._lost_s is not None

    @property
    def hopeless(self) -> bool:
        """Whether it has been away for much longer than it takes to load it."""
        if not self._thread.is_alive():
            return self._state not in (State.NEW, State.CLOSED)
        lost_s = self._lost_s
        return lost_s is not None and time.monotonic() - lost_s > self._load_within_s

    @property
    def memory_bytes(self) -> int:
        """What the process has in memory, 0 where there is none."""
        process = self._process
        return process.memory_bytes if process is not None else 0

    @property
    def pid(self) -> int | None:
        """The process that there is."""
        process = self._process
        return process.pid if process is not None else None

    def start(self) -> Ready:
        """Start the process and wait until the engine is loaded; raises EngineError as it failed."""
        self._thread.start()
        self.ready(FIRST_LOAD_S)
        assert self._known is not None, "who is ready has said so"
        return self._known

    def wake(self) -> None:
        """The engine will be needed soon: load it, if it is not in memory. Returns at once."""
        with self._changed:
            self._wanted = True
            if self._process is not None:
                self._process.used_s = time.monotonic()
            self._changed.notify_all()

    def ready(self, within_s: float) -> Process:
        """The process with the engine loaded; raises EngineError where that can't be had in time."""
        self.wake()
        with self._changed:
            until_s = time.monotonic() + within_s
            self._changed.wait_for(lambda: self.settled(until_s), within_s)
            if self._state is State.READY and self._process is not None:
                self._process.used_s = time.monotonic()
                return self._process
            if self._state is State.CLOSED:
                raise EngineError(f"{self.name} is shutting down")
            if self._trouble is not None:
                raise refusal(self._trouble, self._left_s())
            if self._lapse is not None and self._left_s():
                raise refusal(self._lapse, self._left_s())
        text = f"the engine {self.name} is being loaded and wasn't ready within {seconds(within_s)}"
        raise EngineError(f"{text}; ask again later")

    def settled(self, until_s: float) -> bool:
        """Whether `ready` would not have to wait, whose caller can wait until then."""
        due_s = self._due_s
        if self._state in (State.READY, State.CLOSED) or self._trouble is not None:
            return True
        return due_s is not None and due_s > until_s

    def at_hand(self) -> Process | None:
        """The process, if the engine is in memory and may stay there; to ask is no use of it."""
        process = self._process
        stays = self.loaded and process is not None and not self._outstays(process)
        return process if stays else None

    def close(self) -> None:
        """End the process, for good."""
        with self._changed:
            self._state = State.CLOSED
            process = self._process
            self._changed.notify_all()
        if process is not None:
            process.kill("was ended with the server")

    def join(self, within_s: float) -> bool:
        """After `close`: whether the process has been reaped within this time."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    @property
    def _load_within_s(self) -> float:
        return self.bounds.load_within_s(self.load_s)

    def _left_s(self) -> float | None:
        """Until the next start; 0.0 while it goes on, None where there is none after a failure."""
        return None if self._due_s is None else max(0.0, self._due_s - time.monotonic())

    def _run(self) -> None:
        failures = 0
        while self._is_wanted():
            begun_s = time.monotonic()
            end = self._lived()
            if end is None:
                failures = 0
                continue
            self._lapse = end.told_of(self.name)
            if self._known is None:
                self._refuse(self._lapse)
                return
            failures = 1 if time.monotonic() - begun_s > WELL_S else failures + 1
            self.restarts += 1
            self._tell(end.how, pause_s(failures))
            if failures > 1 and not end.was_ready:
                self._refuse(self._lapse)

    def _tell(self, how: str, pause_s: float) -> None:
        with self._changed:
            self._due_s = time.monotonic() + pause_s
            self._changed.notify_all()
        due = f" in {seconds(pause_s)}" if pause_s else ""
        _log.error("%s: the engine's process %s; it is started again%s", self.name, how, due)

    def _is_wanted(self) -> bool:
        """Wait until the process is to be started; False when it never is again."""
        with self._changed:
            if pause_s := self._left_s():
                self._changed.wait_for(lambda: self._state is State.CLOSED, pause_s)
            self._changed.wait_for(lambda: self._wanted or self._state is State.CLOSED)
            return self._state is not State.CLOSED

    def _lived(self) -> Ended | None:
        """One process from its start to its end; None where it was meant to end."""
        try:
            process = self._started()
        except OSError as error:
            with self._changed:
                self._lost_s = self._lost_s or time.monotonic()
            return Ended(f"can't be started: {why(error)}")
        return self._followed(process)

    def _started(self) -> Process:
        process = Process(self.name, logging.getLogger().level, self.bounds.item_s)
        with self._changed:
            closed = self._state is State.CLOSED
            if not closed:
                self._state = State.LOADING
            self._process = process
        if closed:
            process.kill("was ended with the server")
        return process

    def _followed(self, process: Process) -> Ended | None:
        begun_s = time.monotonic()
        with contextlib.suppress(OSError):  # its end is read from the line
            process.line.send(self._begin)
        failure: Failure | None = None
        while self._goes_on(process, begun_s):
            try:
                message = process.line.receive()
            except (EOFError, OSError):
                break
            match message:
                case Ready():
                    self._is_ready(message, time.monotonic() - begun_s)
                case Logged():
                    message.write()
                case Raised(call, failure) if call == LOADING:
                    process.kill(f"could not load the engine: {failure.text}")
                case _:
                    process.hand_out(message)
        return self._ended(process, failure)

    def _goes_on(self, process: Process, begun_s: float) -> bool:
        """Wait for a message or the end of the line; False once it is idle for too long."""
        while not process.line.waits(self._look_again_s(process, begun_s)):
            if self._state is State.LOADING:
                if time.monotonic() - begun_s > self._load_within_s:
                    process.kill(f"took more than {seconds(self._load_within_s)} to load")
            elif self._unloads(process):
                return False
        return True

    def _look_again_s(self, process: Process, begun_s: float) -> float | None:
        if self._state is State.LOADING:
            return max(0.0, begun_s + self._load_within_s - time.monotonic()) + 0.01
        if self.bounds.unload_after_s is None:
            return None
        left_s = self.bounds.unload_after_s - process.idle_s
        return max(_SPARE_S if process.calls else 0.0, left_s) + 0.01

    def _outstays(self, process: Process) -> bool:
        after_s = self.bounds.unload_after_s
        return after_s is not None and process.idle_s >= after_s

    def _unloads(self, process: Process) -> bool:
        with self._changed:
            if not self._outstays(process) or process.calls or not self.loaded:
                return False
            self._state, self._wanted = State.UNLOADED, False
        idle = seconds(process.idle_s)
        _log.info("%s: idle for %s; the engine is unloaded", self.name, idle)
        process.kill("was unloaded")
        return True

    def _is_ready(self, known: Ready, load_s: float) -> None:
        with self._changed:
            if self._lost_s is not None:
                away = seconds(time.monotonic() - self._lost_s)
                _log.info("%s: the engine is back; it was away for %s", self.name, away)
            elif self._known is not None:
                _log.info("%s: the engine is loaded again, after %s", self.name, seconds(load_s))
            self._known, self.load_s = known, load_s
            if known.settled:
                again = functools.partial(self._begin.make, **known.settled)
                self._begin = replace(self._begin, make=again)
            self._trouble = self._lost_s = self._due_s = None
            if self._process is not None:
                self._process.used_s = time.monotonic()
                self._process.item_s = self.bounds.item_s + min(load_s, self.bounds.item_s)
            if self._state is not State.CLOSED:
                self._state = State.READY
            self._changed.notify_all()

    def _ended(self, process: Process, failure: Failure | None) -> Ended | None:
        with self._changed:
            meant = self._state in (State.UNLOADED, State.CLOSED)
            was_ready = self._state is State.READY
            if not meant:
                self._state = State.FAILED
                self._lost_s = self._lost_s or time.monotonic()
            self._process = None
        how = process.reaped()  # who hears of it finds the state changed
        return None if meant else Ended(how, failure, was_ready)

    def _refuse(self, trouble: Failure) -> None:
        """Who waits, and who asks until the engine is back, is told why not."""
        with self._changed:
            self._trouble = trouble
            self._changed.notify_all()
