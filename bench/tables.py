"""python -m bench.tables RESULTS: results as Markdown tables, each with its machine, date and versions."""

import sys
from collections.abc import Mapping
from pathlib import Path

from bench.results import Figure, Result, read
from wyoming_voice.benchmark.report import OURS, Better, short


def markdown(results: Mapping[str, Result]) -> str:
    """All of them, in their order."""
    return "\n".join(_section(result) for result in results.values())


def _section(result: Result) -> str:
    others = list(
        dict.fromkeys(who for one in result.figures.values() for who in one.summary if who != OURS)
    )
    compared = [who for who in others if any(_ratio(one, who) for one in result.figures.values())]
    columns = ["measurement", OURS, *others, *(f"ours / {who}" for who in compared)]
    lines = [f"## {result.title}", "", _conditions(result), "", _row(columns)]
    lines.append("|---|" + "---:|" * (len(columns) - 1))
    lines += [_row(_cells(one, others, compared)) for one in result.figures.values()]
    return "\n".join(lines) + "\n"


def _conditions(result: Result) -> str:
    document = result.document
    machine, load = document["machine"], document["load"]
    packages = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    return (
        f"{document['date']}, {machine['cores']} cores of {machine['processor']}, {machine['system']}, "
        f"Python {machine['python']}, load {load['before']:.1f} to {load['after']:.1f}; {packages}. "
        "Medians, with p95 in brackets; of percentages the mean."
    )


def _cells(figure: Figure, others: list[str], compared: list[str]) -> list[str]:
    values = [_value(figure, who) for who in (OURS, *others)]
    return [f"{figure.what}, {figure.unit}", *values, *(_ratio(figure, who) for who in compared)]


def _value(figure: Figure, who: str) -> str:
    if who not in figure.summary:
        return ""
    typical, p95 = short(figure.typical(who)), short(figure.of(who, "p95"))
    alone = figure.summary[who]["n"] == 1 or figure.unit == "%"
    return typical if alone else f"{typical} ({p95})"


def _ratio(figure: Figure, who: str) -> str:
    there = who in figure.summary and OURS in figure.summary
    if not there or figure.better is Better.NEITHER or not figure.typical(who) > 0:
        return ""
    return f"{figure.typical(OURS) / figure.typical(who):.2f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(markdown(read(Path(sys.argv[1]))))
