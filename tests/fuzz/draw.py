"""Makes choices, texts, JSON values and events out of bytes, so that any bytes drive any target.

Rule: the same bytes make the same choices, and where the bytes are used up the plainest choice is made; so
an input can be kept, replayed, and made smaller. No third-party module: atheris, hypothesis and a replay
read an input alike.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import TypeVar

from wyoming.event import Event

T = TypeVar("T")
Slices = TypeVar("Slices", str, bytes)

_SIZES = (1, 2, 3, 5, 8, 13, 64, 4096)
_NUMBERS = (
    *(0, 1, 2, -1, 255, 16_000, 65_535, 2**31, 2**32, 2**53 + 1, 2**63, -(2**63), 10**400),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, float("inf"), float("-inf"), float("nan")),
)
_TEXTS = ("", " ", "en", "kitchen", "0", "true", "null", "\0", "\ud83d", "\u2028", "é" * 300)
_DEEP = 930
"""Nested so deeply that JSON can still be read, with few calls left to those who read it."""


class Draw:
    """One input, from which choices are drawn until nothing is left of it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        """The next byte, 0 at the end."""
        if not self:
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def number(self, most: int) -> int:
        """A whole number from 0 to `most`."""
        value, span = self.byte(), 256
        while span <= most:
            value, span = value * 256 + self.byte(), span * 256
        return value % (most + 1)

    def flag(self) -> bool:
        """Yes or no."""
        return bool(self.byte() & 1)

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.number(len(choices) - 1)]

    def raw(self, most: int) -> bytes:
        """Some bytes."""
        size = self.number(most)
        self._at += size
        return self._data[self._at - size : self._at]

    def text(self, most: int) -> str:
        """A text of up to `most` bytes in UTF-8, with half surrogate pairs for what is none."""
        return self.raw(most).decode("utf-8", "surrogateescape")

    def rest(self) -> bytes:
        """All that is left."""
        self._at, left = len(self._data), self._data[self._at :]
        return left

    def rest_text(self) -> str:
        """All that is left, as a text."""
        return self.rest().decode("utf-8", "surrogateescape")

    def sizes(self) -> Iterator[int]:
        """How much comes at a time, for ever; drawn from two bytes."""
        return itertools.cycle((self.pick(_SIZES), self.pick(_SIZES)))

    def value(self, depth: int = 0) -> object:
        """A JSON value, often one that nobody expects; numbers without end and half pairs among them."""
        match self.byte() % 12:
            case 0:
                return None
            case 1:
                return self.flag()
            case 2 | 3:
                return self.pick(_NUMBERS)
            case 4 | 5:
                return self.pick(_TEXTS)
            case 6 | 7:
                return self.text(40)
            case 8 if not depth:
                return nested(_DEEP, self.pick(("list", "object")))
            case 8 | 9 if depth < 4:
                return [self.value(depth + 1) for _ in range(self.number(4))]
            case 10 if depth < 4:
                return {self.text(8): self.value(depth + 1) for _ in range(self.number(4))}
        return self.number(70_000)

    def fields(self, likely: dict[str, Sequence[object]]) -> dict[str, object]:
        """An object with some of these fields: mostly with a value that fits, sometimes with any."""
        found: dict[str, object] = {}
        for name, values in likely.items():
            kind = self.byte()
            if kind < 160:
                found[name] = self.pick(values) if values else self.text(40)
            elif kind < 208:
                found[name] = self.value()
        if self.byte() > 240:
            found[self.text(20)] = self.value()
        return found

    def event(self, kinds: dict[str, dict[str, Sequence[object]]]) -> Event:
        """An event of one of these types (with the fields that it likely has), or of another."""
        kind = self.pick((*kinds, *kinds, "x"))
        data = self.fields(kinds.get(kind, {}))
        return Event(kind, data, self.raw(200) if self.flag() else None)


def nested(depth: int, kind: str = "list") -> object:
    """Lists in lists, or objects in objects."""
    value: object = 0
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


def cut(whole: Slices, sizes: Iterator[int]) -> Iterator[Slices]:
    """It in pieces of these sizes."""
    at = 0
    while at < len(whole):
        size = next(sizes)
        yield whole[at : at + size]
        at += size
