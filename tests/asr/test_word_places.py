"""Where words are put when an alignment knows nothing of pauses: within the speech, and in order."""

import itertools

import numpy as np
import pytest

from tests.asr.test_words import check, edges_of
from wyoming_voice.asr.engine import Evidence, Segment, Word
from wyoming_voice.asr.windows import FRAMES_PER_S, LOW, pauses
from wyoming_voice.asr.words import guessed, out_of, within


def word(name: str, start_s: float, end_s: float) -> Word:
    return Word(name, start_s, end_s, 1.0)


@pytest.mark.parametrize(
    ("start_s", "end_s", "moved"),
    [
        (0.0, 0.9, (0.0, 0.9)),
        (0.5, 2.2, (0.5, 1.0)),
        (0.9, 2.6, (2.0, 2.6)),
        (1.5, 2.6, (2.0, 2.6)),
        (0.5, 1.5, (0.5, 1.0)),
        (1.2, 1.8, (1.2, 1.8)),
        (2.0, 2.5, (2.0, 2.5)),
    ],
)
def test_a_pause_is_no_part_of_a_word(
    start_s: float, end_s: float, moved: tuple[float, float]
) -> None:
    others = word("before", 0.0, 0.4), word("behind", 2.7, 2.9)
    _, found, _ = out_of(
        [others[0], word("a", start_s, end_s), others[1]], [(1.0, 2.0)], (0.0, 3.0)
    )
    assert (found.start_s, found.end_s) == moved


def test_words_are_moved_into_the_speech_and_kept_in_order() -> None:
    words = [word("a", 0.0, 0.4), word("b", 0.3, 0.3), word("c", 0.6, 0.6), word("d", 0.9, 3.0)]
    found = within(words, 0.2, 1.0)
    assert [(one.start_s, one.end_s) for one in found] == [
        (0.2, 0.4),
        (0.4, 0.5),
        (0.6, 0.7),
        (0.9, 1.0),
    ]


def test_speech_without_a_word_gets_those_that_an_alignment_has_lost() -> None:
    on, the, light = word(" on", 0.1, 0.3), word(" the", 0.3, 0.4), word(" light.", 0.4, 0.9)
    lost = word(" What", 0.95, 0.97), word(" is", 0.97, 0.97), word(" it?", 1.3, 1.8)
    kept = word(" Yes.", 5.0, 5.3)
    found = out_of([on, the, light, *lost, kept], [(1.0, 3.0), (4.1, 4.9)], (0.0, 6.0))
    assert [one.text for one in found] == [
        *(" on", " the", " light.", " What", " is", " it?", " Yes.")
    ]
    assert (*found[:3], found[-1]) == (on, the, light, kept)
    times = [time_s for one in found[3:6] for time_s in edges_of(one)]
    assert times == [3.0, 3.458, 3.458, 3.733, 3.733, 4.1]


def test_who_can_not_have_said_so_much_before_a_pause_has_gone_on_behind_it() -> None:
    words = [word(" Set", 0.3, 0.4), word(" a timer.", 0.4, 0.5), word(" What time?", 0.5, 0.6)]
    later = word(" Yes.", 4.0, 4.5)
    found = out_of([*words, later], [(1.3, 2.5), (3.5, 3.9)], (0.3, 6.0))
    assert [edges_of(one) for one in found] == [(0.3, 0.608), (0.608, 1.3), (2.5, 3.5), (4.0, 4.5)]


def test_a_cough_takes_no_word_away() -> None:
    words = [word(" on", 0.1, 0.5), word(" it.", 0.5, 0.9), word(" Yes.", 5.0, 5.3)]
    assert out_of(words, [(1.0, 3.0), (3.5, 4.9)], (0.0, 6.0)) == tuple(words)


def test_words_without_time_share_that_of_the_next() -> None:
    words = [word("What", 0.4, 0.4), word(" time", 0.4, 0.8), word(" is", 0.9, 1.0)]
    found = within(words, 0.0, 1.0)
    times = [edges_of(one) for one in found]
    assert times == [(0.4, 0.578), (0.578, 0.8), (0.9, 1.0)]


def test_words_that_no_engine_tells_are_spread_over_the_speech() -> None:
    whole = Segment(" Go on now", 0.0, 9.0, "en", evidence=Evidence(log_prob=-0.5))
    found = guessed(whole, (1.0, 5.0))
    assert [one.text for one in found] == [" Go", " on", " now"]
    assert [edges_of(one) for one in found] == [(1.0, 2.2), (2.2, 3.4), (3.4, 5.0)]
    assert found[0].probability == pytest.approx(0.607, abs=0.001)
    assert guessed(Segment(" ", 0.0, 9.0, "en"), (1.0, 5.0)) == ()


def test_words_stay_in_order_whatever_an_alignment_says() -> None:
    generator = np.random.default_rng(3)
    for _ in range(200):
        edges = generator.uniform(-1, 4, (8, 2)).round(2)
        words = [word("a", *sorted(pair)) for pair in edges]
        check(out_of(within(words, 0.5, 3.0), [(1.0, 1.4), (2.0, 2.5)], (0.5, 3.0)), 0.5, 3.0)


def test_a_pause_is_what_a_voice_detector_hears_nothing_in() -> None:
    quiet, loud = [LOW / 2] * 6, [0.9] * 3
    scores = [*quiet, *loud, *quiet[1:], *loud, *quiet, *quiet]
    edges = [edge * FRAMES_PER_S for pause in pauses(scores) for edge in pause]
    assert edges == [0, 6, 17, 29]


def test_no_pause_is_lost_between_two() -> None:
    found = list(pauses([0.0] * 10 + [0.9] + [0.0] * 10))
    assert [end for _, end in itertools.chain(found)] == [10 / FRAMES_PER_S, 21 / FRAMES_PER_S]
