"""How long it will take: said only when it is known, and as much of it as a terminal has room for."""

import io
import re

import pytest
from rich.console import Console

from wyoming_voice.progress import Pace, Showing, about, clock


def test_nothing_is_said_before_enough_was_heard() -> None:
    pace = Pace(100.0, 30)
    for heard_s, now_s in ((20, 101), (31, 101.5), (31, 103)):
        pace.push(heard_s, now_s)
        assert (pace.speed, pace.left_s(600)) == (None, None)
    pace.push(40, 104)
    assert pace.speed == 10
    assert pace.left_s(600) == 56


def test_the_estimate_is_the_mean_over_all() -> None:
    pace = Pace(0.0, 30)
    for heard_s, now_s in ((100, 1), (200, 2), (300, 30)):
        pace.push(heard_s, now_s)
    assert pace.left_s(1300) == 100


def test_without_a_length_there_is_none() -> None:
    pace = Pace(0.0, 30)
    for number in range(1, 5):
        pace.push(30 * number, number)
    assert pace.speed == 30
    assert pace.left_s(None) is None
    assert pace.left_s(100) == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")]
)
def test_times_are_shown(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "some seconds"),
        (34, "about 30 s"),
        (89, "about 90 s"),
        (500, "about 8 min"),
        (9000, "about 2.5 h"),
    ],
)
def test_an_estimate_is_no_more_precise_than_it_can_be(seconds: float, text: str) -> None:
    assert about(seconds) == text


@pytest.mark.parametrize("columns", [120, 40])
def test_a_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    now_s = iter(range(100))
    monkeypatch.setattr("wyoming_voice.progress.time.monotonic", lambda: next(now_s))
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=columns, legacy_windows=False)
    with Showing(console, 30) as showing:
        showing.begin("a name of twenty.mp4", 1, 2)
        for heard_s in (30, 60, 90, 120):
            showing.reached(heard_s, 600)
            showing.note(f"{clock(heard_s)} of 10:00")
        showing._bars.refresh()
        assert showing.end() == 5
        showing.tell("a name of twenty.mp4: done, and told in a line that may be longer than 40")
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).split("\n")
    (told,) = [line for line in lines if "longer than 40" in line]
    bars = [line for part in lines if part != told for line in part.split("\r")]
    assert max(map(len, bars)) <= columns
    last = [line for line in bars if "left" in line][-1]
    assert "about 20 s left" in last
    assert ("a name of twenty.mp4 (1 of 2)" in last) == (columns == 120)
    assert ("2:00 of 10:00" in last) == (columns == 120)


def test_elsewhere_there_are_lines_alone() -> None:
    told = io.StringIO()
    with Showing(Console(file=told, width=20), 30) as showing:
        showing.begin("one.mp4", 1, 1)
        showing.reached(60, 600)
        showing.end()
        showing.tell("one.mp4: [bold] is no markup here")
    assert told.getvalue().strip() == "one.mp4: [bold] is no markup here"
