"""When each written word is said: once, in order, within the audio."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_speakable import ANY_TEXT
from wyoming_voice.core.readings import Place
from wyoming_voice.core.speakable import Speakable
from wyoming_voice.core.word_times import Mark, WordTimes
from wyoming_voice.core.words import TimedWord
from wyoming_voice.tts.pieces import Piece, Pieces

RATE_HZ = 1000


def timed(places: list[Place], *marks: Mark, end: int = 1000) -> list[tuple[str, float, float]]:
    times = WordTimes(RATE_HZ)
    times.begin(places, 0)
    words = (*times.take(marks), *times.finish(end))
    return [(word.text, word.start_s, word.end_s) for word in words]


GO_ON = [Place("Go", 0, 2), Place(" on", 3, 5)]


def test_an_engines_marks_are_believed() -> None:
    marks = (Mark(0, 2, 100, 250), Mark(3, 5, 400, 900))
    assert timed(GO_ON, *marks) == [("Go", 0.1, 0.25), (" on", 0.4, 0.9)]


def test_between_marks_and_within_one_characters_share_the_time() -> None:
    assert timed(GO_ON, Mark(0, 5, 0, 1000)) == [("Go", 0, 0.4), (" on", 0.6, 1)]
    assert timed(GO_ON, Mark(4, 5, 800, 1000)) == [("Go", 0, 0.4), (" on", 0.6, 1)]


def test_words_never_go_back_whatever_an_engine_tells() -> None:
    marks = (Mark(0, 2, 100, 500), Mark(3, 5, 300, 200))
    assert timed(GO_ON, *marks) == [("Go", 0.1, 0.5), (" on", 0.5, 0.5)]


def test_words_that_touch_are_told_apart() -> None:
    places = [Place("你", 0, 1), Place("好", 1, 2)]
    marks = (Mark(0, 1, 0, 300), Mark(1, 2, 350, 600))
    assert timed(places, *marks) == [("你", 0, 0.3), ("好", 0.35, 0.6)]


def test_words_that_no_mark_reaches_end_with_the_piece() -> None:
    assert timed(GO_ON, Mark(0, 2, 0, 400), end=900) == [("Go", 0, 0.4), (" on", 0.567, 0.9)]
    assert timed(GO_ON, end=0) == [("Go", 0, 0), (" on", 0, 0)]


def test_a_word_waits_for_the_sound_that_holds_its_end() -> None:
    times = WordTimes(RATE_HZ)
    times.begin(GO_ON, 0)
    assert [word.text for word in times.take([Mark(0, 3, 0, 500)])] == ["Go"]
    assert times.take([Mark(3, 5, 500, 900)]) == (TimedWord(" on", 0.5, 0.9),)
    assert times.finish(900) == ()


def test_a_word_in_two_pieces_comes_with_its_end() -> None:
    times = WordTimes(RATE_HZ)
    times.begin([Place("5 km/h", 0, 4, ends=False)], 0)
    assert times.take([Mark(0, 4, 100, 300)]) == ()
    times.begin([Place("5 km/h", 0, 4)], 500)
    assert times.take([Mark(0, 4, 500, 900)]) == (TimedWord("5 km/h", 0.1, 0.9),)


MARKS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-50, 500), st.integers(-50, 500))
)


def said(pieces: list[Piece], gaps: list[tuple[int, int, int, int]]) -> list[TimedWord]:
    """Pieces of ten samples a character, with marks that skip characters and lie about their times."""
    times, words, sample = WordTimes(RATE_HZ), list[TimedWord](), 0
    for piece in pieces:
        times.begin(piece.words, sample)
        char, last, marks = 0, sample, []
        for skip, length, start, lasts in gaps:
            first = max(last, sample + start)
            last = min(max(first, first + lasts), sample + 10 * len(piece.text))
            if char + skip + length > len(piece.text) or last < first:
                break
            marks.append(Mark(char + skip, char + skip + length, first, last))
            char += skip + length
        words += times.take(marks)
        sample += 10 * len(piece.text)
        words += times.finish(sample)
    return words


@given(ANY_TEXT, st.lists(st.integers(1, 9), min_size=1), MARKS, st.sampled_from(["en", "de"]))
def test_each_written_word_comes_once_and_in_order(
    text: str, sizes: list[int], gaps: list[tuple[int, int, int, int]], language: str
) -> None:
    pieces, made, at = Pieces(language), list[Piece](), 0
    for step in range(len(text)):
        size = sizes[step % len(sizes)]
        made += pieces.add(text[at : at + size])
        at += size
    made += pieces.finish()
    words = said(made, gaps)
    whole = Pieces(language)
    assert [word.text for word in words] == [
        place.text
        for piece in whole.add(text) + whole.finish()
        for place in piece.words
        if place.ends
    ]
    speakable = Speakable(language)
    written = [word for read in speakable.add(text) + speakable.finish() for word in read.words]
    sounding = max((at for at, word in enumerate(written, start=1) if word.letters), default=0)
    shown = "".join(word.text for word in words)
    assert shown.startswith("".join(word.text for word in written[:sounding]))
    assert "".join(word.text for word in written).startswith(shown)
    times_s = [time_s for word in words for time_s in (word.start_s, word.end_s)]
    assert times_s == sorted(times_s)
    if times_s:
        end_s = sum(len(piece.text) for piece in made) * 10 / RATE_HZ
        assert times_s[0] >= 0
        assert times_s[-1] <= end_s + 1e-9


@pytest.mark.parametrize("limit", [14, 20, 60])
def test_a_text_in_short_pieces_has_the_same_words(limit: int) -> None:
    text = "It goes at 25.3 km/h, costs $1,234.56 each and ends on May 5 at 7:05 p.m. on time."
    pieces = Pieces("en")
    pieces.limit_chars = limit
    words = said(pieces.add(text) + pieces.finish(), [])
    assert "".join(word.text for word in words) == text
    assert " 25.3 km/h," in [word.text for word in words]
