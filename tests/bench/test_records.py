"""What is read from our servers' logs."""

from pathlib import Path

import pytest

from bench.contenders import Running, note_speculation
from bench.records import LogReader, logged
from bench.servers import Measured
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.benchmark.rounds import Contender
from wyoming_voice.core.timing import TurnRecord


def line(speculation: str, saved_ms: float = 0.0, wasted_ms: float = 0.0) -> str:
    record = TurnRecord("asr")
    record.note(model="with a space", speculation=speculation)
    record.stages_ms.update({"saved": saved_ms, "wasted": wasted_ms})
    return f"2026-11-21 15:14:57,239 INFO wyoming_voice.peer: {record.line()}\n"


def test_facts_and_stages_of_a_line() -> None:
    found = logged(line("hit", 312.25))
    assert found is not None
    assert found.facts["kind"] == "asr"
    assert found.facts["model"] == "'with a space'"
    assert found.facts["speculation"] == "hit"
    assert found.stages_ms == {"saved": pytest.approx(312.2, abs=0.1), "wasted": 0.0}


def test_other_lines_are_passed_over() -> None:
    assert logged("INFO wyoming_voice.service: stopping") is None


def test_each_line_is_read_once_and_half_a_line_later(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(line("none"), encoding="utf-8")
    reader = LogReader(path)
    assert reader.news() == []
    whole = line("hit") + line("miss")
    with path.open("a", encoding="utf-8") as log:
        log.write(whole[:-9])
        log.flush()
        assert [one.facts["speculation"] for one in reader.news()] == ["hit"]
        log.write(whole[-9:])
        log.flush()
        assert [one.facts["speculation"] for one in reader.news()] == ["miss"]


def test_speculation_is_summed_up(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    running = Running(Contender(OURS, ""), Measured("", 0, path))
    path.write_text(line("hit", 300) + line("miss", 0, 80) + line("none"), encoding="utf-8")
    report = Report("trial")
    note_speculation(report, "paced", running, 1)
    assert report.rows["paced: speculation hits"].values[OURS] == [100.0, 0.0, 0.0]
    assert report.rows["paced: saved by it"].values[OURS] == [300.0, 0.0, 0.0]
    assert report.rows["paced: decoded in vain"].values[OURS] == [0.0, 80.0, 0.0]
