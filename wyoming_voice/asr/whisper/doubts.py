"""When a text from less than the 30 s that Whisper was trained on isn't to be trusted.

Rule: what looks in any way like a failure is decoded again at 30 s; a doubt costs time, and never a text.
"""

from collections.abc import Sequence
from enum import StrEnum

from wyoming_voice.asr.engine import Segment
from wyoming_voice.asr.gate import COMPRESSION, FASTEST_WORDS_PER_S, LOG_PROB, hides_speech, loop_in

_SPARE_S = 1.0
"""Added to the seconds of speech, of which a voice detector may miss an edge."""


class Doubt(StrEnum):
    """Why a text from a short context is not believed."""

    CUT = "cut"
    EMPTY = "empty"
    LOG_PROB = "log-prob"
    COMPRESSION = "compression"
    REPEAT = "repeat"
    ECHO = "echo"
    PACE = "pace"
    LANGUAGE = "language"


def doubt(
    segments: Sequence[Segment],
    tokens: int,
    speech_s: tuple[float, float] | None,
    tokens_per_s: float,
) -> Doubt | None:
    """What speaks against the segments of one request, of `tokens` tokens in all.

    `speech_s` is from when to when a voice detector heard speech, `tokens_per_s` how many of them the
    fastest speaker needs.
    """
    if not segments:
        return Doubt.EMPTY if speech_s is not None else None
    evidence = [segment.evidence for segment in segments]
    if any(one.cut for one in evidence):
        return Doubt.CUT
    if any(one.log_prob is not None and one.log_prob < LOG_PROB for one in evidence):
        return Doubt.LOG_PROB
    if any(one.compression is not None and one.compression > COMPRESSION for one in evidence):
        return Doubt.COMPRESSION
    if any(hides_speech(segment) for segment in segments):
        return Doubt.ECHO
    words = "".join(segment.text for segment in segments).split()
    if loop_in(words) is not None:
        return Doubt.REPEAT
    start_s, end_s = speech_s or (segments[0].start_s, segments[-1].end_s)
    spoken_s = end_s - start_s + _SPARE_S
    if len(words) > FASTEST_WORDS_PER_S * spoken_s or tokens > tokens_per_s * spoken_s:
        return Doubt.PACE
    return None
