"""From a recording to its text: the gate before decoding, the decoder, the gate after it.

Everything here blocks and runs in a worker's thread, one breath at a time.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Engine, Segment
from wyoming_voice.asr.gate import Reason, Verdict, judged
from wyoming_voice.asr.recording import Recording
from wyoming_voice.asr.windows import Window, windows
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.vad import FRAME_SAMPLES

T = TypeVar("T")

_SHORTEST_SAMPLES: Final = RATE_HZ // 10
"""Nobody says a word in under 100 ms, and the models were never trained on it."""


@dataclass(frozen=True, slots=True)
class Gate:
    """`threshold`: the probability from which on a frame is speech. None: the detector isn't asked."""

    threshold: float | None


@dataclass(frozen=True, slots=True)
class Recognised:
    """What was said, in which language (None: nothing was decoded), and what the gate found."""

    text: str
    language: str | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio that starts at `start_s`; `speech_s`: from when to when somebody speaks in it, if known."""

    audio: Audio
    start_s: float
    speech_s: tuple[float, float] | None


def recognised(
    engine: Engine, recording: Recording, options: DecodeOptions, gate: Gate, record: TurnRecord
) -> Iterator[Recognised | None]:
    """Breaths, then the one result; raises EngineError. Fills the stages `vad` and `decode` of the record."""
    yield from _timed(recording.catch_up(), record, "vad")
    audio = recording.audio
    record.note(audio_ms=round(1000 * len(audio) / RATE_HZ))
    if len(audio) < _SHORTEST_SAMPLES:
        yield Recognised("", options.language, Reason.SHORT)
        return
    pieces = spoken_pieces(audio, recording.probabilities, engine, gate)
    if not pieces:
        yield Recognised("", options.language, Reason.VAD)
        return
    heard: list[tuple[Segment, Verdict]] = []
    for piece in pieces:
        for segment in _timed(decoded(engine, piece, options), record, "decode"):
            if segment is None:
                yield None
                continue
            heard.append((segment, judged(segment, vad_heard=gate.threshold is not None)))
        yield None
    yield _together(heard, options.language)


def spoken_pieces(
    audio: Audio, probabilities: Sequence[float], engine: Engine, gate: Gate
) -> list[Piece]:
    """What is worth decoding."""
    if gate.threshold is None:
        return [Piece(audio, 0.0, None)]
    found = windows(probabilities, gate.threshold, engine.longest_s)
    return [_piece(audio, window) for window in found]


def _piece(audio: Audio, window: Window) -> Piece:
    start, end = window.start * FRAME_SAMPLES, window.end * FRAME_SAMPLES
    return Piece(audio[start:end], start / RATE_HZ, window.speech_s)


def decoded(engine: Engine, piece: Piece, options: DecodeOptions) -> Iterator[Segment | None]:
    """The segments of one piece."""
    return engine.transcribe(piece.audio, replace(options, speech_s=piece.speech_s))


def _together(heard: list[tuple[Segment, Verdict]], language: str | None) -> Recognised:
    text = "".join(verdict.text for _, verdict in heard).strip()
    spoken = heard[0][0].language if heard else language
    return Recognised(text, spoken, _reason([verdict.reason for _, verdict in heard], text))


def _reason(reasons: list[Reason], text: str) -> Reason:
    """Why the text is empty or shortened; a refused segment among good ones is no reason."""
    refusals = [reason for reason in reasons if reason is not Reason.PASSED]
    if Reason.REPEAT in refusals:
        return Reason.REPEAT
    return refusals[0] if refusals and not text else Reason.PASSED


def _timed(items: Iterator[T], record: TurnRecord, stage: str) -> Iterator[T]:
    """The same items; the time that each took goes into the record."""
    while True:
        start_s = time.monotonic()
        try:
            item = next(items)
        except StopIteration:
            return
        finally:
            record.spent(stage, start_s, time.monotonic())
        yield item
