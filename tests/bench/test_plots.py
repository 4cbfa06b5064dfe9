"""What the plots show, and that they are files with text in them."""

from pathlib import Path

import pytest

from bench.contenders import PEER, WITHOUT
from bench.curves import Point, latency, waterfall
from bench.plot import main, time_text
from bench.results import Result, read
from bench.tables import markdown
from bench.turn import GAP, NOTICED, PLAIN, STAGES, TRANSCRIPT, WRITTEN
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.benchmark.rounds import About, Pace


def asr_result(directory: Path) -> Result:
    report = Report("ASR, small")
    for sessions in (4, 1):
        about = {"measure": "after stop", "pace": "paced", "sessions": sessions}
        row = report.row(f"paced, {sessions} at a time: after stop", "ms", about)
        row.add(OURS, 10.0 * sessions, 20.0 * sessions, 30.0 * sessions)
        row.add(PEER, 500.0 * sessions)
    report.publish(directory / "asr.json")
    return read(directory / "asr.json")["ASR, small"]


def turn_result(directory: Path) -> Result:
    report = Report("turn, small")
    times = {OURS: (800, 810, 300, 900), PLAIN: (600, 1200, 2600, 2900)}
    for number, stage in enumerate(STAGES):
        row = report.row(stage, "ms", {"measure": "stage", "stage": stage})
        for who, reached_ms in times.items():
            row.add(who, reached_ms[number])
    report.row("guess", "ms", {"measure": "early", "stage": TRANSCRIPT}).add(OURS, 250)
    report.publish(directory / "turn.json")
    return read(directory / "turn.json")["turn, small"]


def test_latency_by_sessions(tmp_path: Path) -> None:
    curves = latency(asr_result(tmp_path), Pace.PACED)
    assert [point.sessions for point in curves[OURS]] == [1, 4]
    assert curves[OURS][0] == Point(1, 20.0, 29.0)
    assert curves[PEER][1] == Point(4, 2000.0, 2000.0)
    assert latency(asr_result(tmp_path), Pace.BURST) == {}


def test_one_session_alone_heads_the_staggered_ones(tmp_path: Path) -> None:
    paced = asr_result(tmp_path)
    assert latency(paced, Pace.STAGGERED) == {}
    report = Report("ASR, small")
    for pace, sessions in (("staggered", 4), ("paced", 1)):
        about: About = {"measure": "after stop", "pace": pace, "sessions": sessions}
        report.row(f"{pace} {sessions}", "ms", about).add(OURS, 10.0 * sessions)
    report.publish(tmp_path / "asr.json")
    result = read(tmp_path / "asr.json")["ASR, small"]
    assert latency(result, Pace.STAGGERED) == {OURS: [Point(1, 10, 10), Point(4, 40, 40)]}


def test_stages_follow_each_other(tmp_path: Path) -> None:
    ours, plain = waterfall(turn_result(tmp_path))
    assert (ours.who, plain.who) == (OURS, PLAIN)
    assert [one.end_ms - one.start_ms for one in plain.segments] == [600, 600, 1400, 300]
    assert plain.early == ()
    assert plain.end_ms == 2900


def test_a_stage_that_was_ready_early_lasts_no_time(tmp_path: Path) -> None:
    ours, _ = waterfall(turn_result(tmp_path))
    lengths = {one.stage: one.end_ms - one.start_ms for one in ours.segments}
    assert lengths == {NOTICED: 800, TRANSCRIPT: 10, WRITTEN: 0, GAP: 90}
    assert ours.early == ((TRANSCRIPT, 250), (WRITTEN, 300))


def test_drawings_are_files_with_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    asr_result(results)
    turn_result(results)
    monkeypatch.setattr("sys.argv", ["plot", str(results), str(out)])
    assert main() == 0
    latency_svg = (out / "asr-latency.svg").read_text(encoding="utf-8")
    turn_svg = (out / "turn-stages.svg").read_text(encoding="utf-8")
    assert ">faster-whisper</text>" in latency_svg
    assert ">plain turn</text>" in turn_svg
    assert ">2.9 s</text>" in turn_svg
    assert (out / "turn.json").read_bytes() == (results / "turn.json").read_bytes()
    assert main() == 0
    assert (out / "turn-stages.svg").read_text(encoding="utf-8") == turn_svg


def test_tables_in_markdown(tmp_path: Path) -> None:
    result = asr_result(tmp_path)
    lines = markdown({result.title: result}).splitlines()
    assert "## ASR, small" in lines
    assert f"| measurement | ours | {PEER} | ours / {PEER} |" in lines
    assert "| paced, 1 at a time: after stop, ms | 20 (29) | 500 | 0.04 |" in lines
    assert WITHOUT not in "".join(lines)


def test_a_ratio_that_nobody_has_is_no_column(tmp_path: Path) -> None:
    report = Report("two sizes")
    for size in ("1 room", "2 rooms"):
        report.row("servers", "n").add(size, 1)
    report.publish(tmp_path / "sizes.json")
    lines = markdown(read(tmp_path / "sizes.json")).splitlines()
    assert "| measurement | ours | 1 room | 2 rooms |" in lines


def test_times_in_words() -> None:
    assert [time_text(ms) for ms in (0.4, 180, 1234, 9000)] == ["0 ms", "180 ms", "1.23 s", "9 s"]
