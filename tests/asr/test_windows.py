"""Where long audio is cut."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.asr.scores import Scores
from wyoming_voice.asr.windows import (
    FRAMES_PER_S,
    LOW,
    PAUSE_FRAMES,
    TAIL_FRAMES,
    Cutter,
    Window,
    windows,
)

LONGEST_S = 28.0
LONGEST = int(LONGEST_S * FRAMES_PER_S)


def scores(*parts: tuple[str, float]) -> list[float]:
    """`("s", 2.5)` is two and a half seconds of speech, `"."` of silence."""
    levels = {"s": 0.9, ".": 0.01}
    return [levels[kind] for kind, length_s in parts for _ in range(int(length_s * FRAMES_PER_S))]


def found(probabilities: list[float]) -> list[Window]:
    return windows(probabilities, 0.3, LONGEST_S)


def test_silence_has_no_window() -> None:
    assert found(scores((".", 3))) == []
    assert found(scores((".", 300))) == []
    assert found([]) == []


def test_short_audio_is_one_window_without_the_silence_around_it() -> None:
    (window,) = found(scores((".", 2), ("s", 1), (".", 1), ("s", 1), (".", 4)))
    assert (window.start, window.end) == (31, 62 + 93 + TAIL_FRAMES)
    start_s, end_s = window.speech_s
    assert abs(start_s - 1) < 0.1
    assert abs(end_s - 4) < 0.1


def test_audio_that_ends_sooner_has_a_shorter_tail() -> None:
    speech = scores(("s", 2))
    assert [found(speech + [0.0] * n)[0].end - len(speech) for n in (0, 2, 5, 9)] == [0, 2, 5, 5]


def test_a_single_frame_that_is_a_little_like_speech_keeps_a_window_open() -> None:
    speech = scores(("s", 2), (".", 1))
    assert found([*speech, LOW, *scores((".", 2))])[0].end == len(speech) + 1 + TAIL_FRAMES
    assert found([*speech, LOW - 0.01, *scores((".", 2))])[0].end == len(speech) - 31 + TAIL_FRAMES


def test_a_lower_threshold_of_speech_is_lower_than_low() -> None:
    quiet = [0.06] * 62
    (window,) = windows([*quiet, *scores((".", 2))], 0.05, LONGEST_S)
    assert window.end == len(quiet) + TAIL_FRAMES


def test_long_speech_ends_a_window_in_its_first_pause() -> None:
    pause = PAUSE_FRAMES / FRAMES_PER_S + 0.001
    audio = scores(("s", 8), (".", 1), ("s", 4), (".", 0.3), ("s", 3), (".", pause), ("s", 4))
    first, second = found(audio)
    assert first.end == 250 + 31 + 125 + 9 + 93 + TAIL_FRAMES
    assert second.start == first.end


def test_who_waits_for_a_film_is_given_longer_windows() -> None:
    cutter = Cutter(0.3, LONGEST_S, soft_s=20.0)
    for level in scores(*[("s", 5), (".", 1)] * 8):
        cutter.push(level)
    assert [round(window.end / FRAMES_PER_S) for window in cutter.windows] == [23, 47]


def test_a_recogniser_of_short_audio_is_spared_sooner() -> None:
    audio = scores(("s", 6), (".", 0.6), ("s", 2))
    assert len(windows(audio, 0.3, 10.0)) == 2
    assert len(found(audio)) == 1


def test_without_such_a_pause_it_is_cut_in_the_longest_there_is() -> None:
    audio = scores(("s", 16), (".", 0.2), ("s", 4), (".", 0.4), ("s", 4), (".", 0.3), ("s", 10))
    first, second = found(audio)
    assert abs(first.end / FRAMES_PER_S - 20.3) < 0.2
    assert second.start == first.end


def test_a_minute_of_silence_changes_nothing_before_it() -> None:
    audio = scores(("s", 3))
    assert found(audio + [0.01] * 2000) == found(audio + [0.01] * 10)


def test_speech_without_a_pause_is_cut_all_the_same() -> None:
    audio = scores(("s", 100))
    pieces = found(audio)
    assert pieces[0].start == 0
    assert pieces[-1].end == len(audio)
    assert all(one.end == other.start for one, other in pairwise(pieces))


def test_long_silence_is_left_out() -> None:
    first, second = found(scores((".", 60), ("s", 3), (".", 120), ("s", 3), (".", 60)))
    assert first.end - first.start <= LONGEST
    assert second.start > 180 * FRAMES_PER_S


def test_all_speech_is_in_a_window_and_none_is_too_long() -> None:
    walk = random.Random(5)
    for _ in range(50):
        parts = [(walk.choice("s."), walk.uniform(0.2, 12)) for _ in range(30)]
        audio = scores(*parts)
        covered = [False] * len(audio)
        last_end = 0
        for window in found(audio):
            assert 0 < window.end - window.start <= max(LONGEST, 1)
            assert window.start >= last_end
            assert window.start <= window.speech_start < window.speech_end <= window.end
            last_end = window.end
            covered[window.start : window.end] = [True] * (window.end - window.start)
        missed = [n for n, level in enumerate(audio) if level > 0.3 and not covered[n]]
        assert not missed


LEVELS = st.sampled_from([0.0, 0.1, 0.149, 0.15, 0.25, 0.3, 0.9])
RUNS = st.lists(st.tuples(LEVELS, st.integers(1, 40)), max_size=40)


@given(
    runs=RUNS, threshold=st.sampled_from([0.1, 0.3, 0.6]), longest_s=st.sampled_from([2.0, 10.0])
)
def test_what_is_settled_stays(
    runs: list[tuple[float, int]], threshold: float, longest_s: float
) -> None:
    levels = [level for level, length in runs for _ in range(length)]
    cutter = Cutter(threshold, longest_s)
    settled: list[Window] = []
    for number, level in enumerate(levels, 1):
        cutter.push(level)
        assert cutter.settled[: len(settled)] == settled
        settled = [*cutter.settled]
        if number % 50 == 0:
            assert cutter.windows == windows(levels[:number], threshold, longest_s)
    whole = cutter.windows
    assert whole[: len(settled)] == settled
    assert len(whole) <= len(settled) + 1
    for one, other in pairwise(whole):
        assert one.end <= other.start
    for window in whole:
        assert 0 < window.end - window.start <= longest_s * FRAMES_PER_S
        assert levels[window.start : window.end][-TAIL_FRAMES - 1 :] != [0.0] * (TAIL_FRAMES + 1)


@given(
    runs=RUNS,
    threshold=st.sampled_from([0.1, 0.3, 0.6]),
    longest_s=st.sampled_from([2.0, 10.0]),
    every=st.integers(1, 300),
)
def test_windows_that_are_handed_over_are_those_of_the_whole(
    runs: list[tuple[float, int]], threshold: float, longest_s: float, every: int
) -> None:
    levels = [level for level, length in runs for _ in range(length)]
    cutter = Cutter(threshold, longest_s)
    handed: list[Window] = []
    number = needed_from = 0
    for number, level in enumerate(levels, 1):
        cutter.push(level)
        if number % every == 0:
            handed += cutter.hand_over()
            needed_from = cutter.needed_from
            assert all(window.end <= needed_from for window in handed)
    rest = cutter.windows
    assert [*handed, *rest] == windows(levels, threshold, longest_s)
    assert all(window.start >= needed_from for window in rest if number >= every)


def test_scores_that_are_forgotten_leave_the_others_their_numbers() -> None:
    kept = Scores([0.1, 0.2, 0.3, 0.4])
    kept.forget(2)
    kept.forget(1)
    kept.append(0.5)
    assert (len(kept), kept[2], kept[-1], kept[2:4], kept[3:]) == (
        5,
        0.3,
        0.5,
        [0.3, 0.4],
        [0.4, 0.5],
    )
    assert kept[5:] == kept[4:3] == []
    for number in (1, slice(1, 3)):
        with pytest.raises(IndexError, match="frame 1 is forgotten"):
            kept[number]
