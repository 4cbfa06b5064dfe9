"""What is known of one service: what it said of itself, as far as it makes sense. Pure.

Rule: whatever comes from the network is read as if it were made to confuse: texts lose what can't be
printed and all beyond a line's length, numbers that are none count as none.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """How a service is."""

    READY = "ready"
    LOADING = "loading"
    RESTARTING = "restarting"
    STUCK = "stuck"
    STOPPING = "stopping"
    UNLOADED = "unloaded"
    FULL = "full"
    REFUSED = "refused"
    NO_ANSWER = "no answer"


_STATES = {
    "well": State.READY,
    "loading": State.LOADING,
    "reloading": State.RESTARTING,
    "stuck": State.STUCK,
    "stopping": State.STOPPING,
}

_MOST_CHARS = 300
_MOST_ITEMS = 64


@dataclass(frozen=True)
class Trouble:
    """An error that a service told a client; `at_s` is Unix time."""

    at_s: float
    code: str
    text: str


@dataclass(frozen=True)
class Load:
    """How many connections there are, requests that are answered, and requests that wait."""

    connections: int = 0
    answering: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Report:
    """One service; `load` is None, `uptime_s` too, of one that tells only what it is."""

    name: str
    address: str
    state: State
    what: Sequence[str] = ()
    version: str = ""
    engine: str = ""
    engines: Mapping[str, str] = field(default_factory=dict)
    load: Load | None = None
    requests: Mapping[str, int] = field(default_factory=dict)
    uptime_s: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    troubles: Sequence[Trouble] = ()
    remark: str = ""

    @property
    def well(self) -> bool:
        """Whether it can do its work."""
        return self.state in (State.READY, State.UNLOADED)


def state_in(data: Mapping[str, object]) -> State:
    """What a service says of its health; one that says nothing known answers at least.

    An engine that has been unloaded since nobody asked is loaded when somebody does: all is well.
    """
    state = _STATES.get(plain(data.get("health")), State.READY)
    load = load_in(data)
    idle = state is State.READY and not load.answering and not load.waiting
    return (
        State.UNLOADED
        if idle and numbers_in(data.get("numbers")).get("engine_loaded") == 0
        else state
    )


def declined(code: str) -> State:
    """How a service is that answers with an error of this code instead of its description."""
    return {"busy": State.FULL, "forbidden": State.REFUSED}.get(code, State.NO_ANSWER)


def load_in(data: Mapping[str, object]) -> Load:
    """How much it has to do."""
    return Load(
        *(round(number(data.get(key)) or 0) for key in ("connections", "answering", "waiting"))
    )


def texts_in(value: object) -> dict[str, str]:
    """A table of texts."""
    return {plain(key): plain(text) for key, text in _items(value)}


def counts_in(value: object) -> dict[str, int]:
    """A table of counts."""
    return {name: round(count) for name, count in numbers_in(value).items()}


def numbers_in(value: object) -> dict[str, float]:
    """A table of numbers."""
    found = {plain(key): number(item) for key, item in _items(value)}
    return {name: item for name, item in found.items() if item is not None}


def troubles_in(value: object) -> tuple[Trouble, ...]:
    """The last errors, the latest last."""
    listed = value[-_MOST_ITEMS:] if isinstance(value, list) else []
    told = [item for item in listed if isinstance(item, dict)]
    return tuple(
        Trouble(number(item.get("at")) or 0.0, plain(item.get("code")), plain(item.get("text")))
        for item in told
    )


def number(value: object) -> float | None:
    """A number that can be calculated with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 2**53 and math.isfinite(value) else None


def plain(value: object) -> str:
    """A text or a number in a line, without what a terminal would obey; "" for all else."""
    text = str(value) if isinstance(value, str | int | float) else ""
    shown = "".join(c if c.isprintable() else " " for c in text[: _MOST_CHARS + 1])
    return f"{shown[:_MOST_CHARS]}…" if len(shown) > _MOST_CHARS else shown.strip()


def _items(value: object) -> Iterable[tuple[object, object]]:
    return list(value.items())[:_MOST_ITEMS] if isinstance(value, dict) else ()
