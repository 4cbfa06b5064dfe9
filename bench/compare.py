"""python -m bench.compare OLD NEW: what has become worse between two results, as ratios.

Where others were measured in both, ours is held against how they have changed: a slower or busier machine
slows them as well, and cancels out. Without them, or with --plain, the values themselves are compared. Both
names are files or directories of files. Status 1: something is worse than the tolerance allows.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.results import Figure, Result, read
from wyoming_voice.benchmark.report import Better, short

NOTICEABLE = {"ms": 10.0, "s/s": 0.02, "s": 0.05, "%": 1.0, "MiB": 5.0, "% of a core": 1.0}
"""Unit -> the least difference that anybody would notice; 0 for other units."""

_WIDTH = 140


@dataclass(frozen=True)
class Change:
    """One of our values, before and after; `expected` is the old one as the others' change would have it."""

    what: str
    who: str
    unit: str
    better: Better
    old: float
    expected: float
    new: float

    @property
    def worse_by(self) -> float:
        """How many times worse than expected: 1 is as expected, under 1 is better."""
        bad, good = (
            (self.new, self.expected) if self.better is Better.LESS else (self.expected, self.new)
        )
        if good <= 0:
            return 1.0 if bad <= 0 else math.inf
        return bad / good

    def is_worse(self, tolerance: float) -> bool:
        """Beyond the tolerance, and noticeable."""
        return self.worse_by > tolerance and self._noticeable

    def is_better(self, tolerance: float) -> bool:
        """The same the other way round."""
        return self.worse_by < 1 / tolerance and self._noticeable

    @property
    def _noticeable(self) -> bool:
        return abs(self.new - self.expected) > NOTICEABLE.get(self.unit, 0.0)


def changes(
    old: Mapping[str, Result], new: Mapping[str, Result], *, plain: bool = False
) -> list[Change]:
    """Of everything that both have."""
    found: list[Change] = []
    for title, result in old.items():
        if title in new:
            found += _changes(result, new[title], plain=plain)
    return found


def missing(old: Mapping[str, Result], new: Mapping[str, Result]) -> list[str]:
    """What was measured before and isn't any more."""
    gone = [title for title in old if title not in new]
    for title in old.keys() & new.keys():
        figures = new[title].figures
        gone += [f"{title}: {what}" for what in old[title].figures if what not in figures]
    return gone


def _changes(old: Result, new: Result, *, plain: bool) -> Iterator[Change]:
    for what, before in old.figures.items():
        after = new.figures.get(what)
        if after is None or before.better is Better.NEITHER:
            continue
        drift = 1.0 if plain else machine_drift(before, after)
        for who in before.ours:
            if who in after.summary:
                value = before.typical(who)
                name = f"{old.title}: {what}"
                yield Change(
                    *(name, who, before.unit, before.better),
                    *(value, value * drift, after.typical(who)),
                )


def machine_drift(before: Figure, after: Figure) -> float:
    """How the others' values have changed, as a factor: the geometric mean of those that both have."""
    ratios = [
        after.typical(who) / before.typical(who)
        for who in before.peers
        if who in after.summary and before.typical(who) > 0 and after.typical(who) > 0
    ]
    return math.prod(ratios) ** (1 / len(ratios)) if ratios else 1.0


def table(found: list[Change], tolerance: float) -> Table:
    """The worst first."""
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("measurement", "of"):
        shown.add_column(name)
    for name in ("old", "expected", "new", "times worse", ""):
        shown.add_column(name, justify="right")
    for one in sorted(found, key=lambda change: -change.worse_by):
        numbers = [short(value) for value in (one.old, one.expected, one.new, one.worse_by)]
        verdict = "worse" if one.is_worse(tolerance) else ""
        verdict = "better" if one.is_better(tolerance) else verdict
        shown.add_row(f"{one.what}, {one.unit}", one.who, *numbers, verdict)
    return shown


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--tolerance", type=float, default=1.15, help="how many times worse")
    parser.add_argument("--plain", action="store_true", help="compare values, not ratios to others")
    arguments = parser.parse_args(argv)
    old, new = read(arguments.old), read(arguments.new)
    found = changes(old, new, plain=arguments.plain)
    if not found:
        print("nothing was measured in both", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(table(found, arguments.tolerance))
    for what in missing(old, new):
        console.print(f"not measured any more: {what}", markup=False, highlight=False)
    worse = [one for one in found if one.is_worse(arguments.tolerance)]
    console.print(f"{len(worse)} of {len(found)} are worse by more than {arguments.tolerance:g}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
