"""How the work for an input grows with its length: steps of Python for the same text once, twice, four times.

Rule: no clock, so that a loaded machine finds nothing; what a step of C does (a slice, a regular
expression) isn't seen here, but in the slowest inputs that `make fuzz` reports.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def steps(run: Callable[[bytes], None], data: bytes) -> int:
    """The lines of Python that are run for an input."""
    count = 0

    def seen(_frame: FrameType, what: str, _about: object) -> Any:
        nonlocal count
        count += what == "line"
        return seen

    before = sys.gettrace()
    sys.settrace(seen)
    try:
        run(data)
    finally:
        sys.settrace(before)
    return count


def growth(run: Callable[[bytes], None], head: bytes, unit: bytes, size: int) -> float:
    """By how much the steps grow where the input does fourfold: 4 where the work is linear, 16 quadratic."""
    once = head + unit * (size // len(unit))
    return steps(run, head + unit * (4 * size // len(unit))) / max(steps(run, once), 1)
