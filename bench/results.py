"""Reads what benchmarks have written: a JSON file, or a directory of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_voice.benchmark.report import OURS, Better

_SHARE = "%"
"""The unit of rows whose values are 0 or 100 each: their mean counts, not their median."""


@dataclass(frozen=True)
class Figure:
    """One row: contender -> percentiles, mean and n."""

    what: str
    unit: str
    better: Better
    about: Mapping[str, str | int]
    summary: Mapping[str, Mapping[str, float]]

    def typical(self, who: str) -> float:
        """The median; of shares the mean."""
        return self.summary[who]["mean" if self.unit == _SHARE else "p50"]

    def of(self, who: str, name: str) -> float:
        """A percentile, as `p95`."""
        return self.summary[who][name]

    @property
    def ours(self) -> list[str]:
        """The contenders that are ours, in any variant."""
        return [who for who in self.summary if who.startswith(OURS)]

    @property
    def peers(self) -> list[str]:
        """The others."""
        return [who for who in self.summary if not who.startswith(OURS)]


@dataclass(frozen=True)
class Result:
    """One benchmark's file, `name`.json."""

    name: str
    title: str
    document: Mapping[str, Any]
    figures: Mapping[str, Figure]

    def about(self, **keys: str | int) -> list[Figure]:
        """The figures with these keys, in their order."""
        return [one for one in self.figures.values() if keys.items() <= one.about.items()]


def read(path: Path) -> dict[str, Result]:
    """Title -> result. Ends the program with a line for what can't be read."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    results = [_result(file) for file in files]
    if not results:
        raise SystemExit(f"no *.json in {path}; `make bench` writes some")
    return {result.title: result for result in results}


def _result(path: Path) -> Result:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        figures = [_figure(row) for row in document["rows"]]
        return Result(
            path.stem, document["benchmark"], document, {one.what: one for one in figures}
        )
    except OSError as error:
        raise SystemExit(f"{path} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} is no result of a benchmark: {error!r}") from error


def _figure(row: Mapping[str, Any]) -> Figure:
    better = Better(row.get("better", Better.LESS))
    return Figure(row["what"], row["unit"], better, row.get("about", {}), row["summary"])
