"""One take of an utterance, from audio to text: what was heard, what of it was decoded, what it means.

A take begins with the first chunk, or where the utterance begins anew. It is followed on the event loop
while audio comes; `recognised` does in a worker's thread, one breath at a time, what is left to do.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.ending import Ending
from wyoming_voice.asr.engine import RATE_HZ, Audio, Segment
from wyoming_voice.asr.gate import Reason, Verdict, judged
from wyoming_voice.asr.listening import Listening
from wyoming_voice.asr.memo import Decoded, Effort, Memo, Piece
from wyoming_voice.asr.passages import told
from wyoming_voice.asr.recording import Recording
from wyoming_voice.asr.windows import Cutter, Window, pauses
from wyoming_voice.asr.words import guessed, out_of
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.vad import FRAME_SAMPLES

T = TypeVar("T")

_SHORTEST_SAMPLES: Final = RATE_HZ // 10
"""Nobody says a word in under 100 ms, and the models were never trained on it."""

_UNCUT_SAMPLES: Final = 600 * RATE_HZ
"""A file in which nobody looks for pauses is cut where an utterance of it would be too long by default."""

_FRAMES_AT_ONCE = 2000
"""About 2 ms; a request that waited for its turn may have minutes to follow."""


@dataclass(frozen=True, slots=True)
class Gate:
    """`threshold`: the probability from which on a frame is speech. None: the detector isn't asked.

    `soft_s`: how long a window is at least that ends in a pause; None: as suits who speaks (`windows`).
    """

    threshold: float | None
    soft_s: float | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """What was said, in which language (None: nothing was decoded), and what the gate found."""

    text: str
    language: str | None
    reason: Reason


@dataclass(frozen=True, slots=True, eq=False)
class Handed:
    """A piece, its samples, and when nobody speaks within it, in seconds, where that matters."""

    piece: Piece
    audio: Audio
    pauses_s: tuple[tuple[float, float], ...]


class Take:
    """The audio of an utterance, and all that is known about it."""

    def __init__(self, choice: Choice, gate: Gate, ending: Ending | None) -> None:
        self.choice = choice
        self.recording = Recording(scored=gate.threshold is not None)
        self.listening = (
            Listening(Cutter(gate.threshold, choice.engine.longest_s, gate.soft_s), ending)
            if gate.threshold is not None
            else None
        )
        self.memo = Memo()
        self._handed_samples = 0

    @property
    def ended(self) -> bool:
        """Whether the server has decided that the utterance is over."""
        return self.listening is not None and self.listening.ended

    @property
    def up_to_date(self) -> bool:
        """Whether what came is known, but for what is short of a frame."""
        listening, recording = self.listening, self.recording
        followed = listening is None or listening.frames == len(recording.probabilities)
        return recording.up_to_date and (followed or self.ended)

    def follow(self) -> None:
        """On the event loop, after a chunk: take what is new of the scores."""
        if self.listening is not None:
            self.listening.follow(self.recording.probabilities, _FRAMES_AT_ONCE)

    def finish(self) -> None:
        """On the event loop, after the last chunk, where `up_to_date`: know all of it."""
        self.recording.finish()
        self.follow()

    def catch_up(self) -> Iterator[None]:
        """In a thread, after the last chunk: know all of it, with breaths."""
        yield from self.recording.catch_up()
        if self.listening is not None:
            self.listening.follow(self.recording.probabilities)

    def pieces(self) -> list[Piece]:
        """What is worth decoding, if the audio ended here."""
        if self.listening is None:
            start, end = self._handed_samples, self.recording.samples
            return [Piece(start, end, None)] if end > start else []
        return [self._piece(window) for window in self.listening.windows]

    def settled(self) -> list[Piece]:
        """Those of the pieces that won't change any more."""
        windows = self.listening.settled if self.listening is not None else []
        return [self._piece(window) for window in windows]

    def hand_over(self) -> list[Handed]:
        """Settled pieces with what is known of them, each once; all that lies before the rest is forgotten.

        So what a file of hours takes in memory is no more than what is being worked on.
        """
        if self.listening is None:
            enough = self.recording.samples - self._handed_samples >= _UNCUT_SAMPLES
            pieces = self.pieces() if enough else []
        else:
            pieces = [self._piece(window) for window in self.listening.hand_over()]
        found = [self.handed(piece) for piece in pieces]
        self._handed_samples = max([self._handed_samples, *(piece.end for piece in pieces)])
        begin = self._handed_samples
        if self.listening is not None:
            begin = max(begin, self.listening.needed_from * FRAME_SAMPLES)
        self.recording.forget(min(begin, self.recording.samples))
        return found

    def handed(self, piece: Piece) -> Handed:
        """A piece with what it takes to decode it; from here on the names of the house stay as they are."""
        self.choice = self.choice.settled()
        return Handed(piece, self.audio(piece), self._pauses_s(piece))

    def _pauses_s(self, piece: Piece) -> tuple[tuple[float, float], ...]:
        """When nobody speaks within a piece, where words are to be told, in seconds from its start."""
        if self.listening is None or not self.choice.options.want_words:
            return ()
        first, last = piece.start // FRAME_SAMPLES, -(-piece.end // FRAME_SAMPLES)
        return tuple(pauses(self.recording.probabilities[first:last]))

    def _piece(self, window: Window) -> Piece:
        end = min(window.end * FRAME_SAMPLES, self.recording.samples)
        start_s, end_s = window.speech_s
        length_s = (end - window.start * FRAME_SAMPLES) / RATE_HZ  # a last frame may be cut short
        return Piece(window.start * FRAME_SAMPLES, end, (start_s, min(end_s, length_s)))

    def missing(self) -> list[Piece]:
        """What has not been decoded, if the audio ended here."""
        return [piece for piece in self.pieces() if piece not in self.memo]

    def audio(self, piece: Piece) -> Audio:
        """The samples of a piece."""
        return self.recording.part(piece.start, piece.end)

    def decode(self, piece: Piece, audio: Audio, effort: Effort) -> Iterator[Segment | None]:
        """In a thread: what the engine yields, after which the memo has the piece; raises EngineError."""
        self.choice = self.choice.settled()
        handed = Handed(piece, audio, self._pauses_s(piece))
        segments: list[Segment] = []
        for segment in effort.watch(decoded(handed, self.choice)):
            if segment is not None:
                segments.append(segment)
            yield segment
        self.memo.keep(piece, Decoded(tuple(segments), effort))

    def result(self) -> Recognised | None:
        """What was said, if the audio ended here; None as long as some of it has not been decoded."""
        if self.recording.samples < _SHORTEST_SAMPLES:
            return Recognised("", self.choice.options.language, Reason.SHORT)
        return self.result_of(self.pieces())

    def segments(self) -> tuple[Segment, ...]:
        """What makes up the text, as far as it has been decoded, in the time of the take."""
        heard = self.listening is not None
        pieces = [piece for piece in self.pieces() if piece in self.memo]
        return tuple(
            segment
            for piece in pieces
            for segment in told(self.memo[piece].segments, piece, vad_heard=heard)
        )

    def result_of(self, pieces: list[Piece]) -> Recognised | None:
        """What was said in these pieces, None as long as some have not been decoded."""
        language = self.choice.options.language
        if not pieces:
            return Recognised("", language, Reason.VAD)
        if any(piece not in self.memo for piece in pieces):
            return None
        heard = [segment for piece in pieces for segment in self.memo[piece].segments]
        return _together(heard, language, vad_heard=self.listening is not None)


def decoded(handed: Handed, choice: Choice) -> Iterator[Segment | None]:
    """In a thread: what the engine makes of a piece, with words where they were said; raises EngineError."""
    snapper = choice.snapper
    options = replace(
        choice.options,
        speech_s=handed.piece.speech_s,
        doubted=snapper.near if snapper is not None else None,
    )
    speech_s = handed.piece.speech_s or (0.0, len(handed.audio) / RATE_HZ)
    for segment in choice.engine.transcribe(handed.audio, options):
        if segment is None or not options.wants_words_of(segment.text, segment.language):
            yield segment
            continue
        said = replace(segment, words=segment.words or guessed(segment, speech_s))
        named = snapper.snapped(said) if snapper is not None else said
        words = out_of(named.words, handed.pauses_s, speech_s) if options.want_words else ()
        yield replace(named, words=words)


def recognised(take: Take, record: TurnRecord) -> Iterator[Recognised | None]:
    """In a thread, after the last chunk: breaths, then the one result; raises EngineError.

    Decodes what the memo has not. Fills the stage `vad` of the record.
    """
    yield from _timed(take.catch_up(), record, "vad")
    if (short := take.result()) is not None:
        yield short
        return
    for piece in take.missing():
        for _ in take.decode(piece, take.audio(piece), Effort()):
            yield None
    yield take.result()


def _together(segments: list[Segment], language: str | None, *, vad_heard: bool) -> Recognised:
    heard = [(segment, judged(segment, vad_heard=vad_heard)) for segment in segments]
    text = "".join(verdict.text for _, verdict in heard).strip()
    spoken = heard[0][0].language if heard else language
    return Recognised(text, spoken, _reason([verdict for _, verdict in heard], text))


def _reason(verdicts: list[Verdict], text: str) -> Reason:
    """Why the text is empty or shortened; a refused segment among good ones is no reason."""
    refusals = [verdict.reason for verdict in verdicts if verdict.reason is not Reason.PASSED]
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
