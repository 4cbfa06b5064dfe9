"""What a benchmark reports: values of several contenders side by side, as a table and as JSON.

Rule: a number never stands alone: with it go how many runs it comes from, its median and p95, the
machine, its load before and after, the date and the versions.
"""

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

OURS = "ours"

_PLAIN_WIDTH = 120
_PACKAGES = (
    "wyoming-voice",
    "wyoming",
    "faster-whisper",
    "ctranslate2",
    "kokoro",
    "torch",
    "numpy",
)


def percentile(values: Sequence[float], percent: float) -> float:
    """By linear interpolation between the nearest ranks, as numpy's default; `values` not empty."""
    ordered = sorted(values)
    rank = percent / 100 * (len(ordered) - 1)
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


@dataclass
class Row:
    """One measurement: contender -> its values, in `unit`, one a run."""

    what: str
    unit: str
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
                "p50": percentile(values, 50),
                "p95": percentile(values, 95),
                "p99": percentile(values, 99),
            }
            for who, values in self.values.items()
            if values
        }


@dataclass
class Report:
    """All rows of one benchmark. The contender called `ours` is compared to each of the others."""

    title: str
    facts: dict[str, object] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])

    def row(self, what: str, unit: str) -> Row:
        """The row of this name, made when it is first asked for."""
        return self.rows.setdefault(what, Row(what, unit))

    def publish(self, path: Path | None) -> None:
        """Print facts and figures; with a path, write everything there as JSON, single values too."""
        console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        console.print(f"\n[bold]{self.title}[/bold]")
        load = f"{self.load_before:.2f} before, {os.getloadavg()[0]:.2f} after"
        for name, value in {**self.facts, **machine(), "load": load}.items():
            console.print(f"  {name}: {value}", highlight=False)
        console.print(self._table())
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.document(), indent=2) + "\n", encoding="utf-8")
            console.print(f"written to {path}")

    def document(self) -> dict[str, object]:
        """What is written as JSON."""
        return {
            "benchmark": self.title,
            "date": self.started.isoformat(timespec="seconds"),
            "machine": machine(),
            "load": {"before": self.load_before, "after": os.getloadavg()[0]},
            "versions": versions(),
            "facts": self.facts,
            "rows": [
                {
                    "what": row.what,
                    "unit": row.unit,
                    "summary": row.summary(),
                    "ratios": {who: row.ratios(who) for who in row.values if who != OURS},
                    "values": row.values,
                }
                for row in self.rows.values()
            ],
        }

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("measurement", no_wrap=True)
        table.add_column("of")
        for name in ("n", "p50", "p95", "ours / it: p50", "p95"):
            table.add_column(name, justify="right")
        for row in self.rows.values():
            title = f"{row.what}, {row.unit}"
            for who, numbers in row.summary().items():
                ratios = row.ratios(who) if who != OURS else {}
                shown = [_short(numbers[name]) for name in ("p50", "p95")]
                shown += [f"{ratio:.2f}" for ratio in ratios.values()]
                table.add_row(title, who, f"{numbers['n']:.0f}", *shown)
                title = ""
        return table


def _short(value: float) -> str:
    """Three digits that count, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> dict[str, object]:
    """What was measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Of the packages that do the work, those that are installed."""
    found: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or sys.platform
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
