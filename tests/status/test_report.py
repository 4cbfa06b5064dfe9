"""What a service says of itself is read as if it were made to confuse."""

import math

import pytest

from wyoming_voice.status import report
from wyoming_voice.status.report import Load, State, Trouble


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("kitchen", "kitchen"),
        ("a\x1b[2Jb\r\nc\u202ed", "a [2Jb  c d"),
        ("[red]:smile:[/red]", "[red]:smile:[/red]"),
        ("x" * 1000, "x" * 300 + "…"),
        (None, ""),
        (7, "7"),
        ("\ud83d", ""),
    ],
)
def test_texts_are_a_line_that_no_terminal_obeys(said: object, read: str) -> None:
    assert report.plain(said) == read


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (3, 3.0),
        (2.5, 2.5),
        (True, None),
        ("3", None),
        (math.inf, None),
        (10**400, None),
        ([], None),
    ],
)
def test_numbers_can_be_calculated_with(said: object, read: float | None) -> None:
    assert report.number(said) == read


def endless() -> list[object]:
    """A list with more levels than can be looked through."""
    held: list[object] = []
    for _ in range(100_000):
        held = [held]
    return held


def test_nonsense_is_nothing() -> None:
    every: tuple[object, ...] = (None, 7, "text", [1, [2]], {"a": []}, endless())
    for nonsense in every:
        assert report.counts_in(nonsense) == {}
        assert report.troubles_in(nonsense) == ()
        assert report.state_in({"health": nonsense}) is State.READY
        assert report.plain(nonsense) in ("", "7", "text")
        assert report.load_in({"connections": nonsense}) in (Load(), Load(connections=7))
    assert report.texts_in([("a", "b")]) == {}


def test_what_is_told() -> None:
    data: dict[str, object] = {
        "health": "stuck",
        "connections": 3,
        "answering": 1,
        "waiting": 2,
        "last_errors": [{"at": 12.5, "code": "busy", "text": "full\n"}, "nonsense", {}],
    }
    assert report.state_in(data) is State.STUCK
    assert report.load_in(data) == Load(3, 1, 2)
    assert report.troubles_in(data["last_errors"]) == (
        Trouble(12.5, "busy", "full"),
        Trouble(0.0, "", ""),
    )


def test_tables_are_bounded() -> None:
    assert len(report.counts_in({f"outcome-{n}": n for n in range(100_000)})) == 64


@pytest.mark.parametrize(
    ("health", "numbers", "answering", "state"),
    [
        ("well", {"engine_loaded": 0}, 0, State.UNLOADED),
        ("well", {"engine_loaded": 0}, 1, State.READY),
        ("well", {"engine_loaded": 1}, 0, State.READY),
        ("well", {}, 0, State.READY),
        ("reloading", {"engine_loaded": 0}, 0, State.RESTARTING),
    ],
)
def test_an_engine_that_nobody_needs_is_unloaded(
    health: str, numbers: dict[str, int], answering: int, state: State
) -> None:
    said = {"health": health, "numbers": numbers, "answering": answering}
    assert report.state_in(said) is state
    well = report.Report("", "", state).well
    assert well == (state is not State.RESTARTING)
