"""What a report makes of values: percentiles as numpy's, ratios where they mean something, a table."""

import json
from pathlib import Path

import numpy as np
import pytest

from wyoming_voice.benchmark.report import OURS, Better, Report, Row, percentile, short
from wyoming_voice.benchmark.rounds import rounds_of
from wyoming_voice.errors import ConfigError


@pytest.mark.parametrize("percent", [0, 50, 95, 99, 100])
@pytest.mark.parametrize("values", [[3.0], [5.0, 1.0], [9.0, 2.0, 4.0, 4.0, 7.5]])
def test_percentiles_are_numpys(values: list[float], percent: float) -> None:
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent))


def test_a_row_sums_up_each_contender() -> None:
    row = Row("wait", "ms")
    row.add(OURS, 10, 20, 30)
    row.add("other", 40)
    row.add("other", 40)
    assert row.summary()[OURS]["mean"] == 20
    assert row.summary()["other"]["n"] == 2
    assert row.ratios("other")["p50"] == 0.5
    assert row.ratios("nobody") == {}


def test_nothing_is_divided_by_zero() -> None:
    row = Row("gaps", "ms")
    row.add(OURS, 1)
    row.add("other", 0)
    assert row.ratios("other") == {}


def test_a_row_is_made_once() -> None:
    report = Report("trial")
    report.row("rate", "1/s", {"sessions": 4}, Better.MORE).add(OURS, 2)
    report.row("rate", "1/s").add(OURS, 4)
    (row,) = report.rows.values()
    assert row.document()["about"] == {"sessions": 4}
    assert row.values == {OURS: [2, 4]}


def test_what_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("trial", {"odd": "[red]brackets[/red]"})
    report.row("wait", "ms").add(OURS, 1234.5678)
    report.row("wait", "ms").add("[peer]", 2469.1356)
    path = tmp_path / "deep" / "trial.json"
    report.publish(path)
    told = capsys.readouterr().out
    assert "[red]brackets[/red]" in told
    assert "0.50" in told
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["benchmark"] == "trial"
    assert document["rows"][0]["values"][OURS] == [1234.57]
    assert document["date"].endswith("+00:00")
    assert {"load", "versions", "machine", "facts"} <= document.keys()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="can't be written"):
        Report("trial").publish(tmp_path / "file" / "trial.json")


def test_numbers_are_short() -> None:
    assert [short(value) for value in (1234.5, 100, 12.345, 0.012345)] == [
        *("1234", "100", "12.3", "0.0123")
    ]


@pytest.mark.parametrize(
    ("runs", "sessions", "rounds"), [(1, 16, 1), (8, 1, 8), (8, 4, 2), (8, 16, 1), (9, 4, 3)]
)
def test_rounds_give_the_runs(runs: int, sessions: int, rounds: int) -> None:
    assert rounds_of(runs, sessions) == rounds
