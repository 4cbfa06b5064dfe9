"""What has been decoded of one utterance, so that nothing is decoded twice.

The rule for reuse: the same samples, decoded by the same engine with the same options. A Piece names its
samples by where they lie, and what the decoder is told about them (`speech_s`); engine and options hold
for a whole take of an utterance, and so does its memo: one that begins anew begins with an empty one. How
a piece came to be decoded (in a pause, while others spoke, after the end) is no part of it, and makes no
difference to the text: what is kept is one that the slow path could have given. It is the only one, but where
an engine draws at random (Whisper's second try, of what its first made nothing of): that varies by itself.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from wyoming_voice.asr.engine import Segment

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples [start, end); `speech_s`: from when to when somebody speaks in them, in seconds, if known."""

    start: int
    end: int
    speech_s: tuple[float, float] | None


@dataclass(eq=False)
class Effort:
    """When a thread worked on something, by the monotonic clock; written there, read anywhere."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    since_s: float | None = None

    def watch(self, items: Iterator[T]) -> Iterator[T]:
        """The same items; the time that each takes is kept."""
        while True:
            start_s = self.since_s = time.monotonic()
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.spans.append((start_s, time.monotonic()))
                self.since_s = None
            yield item

    def ms(self, from_s: float, until_s: float) -> float:
        """How much of it lies between two readings of the clock, in milliseconds."""
        spans = [*self.spans]
        if (since_s := self.since_s) is not None:
            spans.append((since_s, until_s))
        return 1000 * sum(
            max(0.0, min(end_s, until_s) - max(start_s, from_s)) for start_s, end_s in spans
        )


@dataclass(frozen=True)
class Decoded:
    """The segments of a piece, and what they cost."""

    segments: tuple[Segment, ...]
    effort: Effort


class Memo:
    """What each piece was decoded to; threads write it, one piece at a time, and the event loop reads."""

    def __init__(self) -> None:
        self._kept: dict[Piece, Decoded] = {}

    def __contains__(self, piece: Piece) -> bool:
        return piece in self._kept

    def __getitem__(self, piece: Piece) -> Decoded:
        return self._kept[piece]

    def keep(self, piece: Piece, decoded: Decoded) -> None:
        """Have it for whoever asks next."""
        self._kept[piece] = decoded
