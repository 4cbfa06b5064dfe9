"""Decides whether a text was said or made up: recognisers invent sentences for silence and noise.

Layers, in this order: the voice detector before decoding; then what the model says about its own
segment. Rule: nothing is thrown away on log-probability alone where the voice detector heard somebody,
and every refusal has a reason that the log shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wyoming_voice.asr.engine import Evidence, Segment
from wyoming_voice.asr.names.echo import Echo

MIN_RUN_FRAMES = 3
"""About 100 ms: the shortest word ("no") of 30 synthetic voices has 7 frames over 0.5."""

_NO_SPEECH = 0.6
LOG_PROB = -1.0
COMPRESSION = 2.4
"""The three thresholds are Whisper's own (openai/whisper, `transcribe.py`)."""

_LOOP_TIMES = 4
FASTEST_WORDS_PER_S = 7.0


class Reason(StrEnum):
    """Why a text is empty, or that it isn't."""

    PASSED = "passed"
    SHORT = "short"
    VAD = "vad"
    NO_SPEECH = "no-speech"
    LOG_PROB = "log-prob"
    COMPRESSION = "compression"
    REPEAT = "repeat"
    ECHO = "echo"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is left of a text, and why."""

    text: str
    reason: Reason


def speech_frames(
    probabilities: Sequence[float], threshold: float, min_run: int = MIN_RUN_FRAMES
) -> tuple[int, int] | None:
    """The first and one past the last frame of speech, or None.

    Speech is `min_run` frames in a row at `threshold` or above it.
    """
    first = last = None
    run = 0
    for number, probability in enumerate(probabilities):
        run = run + 1 if probability >= threshold else 0
        if run >= min_run:
            first = number + 1 - run if first is None else first
            last = number + 1
    return None if first is None or last is None else (first, last)


def judged(segment: Segment, *, vad_heard: bool) -> Verdict:
    """The verdict on one decoded segment; `vad_heard` says that a voice detector found speech there."""
    evidence = segment.evidence
    if _says_no_speech(evidence):
        return Verdict("", Reason.NO_SPEECH)
    if not vad_heard and evidence.log_prob is not None and evidence.log_prob < LOG_PROB:
        return Verdict("", Reason.LOG_PROB)
    if echoes(segment):
        return Verdict("", Reason.ECHO)
    words = segment.text.split()
    repeated = loop_in(words)
    if repeated is not None and _implausible(segment, len(words)):
        return Verdict(_before(segment.text, repeated), Reason.REPEAT)
    if evidence.compression is not None and evidence.compression > COMPRESSION:
        return Verdict("", Reason.COMPRESSION)
    return Verdict(segment.text, Reason.PASSED)


def echoes(segment: Segment) -> bool:
    """Whether a text is what the recogniser was told, and not what somebody said.

    People do answer with a name alone; then it takes them as long as words take, and is heard well.
    """
    evidence = segment.evidence
    if evidence.echo == Echo.RUN:
        return True
    if evidence.echo != Echo.NAMES:
        return False
    unsure = evidence.log_prob is not None and evidence.log_prob < LOG_PROB
    spoken_s = segment.end_s - segment.start_s if evidence.spoken_s is None else evidence.spoken_s
    hurried = len(segment.text.split()) > FASTEST_WORDS_PER_S * max(spoken_s, 0.1)
    return unsure or hurried or _silent(evidence)


def hides_speech(segment: Segment) -> bool:
    """Whether a text is an echo where somebody may have spoken, who is better heard without names.

    The model alone says too often that one or two words are no speech; where a voice detector heard some, and
    no more than a name or two was written, it isn't believed.
    """
    evidence = segment.evidence
    few = evidence.echo == Echo.NAMES and evidence.spoken_s is not None
    return echoes(segment) and (few or not _silent(evidence))


def _silent(evidence: Evidence) -> bool:
    return evidence.no_speech is not None and evidence.no_speech > _NO_SPEECH


def _says_no_speech(evidence: Evidence) -> bool:
    unsure = evidence.log_prob is not None and evidence.log_prob < LOG_PROB
    return unsure and _silent(evidence)


def _implausible(segment: Segment, words: int) -> bool:
    """People do say "no, no, no, no"; they neither go on without end nor at ten words a second."""
    duration_s = max(segment.end_s - segment.start_s, 0.1)
    return segment.evidence.cut or words / duration_s > FASTEST_WORDS_PER_S


@dataclass(frozen=True, slots=True)
class Loop:
    """Where a phrase begins that is said again and again, and its length, in words."""

    start_word: int
    length_words: int


def loop_in(words: Sequence[str]) -> Loop | None:
    """A phrase of 1 to 8 words said `_LOOP_TIMES` or more in a row, that makes up half of the text."""
    plain = [word.strip(".,!?").lower() for word in words]
    for length in range(1, 9):
        for start in range(len(plain) - length * _LOOP_TIMES + 1):
            same = _repeated(plain, start, length)
            if same >= _LOOP_TIMES * length and 2 * same >= len(plain):
                return Loop(start, length)
    return None


def _repeated(words: Sequence[str], start: int, length: int) -> int:
    end = start + length
    while end < len(words) and words[end] == words[end - length]:
        end += 1
    return end - start


def _before(text: str, loop: Loop) -> str:
    """What was said before the loop with its phrase once; nothing, when all of it is the loop."""
    if loop.start_word == 0:
        return ""
    lead = " " if text.startswith(" ") else ""
    return lead + " ".join(text.split()[: loop.start_word + loop.length_words])
