"""What a benchmark reports: values of several contenders side by side, as a table and as JSON.

Rule: a number never stands alone: with it go how many requests it comes from, its percentiles, the
machine, its load before and after, the date and the versions.
"""

import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.table import Table

from wyoming_voice.benchmark.machine import machine, versions
from wyoming_voice.errors import ConfigError

OURS = "ours"
"""The contender that the others are compared to; those whose names begin with it are ours, too."""

PERCENTILES = (50, 95, 99)
_PLAIN_WIDTH = 150


class Better(StrEnum):
    """Which way a value gets better."""

    LESS = "less"
    MORE = "more"
    NEITHER = "neither"


def percentile(values: Sequence[float], percent: float) -> float:
    """By linear interpolation between the nearest ranks, as numpy's default; `values` not empty."""
    ordered = sorted(values)
    rank = percent / 100 * (len(ordered) - 1)
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


@dataclass
class Row:
    """One measurement: contender -> its values, in `unit`; `about` says in keys what `what` says in words."""

    what: str
    unit: str
    better: Better = Better.LESS
    about: dict[str, str | int] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, who: str, *values: float) -> None:
        """Keep more values of a contender."""
        self.values.setdefault(who, []).extend(values)

    def ratios(self, who: str) -> dict[str, float]:
        """Our value over that of `who`, at the median and p95; empty where there is nothing to divide."""
        ours, theirs = self.values.get(OURS), self.values.get(who)
        if not ours or not theirs or not min(theirs) > 0:
            return {}
        return {f"p{p}": percentile(ours, p) / percentile(theirs, p) for p in (50, 95)}

    def summary(self) -> dict[str, dict[str, float]]:
        """Contender -> n, mean and percentiles."""
        return {
            who: {
                "n": len(values),
                "mean": statistics.fmean(values),
                **{f"p{p}": percentile(values, p) for p in PERCENTILES},
            }
            for who, values in self.values.items()
            if values
        }

    def document(self) -> dict[str, object]:
        """What is written as JSON."""
        return {
            "what": self.what,
            "unit": self.unit,
            "better": self.better,
            "about": self.about,
            "summary": self.summary(),
            "ratios": {who: self.ratios(who) for who in self.values if who != OURS},
            "values": {
                who: [float(f"{value:.6g}") for value in values]
                for who, values in self.values.items()
            },
        }


@dataclass
class Report:
    """All rows of one benchmark. The contender called `ours` is compared to each of the others."""

    title: str
    facts: dict[str, object] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])

    def row(
        self,
        what: str,
        unit: str,
        about: Mapping[str, str | int] | None = None,
        better: Better = Better.LESS,
    ) -> Row:
        """The row of this name, made when it is first asked for."""
        return self.rows.setdefault(what, Row(what, unit, better, dict(about or {})))

    def publish(self, path: Path | None) -> None:
        """Print facts and figures; with a path, write everything there as JSON, single values too.

        Raises ConfigError when the file can't be written.
        """
        console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        console.print(f"\n[bold]{self.title}[/bold]")
        load = f"{self.load_before:.2f} before, {os.getloadavg()[0]:.2f} after"
        for name, value in {**self.facts, **machine(), "load": load}.items():
            console.print(f"  {name}: {value}", highlight=False, markup=False)
        console.print(self._table())
        if path is not None:
            self._write(path)
            console.print(f"written to {path}", markup=False)

    def document(self) -> dict[str, object]:
        """What is written as JSON."""
        return {
            "benchmark": self.title,
            "date": self.started.isoformat(timespec="seconds"),
            "machine": machine(),
            "load": {"before": self.load_before, "after": os.getloadavg()[0]},
            "versions": versions(),
            "facts": self.facts,
            "rows": [row.document() for row in self.rows.values()],
        }

    def _write(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.document(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path} can't be written: {error.strerror}") from error

    def _table(self) -> Table:
        others = any(who != OURS for row in self.rows.values() for who in row.values)
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("measurement", no_wrap=True)
        if others:
            table.add_column("of", no_wrap=True)
        for name in ("n", "mean", *(f"p{p}" for p in PERCENTILES)):
            table.add_column(name, justify="right")
        for name in ("ours / it: p50", "p95") if others else ():
            table.add_column(name, justify="right")
        for row in self.rows.values():
            title = f"{row.what}, {row.unit}"
            for who, numbers in row.summary().items():
                shown = [short(numbers[name]) for name in ("mean", *(f"p{p}" for p in PERCENTILES))]
                if who != OURS:
                    shown += [f"{ratio:.2f}" for ratio in row.ratios(who).values()]
                table.add_row(title, *([who] if others else []), f"{numbers['n']:.0f}", *shown)
                title = ""
        return table


def short(value: float) -> str:
    """Three digits that count, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
