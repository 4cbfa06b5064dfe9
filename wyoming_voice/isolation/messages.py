"""What the server and its engine's process tell each other.

A call is a generator in the other process: opened, pulled item by item, closed. Each has a number that is
never used again; LOADING stands for the engine itself.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wyoming_voice.isolation.faults import Failure

LOADING = 0
"""The number under which a failure to load is told."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Build the engine, and have it ready: `ready` loads it, and tells what is known then.

    Both are pickled by name: importing their modules is left to the process that needs them.
    """

    make: Callable[[], Any]
    ready: "Callable[[Any], Ready]"


@dataclass(frozen=True, slots=True)
class Open:
    """Begin a call, `function(engine, call, *arguments)`, and make its first item; `turn`: for the log."""

    call: int
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    turn: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """Make the next item."""

    call: int


@dataclass(frozen=True, slots=True)
class Stop:
    """What is being made is not wanted any more."""

    call: int


@dataclass(frozen=True, slots=True)
class Close:
    """Let the generator clean up; nothing more is wanted of it."""

    call: int


@dataclass(frozen=True, slots=True)
class Answer:
    """To what was Asked."""

    call: int
    value: Any


Down = Begin | Open | Next | Stop | Close | Answer
"""From the server to the engine's process."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded, gains from `at_once` calls at a time, and says `facts` of itself.

    `settled`: arguments by name for `make`, with which the next one need not measure what this one has.
    """

    at_once: int
    facts: Any
    settled: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """What a call has made."""

    call: int
    value: Any


@dataclass(frozen=True, slots=True)
class End:
    """A call has no more items."""

    call: int


@dataclass(frozen=True, slots=True)
class Raised:
    """A call, or LOADING, has failed."""

    call: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Asked:
    """A call needs to know something that only the server knows."""

    call: int
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """A line for the server's log."""

    record: logging.LogRecord

    def write(self) -> None:
        """Into the log of this process, as far as it wants to have it."""
        logger = logging.getLogger(self.record.name)
        if logger.isEnabledFor(self.record.levelno):
            logger.handle(self.record)


Reply = Item | End | Raised | Asked
"""What belongs to a call."""

Up = Ready | Reply | Logged
"""From the engine's process to the server."""
