"""Which tools a model may use, and under what names it knows them.

Rule: deny wins over allow. A tool is meant by a pattern when that fits its own name, the name that the model
knows, or what follows the last `__` of either, so that `HassTurnOn` means Home Assistant's
`intent__HassTurnOn` as well; `*` stands for any letters, and case counts. A name, once given to a tool,
stays with it, whoever comes and goes, as long as it is one of the last _MOST_NAMES.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

_MOST_CHARS = 64
_MOST_NAMES = 2000
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
"""What OpenAI's API, and servers that follow it, don't take in the name of a function."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Patterns of the only tools that may be used (none: all), and of those that may not."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def permit(self, names: Iterable[str]) -> bool:
        """Whether the tool with these names may be used."""
        known = _also(names)
        if any(_fits(pattern, known) for pattern in self.deny):
            return False
        return not self.allow or any(_fits(pattern, known) for pattern in self.allow)

    def idle(self, names: Iterable[str]) -> tuple[str, ...]:
        """The patterns that fit none of `names`."""
        known = _also(names)
        return tuple(
            pattern
            for pattern in dict.fromkeys((*self.allow, *self.deny))
            if not _fits(pattern, known)
        )


def _also(names: Iterable[str]) -> set[str]:
    known = set(names)
    return known | {name.rpartition("__")[2] for name in known}


def _fits(pattern: str, names: set[str]) -> bool:
    """Looks for the parts between the stars one after another, which takes no longer than reading does."""
    return any(_fits_one(pattern.split("*"), name) for name in names)


def _fits_one(parts: list[str], name: str) -> bool:
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return name == first
    if not name.startswith(first) or not name[len(first) :].endswith(last):
        return False
    rest = name[len(first) : len(name) - len(last)]
    for part in parts[1:-1]:
        found = rest.find(part)
        if found < 0:
            return False
        rest = rest[found + len(part) :]
    return True


@dataclass
class Names:
    """The names that tools go by: such as OpenAI's API takes, and each only once."""

    _given: dict[tuple[int, str], str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def of(self, box: int, name: str) -> str:
        """The name of the tool that the toolbox with this number calls `name`."""
        if (given := self._given.get((box, name))) is None:
            given = self._given[box, name] = self._free(_NOT_IN_NAMES.sub("_", name) or "tool")
            self._taken.add(given)
            if len(self._given) > _MOST_NAMES:  # somebody makes up new ones all the time
                self._taken.discard(self._given.pop(next(iter(self._given))))
        return given

    def _free(self, base: str) -> str:
        for number in count(1):
            suffix = f"_{number}" if number > 1 else ""
            name = f"{base[: _MOST_CHARS - len(suffix)]}{suffix}"
            if name not in self._taken:
                return name
        raise AssertionError("numbers don't end")
