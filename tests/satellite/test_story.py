"""What a person reads of a turn: a line for each happening, and where the time went."""

import io

import pytest
from rich.console import Console

from satellite.link import (
    Audible,
    FirstWords,
    Foreseen,
    Guessed,
    Happening,
    SentenceWritten,
    SpeechFound,
    SpeechOver,
    Transcribed,
)
from satellite.story import Story

BEGIN_S = 100.0
SPOKEN: list[Happening] = [
    SpeechFound(101.0),
    SpeechOver(102.0, noticed_s=102.5),
    Transcribed(102.75, "what [bold]time is it"),
    FirstWords(103.0),
    SentenceWritten(103.5, "It is noon."),
    Audible(104.0),
    SentenceWritten(104.5, "Lunch is ready."),
]
TYPED: list[Happening] = [FirstWords(100.5), SentenceWritten(101.0, "It is noon.")]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satellite.story.time.monotonic", lambda: BEGIN_S)


def recording() -> Console:
    return Console(
        file=io.StringIO(), record=True, width=100, highlight=False, markup=False, emoji=False
    )


def told(happenings: list[Happening]) -> tuple[Story, list[str]]:
    """The story, and what it printed."""
    console = recording()
    story = Story(console)
    story.begin()
    for happening in happenings:
        story.tell(happening)
    story.end()
    return story, console.export_text().splitlines()


def stages(lines: list[str]) -> list[tuple[str, str, str]]:
    """Each row of the waterfall without its bar: stage, took, since."""
    rows = lines[lines.index(next(line for line in lines if line.startswith("stage"))) + 1 :]
    cells = (row.replace("█", " ").split() for row in rows)
    return [(" ".join(row[:-4]), " ".join(row[-4:-2]), " ".join(row[-2:])) for row in cells]


def test_each_happening_is_a_line_with_its_time_from_the_beginning() -> None:
    _, lines = told(SPOKEN)
    assert lines[: len(SPOKEN)] == [
        "   1.00 s  speech found",
        "   2.50 s  speech ended 500 ms ago",
        "   2.75 s  transcript  what [bold]time is it",
        "   3.00 s  first words of the answer",
        "   3.50 s  answer  It is noon.",
        "   4.00 s  first audible sample",
        "   4.50 s  answer  Lunch is ready.",
    ]


def test_what_was_supposed_is_told_when_it_was_and_what_came_of_it_when_that_was_certain() -> None:
    _, lines = told(
        [
            Guessed(101.5, ""),
            Guessed(102.0, "what time"),
            SpeechOver(101.75, noticed_s=102.25),
            Transcribed(102.5, "what time"),
            Foreseen(102.5, since_s=0.5),
            FirstWords(102.5),
            Audible(102.5),
        ]
    )
    assert lines[:7] == [
        "   1.50 s  if that was all  (nothing)",
        "   2.00 s  if that was all  what time",
        "   2.25 s  speech ended 500 ms ago",
        "   2.50 s  transcript  what time",
        "   2.50 s  that was all: its answer was begun 500 ms ago",
        "   2.50 s  first words of the answer",
        "   2.50 s  first audible sample",
    ]
    assert stages(lines) == [
        ("end of speech noticed", "500 ms", "500 ms"),
        ("transcript", "250 ms", "750 ms"),
        ("first words", "0 ms", "750 ms"),
        ("first audio", "0 ms", "750 ms"),
    ]


def test_a_line_is_told_when_it_happens() -> None:
    console = recording()
    story = Story(console)
    story.begin()
    story.tell(SPOKEN[0])
    assert console.export_text() == "   1.00 s  speech found\n"


def test_stages_follow_one_another_from_the_end_of_speech() -> None:
    _, lines = told(SPOKEN)
    assert stages(lines) == [
        ("end of speech noticed", "500 ms", "500 ms"),
        ("transcript", "250 ms", "750 ms"),
        ("first words", "250 ms", "1000 ms"),
        ("first sentence", "500 ms", "1500 ms"),
        ("first audio", "500 ms", "2000 ms"),
    ]


def test_stages_of_a_typed_question_count_from_its_beginning() -> None:
    _, lines = told(TYPED)
    assert stages(lines) == [
        ("first words", "500 ms", "500 ms"),
        ("first sentence", "500 ms", "1000 ms"),
    ]


def test_a_stage_that_came_before_the_one_ahead_of_it_took_no_time() -> None:
    _, lines = told([SpeechOver(102.0, 102.5), Transcribed(102.25, "early"), Audible(103.0)])
    assert stages(lines) == [
        ("end of speech noticed", "500 ms", "500 ms"),
        ("transcript", "0 ms", "500 ms"),
        ("first audio", "500 ms", "1000 ms"),
    ]


def test_bars_lie_end_to_end_and_the_last_one_ends_at_the_edge() -> None:
    _, lines = told(TYPED)
    first, second = (line.rstrip() for line in lines[-2:])
    assert first.count("█") == second.count("█") == 15
    assert first.rindex("█") + 1 == second.index("█")


def test_a_turn_in_which_nothing_came_has_no_waterfall() -> None:
    story, lines = told([SpeechFound(101.0)])
    assert lines == ["   1.00 s  speech found"]
    assert story.speech_found
    assert not story.audible


def test_a_story_knows_what_could_be_heard() -> None:
    story, _ = told([Audible(101.0)])
    assert story.audible
    assert not story.speech_found
