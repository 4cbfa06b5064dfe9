"""The regression check: what has become worse beside others, and what only the machine did."""

import math
from pathlib import Path

import pytest

from bench.compare import changes, main, missing
from bench.results import Result, read
from wyoming_voice.benchmark.report import OURS, Better, Report

PEER = "peer"


def written(
    path: Path,
    values: dict[str, float],
    *,
    what: str = "wait",
    unit: str = "ms",
    better: Better = Better.LESS,
) -> Path:
    report = Report("trial")
    for who, value in values.items():
        report.row(what, unit, better=better).add(who, value)
    report.publish(path)
    return path


def compared(tmp_path: Path, old: dict[str, float], new: dict[str, float], **row: object) -> float:
    """How many times worse the one row is."""
    before = read(written(tmp_path / "old.json", old, **row))  # type: ignore[arg-type]
    after = read(written(tmp_path / "new.json", new, **row))  # type: ignore[arg-type]
    return changes(before, after)[0].worse_by


def test_a_slower_machine_is_no_regression(tmp_path: Path) -> None:
    old, new = {OURS: 100.0, PEER: 200.0}, {OURS: 300.0, PEER: 600.0}
    assert compared(tmp_path, old, new) == pytest.approx(1.0)


def test_slower_beside_the_others_is_one(tmp_path: Path) -> None:
    old, new = {OURS: 100.0, PEER: 200.0}, {OURS: 100.0, PEER: 100.0}
    assert compared(tmp_path, old, new) == pytest.approx(2.0)


def test_without_others_the_values_count(tmp_path: Path) -> None:
    assert compared(tmp_path, {OURS: 100.0}, {OURS: 150.0}) == pytest.approx(1.5)


def test_more_is_better_for_rates(tmp_path: Path) -> None:
    rate = {"unit": "1/s", "better": Better.MORE}
    assert compared(tmp_path, {OURS: 10.0}, {OURS: 5.0}, **rate) == pytest.approx(2.0)
    assert compared(tmp_path, {OURS: 5.0}, {OURS: 10.0}, **rate) == pytest.approx(0.5)


def test_from_nothing_to_something(tmp_path: Path) -> None:
    assert compared(tmp_path, {OURS: 0.0}, {OURS: 0.0}) == 1.0
    assert compared(tmp_path, {OURS: 0.0}, {OURS: 80.0}) == math.inf


def test_our_variants_are_no_peers(tmp_path: Path) -> None:
    old = {OURS: 100.0, "ours without speculation": 500.0}
    new = {OURS: 200.0, "ours without speculation": 1000.0}
    assert compared(tmp_path, old, new) == pytest.approx(2.0)


def test_rows_without_a_better_way_are_passed_over(tmp_path: Path) -> None:
    row = {"unit": "s", "better": Better.NEITHER}
    with pytest.raises(IndexError):
        compared(tmp_path, {OURS: 1.0}, {OURS: 9.0}, **row)


def test_what_is_gone_is_named(tmp_path: Path) -> None:
    old: dict[str, Result] = read(written(tmp_path / "old.json", {OURS: 1.0}, what="wait"))
    new = read(written(tmp_path / "new.json", {OURS: 1.0}, what="weight"))
    assert missing(old, new) == ["trial: wait"]
    assert missing(old, {}) == ["trial"]


@pytest.mark.parametrize(
    ("new", "tolerance", "status"),
    [(130.0, "1.15", 1), (130.0, "1.5", 0), (100.0, "1.15", 0), (60.0, "1.15", 0)],
)
def test_the_exit_status(
    new: float,
    tolerance: str,
    status: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = written(tmp_path / "old.json", {OURS: 100.0})
    after = written(tmp_path / "new.json", {OURS: new})
    assert main([str(before), str(after), "--tolerance", tolerance]) == status
    told = capsys.readouterr().out
    assert f"{status} of 1 are worse" in told
    assert ("better" in told) == (new == 60.0)


def test_what_nobody_notices_is_not_worse(tmp_path: Path) -> None:
    before = written(tmp_path / "old.json", {OURS: 2.0})
    after = written(tmp_path / "new.json", {OURS: 9.0})
    assert main([str(before), str(after)]) == 0


def test_plain_values_on_demand(tmp_path: Path) -> None:
    before = written(tmp_path / "old.json", {OURS: 100.0, PEER: 100.0})
    after = written(tmp_path / "new.json", {OURS: 200.0, PEER: 200.0})
    assert main([str(before), str(after)]) == 0
    assert main([str(before), str(after), "--plain"]) == 1


def test_directories_are_compared_file_by_file(tmp_path: Path) -> None:
    for name, value in (("old", 100.0), ("new", 300.0)):
        written(tmp_path / name / "a.json", {OURS: value})
    assert main([str(tmp_path / "old"), str(tmp_path / "new")]) == 1


def test_nothing_in_common(tmp_path: Path) -> None:
    before = written(tmp_path / "old.json", {OURS: 1.0}, what="wait")
    after = written(tmp_path / "new.json", {OURS: 1.0}, what="weight")
    assert main([str(before), str(after)]) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "can't be read"), ("[]", "is no result"), ("{", "is no result")],
)
def test_what_is_no_result(content: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(SystemExit, match=said):
        main([str(path), str(path)])


def test_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no \*\.json"):
        read(tmp_path)
