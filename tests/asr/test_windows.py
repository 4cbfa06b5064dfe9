"""Where long audio is cut."""

import random
from itertools import pairwise

from wyoming_voice.asr.windows import FRAMES_PER_S, Window, windows

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


def test_short_audio_is_one_window_with_its_silence() -> None:
    audio = scores((".", 2), ("s", 2), (".", 4))
    (window,) = found(audio)
    assert (window.start, window.end) == (0, len(audio))
    start_s, end_s = window.speech_s
    assert abs(start_s - 2) < 0.1
    assert abs(end_s - 4) < 0.1


def test_long_audio_is_cut_in_its_longest_pause() -> None:
    audio = scores(("s", 16), (".", 0.2), ("s", 4), (".", 1), ("s", 4), (".", 0.3), ("s", 10))
    first, second = found(audio)
    assert first.end == second.start
    assert abs(first.end / FRAMES_PER_S - 20.7) < 0.2


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


def test_more_audio_does_not_move_a_window_that_is_behind() -> None:
    walk = random.Random(6)
    audio = scores(*[(walk.choice("s."), walk.uniform(0.2, 6)) for _ in range(60)])
    whole = found(audio)
    for end in range(LONGEST + 1, len(audio), 97):
        growing = found(audio[:end])[:-1]
        assert growing == whole[: len(growing)]
