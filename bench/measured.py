"""Reads single figures from bench/results/tables.md, where every measurement of this project is kept.

Rule: who works on with a figure names its table, row and column, and nothing stands in two places.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLES = Path(__file__).parent / "results" / "tables.md"
_CELL = re.compile(r"^([0-9.]+)(?: \(([0-9.]+)\))?$")


@dataclass(frozen=True)
class Figure:
    """A median and a 95th percentile; the same where only one is known."""

    median: float
    p95: float


def figure(table: str, row: str, column: str = "ours") -> Figure:
    """A cell of a table; `row` with its unit. Raises LookupError for what isn't there."""
    header, *rows = _table(table)
    named = {cells[0]: cells for cells in rows}
    if row not in named or column not in header:
        raise LookupError(f"{TABLES.name}, {table}: no row {row!r} or no column {column!r}")
    found = _CELL.match(named[row][header.index(column)])
    if found is None:
        raise LookupError(f"{TABLES.name}, {table}, {row}: nothing was measured of {column!r}")
    median, p95 = found.groups()
    return Figure(float(median), float(p95 or median))


@cache
def _table(title: str) -> tuple[tuple[str, ...], ...]:
    text = TABLES.read_text(encoding="utf-8")
    _, found, rest = f"\n{text}".partition(f"\n## {title}\n")
    if not found:
        raise LookupError(f"{TABLES.name} has no table {title!r}")
    lines = rest.partition("\n## ")[0].splitlines()
    cells = [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in lines if "|" in line]
    return tuple(row for row in cells if not set(row[0]) <= set("-:"))
