"""When the sessions of a round begin."""

from wyoming_voice.benchmark.recording import CHUNK_MS
from wyoming_voice.benchmark.rounds import Pace, begins_s, paces

SAID = [[b""] * 20, [b""] * 50, [b""] * 30, [b""] * 10]
LONGEST_S = 50 * CHUNK_MS / 1000


def test_staggered_sessions_begin_within_one_utterance_at_the_same_moments_each_time() -> None:
    begins = begins_s(SAID, Pace.STAGGERED, 3)
    assert begins == begins_s(SAID, Pace.STAGGERED, 3)
    assert begins != begins_s(SAID, Pace.STAGGERED, 4)
    assert len(set(begins)) == 4
    assert 0 <= min(begins) < max(begins) <= LONGEST_S
    assert max(begins) > 20 * CHUNK_MS / 1000  # the longest utterance counts, not the first


def test_all_others_begin_together() -> None:
    assert begins_s(SAID, Pace.PACED, 3) == begins_s(SAID, Pace.BURST, 3) == [0, 0, 0, 0]


def test_one_session_has_nobody_to_begin_before() -> None:
    assert paces(1) == [Pace.PACED, Pace.BURST]
    assert paces(2) == [Pace.PACED, Pace.STAGGERED, Pace.BURST]
