"""Where our own timers outlive a restart: a JSON file that is either the old one or the new one, never half.

Rule: no timer is worth a satellite that doesn't start. A file that can't be read is set aside, one that
can't be written is warned of.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

_MOST_BYTES = 1_000_000

_MOST_S = 1e11
"""Of the wall clock, some three thousand years on."""

_CLOCK_STEP_S = 2.0
"""A wall clock that was set by more than this makes what is on disk wrong."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A timer on disk; `rings_at_s` by the wall clock, since no other one goes on while we are off.

    One that is paused rings at no time (None); `left_s` are left of it.
    """

    id: str
    name: str
    total_s: float
    rings_at_s: float | None
    left_s: float = 0.0


def load(path: Path) -> list[Saved]:
    """The timers in a file; none when there is no file, or none that can be read."""
    try:
        with path.open("rb") as file:
            return _parsed(file.read(_MOST_BYTES))
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("timers can't be read from %s: %s", path, error.strerror)
        return []
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        _set_aside(path, error)
        return []


def save(path: Path, timers: Iterable[Saved]) -> bool:
    """Write the timers; whether that was possible."""
    text = json.dumps({"timers": [asdict(timer) for timer in timers]}, ensure_ascii=False, indent=1)
    temporary = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not forced onto the disk: that can take seconds on an SD card, and sound would stop meanwhile.
        # Journalling file systems write a file's content before they rename it over another.
        temporary.write_text(text, encoding="utf-8", errors="replace")
        temporary.replace(path)
    except OSError as error:
        _log.warning(
            "timers can't be kept in %s (%s); they are lost when the satellite ends; name another "
            "place with --state-dir",
            path,
            error.strerror,
        )
        return False
    return True


def same(one: Sequence[Saved], other: Sequence[Saved]) -> bool:
    """Whether what is in a file is true yet; that the wall clock was set a little is let pass."""
    return len(one) == len(other) and all(map(_alike, one, other))


def _alike(one: Saved, other: Saved) -> bool:
    if one.rings_at_s is None or other.rings_at_s is None:
        return one == other
    moved_s = abs(one.rings_at_s - other.rings_at_s)
    return (one.id, one.total_s) == (other.id, other.total_s) and moved_s < _CLOCK_STEP_S


def _parsed(raw: bytes) -> list[Saved]:
    return [_saved(item) for item in json.loads(raw.decode())["timers"]]


def _saved(item: Mapping[str, Any]) -> Saved:
    rings_at_s = item["rings_at_s"]
    return Saved(
        _text(item["id"]),
        _text(item["name"]),
        _number(item["total_s"]),
        None if rings_at_s is None else _number(rings_at_s),
        _number(item.get("left_s", 0.0)),  # files of before timers could be paused have none
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MOST_S:
        raise TypeError("a time is no number, or none that can be")
    return value


def _set_aside(path: Path, error: Exception) -> None:
    aside = path.with_name(f"{path.name}.bad")
    try:
        path.replace(aside)
        what = f"it is kept as {aside}"
    except OSError as failure:
        what = f"it can't be set aside: {failure.strerror}"
    _log.warning("%s holds no timers (%s: %s); %s", path, type(error).__name__, error, what)
