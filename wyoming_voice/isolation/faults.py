"""What a failure means for the engine's process: whether it can go on, how it is put, when to try again.

Rule: an engine that has once been out of memory, or whose graphics card has failed under it, is not trusted
with another request: memory stays in pieces, and a CUDA context that has failed fails for good.
"""

import math
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace

from wyoming_voice import errors
from wyoming_voice.errors import EngineError, VoiceError

PAUSES_S = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Before each start after a failure: at once the first time."""

WELL_S = 60.0
"""After so long a run the next failure counts as the first."""

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc")
_LOST_DEVICE = ("cuda", "cudnn", "cublas")

_REMEDY = (
    "the engine is out of memory and is started again; ask again, and where that recurs use a smaller"
    " model or fewer workers, or leave it more memory"
)
_DEVICE_REMEDY = "the graphics card failed and the engine is started again; ask again"

_KILLED_REMEDY = (
    ", as the kernel does where memory runs short (`dmesg` says whether it did: then use a smaller model,"
    " or leave it more memory)"
)

_KINDS: dict[str, type[VoiceError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, VoiceError)
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception as it crosses the line: its class in `errors`, its text, what else it says of itself.

    `spent`: the process that it happened in is not to be used any more.
    """

    kind: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended that should not have, and what it said of its engine."""

    how: str
    failure: Failure | None = None
    was_ready: bool = False

    def told_of(self, engine: str) -> Failure:
        """What to tell a client of it."""
        return self.failure or Failure(EngineError.__name__, f"the engine {engine} {self.how}")


def failure_of(error: Exception | SystemExit) -> Failure:
    """What a client is to be told: of what isn't ours no text, which may hold what was said."""
    remedy = _remedy(error)
    if isinstance(error, VoiceError):
        text = f"{error}; {remedy}" if remedy else str(error)
        facts = tuple((name, str(value)) for name, value in vars(error).items())
        return Failure(type(error).__name__, text, facts, spent=bool(remedy))
    text = remedy or f"the engine failed with {type(error).__name__}; the server's log says more"
    return Failure(EngineError.__name__, text, spent=bool(remedy))


def error_of(failure: Failure) -> VoiceError:
    """The same failure on the other side of the line."""
    kind = _KINDS.get(failure.kind, EngineError)
    error = kind.__new__(kind)
    error.args = (failure.text,)
    for name, value in failure.facts:
        setattr(error, name, value)
    return error


def pause_s(failures: int) -> float:
    """How long to wait before the next start, after so many failures in a row."""
    return PAUSES_S[min(failures, len(PAUSES_S)) - 1] if failures else 0.0


def ending(status: int) -> str:
    """How a process ended, by its status as `subprocess` gives it."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    remedy = _KILLED_REMEDY if status == -signal.SIGKILL else ""
    return f"was killed by signal {-status} ({name}){remedy}"


def refusal(failure: Failure, left_s: float | None) -> VoiceError:
    """The error for who asks so long before the next start: 0.0, it is under way; None, there is none."""
    match left_s:
        case None:
            return error_of(failure)
        case 0.0:
            again = "is being started again, ask again in a moment"
        case _:
            again = f"is started again in about {math.ceil(left_s)} s, ask again then"
    return error_of(replace(failure, text=f"{failure.text}; the engine {again}"))


def seconds(duration_s: float) -> str:
    """`61 s`, and of short times the tenths: `9.2 s`."""
    return f"{duration_s:.0f} s" if duration_s >= 10 else f"{round(duration_s, 1):g} s"


def _remedy(error: BaseException) -> str:
    """What follows from an error after which its process can't go on; "" where it can."""
    for one in _chain(error):
        text = str(one).lower()
        if isinstance(one, MemoryError) or any(words in text for words in _NO_MEMORY):
            return _REMEDY
    for one in _chain(error):
        if isinstance(one, RuntimeError) and any(word in str(one).lower() for word in _LOST_DEVICE):
            return _DEVICE_REMEDY
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
