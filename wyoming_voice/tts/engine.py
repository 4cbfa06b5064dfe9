"""What the TTS server asks of a speech engine, and how fast that engine proves to be.

Rule: an engine blocks, runs in the worker's thread, and knows nothing of connections; the server owns
the order, the pauses and the levels of what it makes, and knows what was written for what it says.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from wyoming_voice.core.word_times import Mark

_MEMORY_S = 5.0
"""Seconds of audio that weigh as much as all that was made before them."""

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Whole:
    """A sentence of which only a part is spoken at a time; all its parts should sound like one.

    `text` is what was known of it when its first part was spoken; `ended` says whether that was all.
    """

    text: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Utterance:
    """One piece of text for one voice.

    `voice` is a name that the engine's catalogue has accepted. `part_of` is the longer sentence that a
    clause was cut out of; all clauses of one sentence are given the same.
    """

    text: str
    voice: str
    speed: float = 1.0
    part_of: Whole | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono float32 of shape (n,) within about [-1, 1], and when which characters of the text are said.

    Samples are counted from this sound's start; marks are in order, of an engine that speaks an utterance
    in several sounds they tell what each is about. Without marks it is all of the utterance.
    """

    samples: Samples
    marks: tuple[Mark, ...] = ()


def never() -> bool:
    """The `stopped` of a caller that never gives up."""
    return False


class Engine(Protocol):
    """A voice model. All but the attribute blocks and belongs in a worker's thread."""

    sample_rate_hz: int
    """Known before `load`, and constant."""

    def load(self) -> None:
        """Get ready to speak; raises EngineError with the remedy."""

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        """The utterance's audio in one item or several.

        `stopped` is asked while an item is made; once it says True the generator ends early, in the
        middle of an item too. Raises UnknownChoice for a voice it can't speak with, and EngineError.
        """


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an engine works: a running mean over the audio it has made.

    Each utterance counts by its length, since a short one is mostly the engine's set-up and the
    silence around it: counted like the others it would make the engine look slow, the next pieces
    shorter, and itself true.

    Built frozen and replaced, so that a reader sees one consistent measurement.
    """

    chars_per_s: float = 15.0
    """Characters of text in a second of audio at natural speed; English speech has 13 to 17."""

    rtf: float = 0.5
    """Seconds of work for a second of audio; the start value is a guess for two slow cores."""

    deviation: float = 0.0
    """The running mean of how far an utterance's RTF is from the mean."""

    @property
    def cautious_rtf(self) -> float:
        """What an utterance's RTF is rarely above: two mean deviations over the mean, the 95th percentile
        of a normal distribution. (RFC 6298 reckons with four, for waits that almost never may be short.)
        """
        return self.rtf + 2 * self.deviation

    def at(self, speed: float) -> "Pace":
        """What to expect of speech at `speed`, of which a second takes as much work as any."""
        return replace(self, chars_per_s=self.chars_per_s * speed)

    def measured(
        self, chars: float, audio_s: float, work_s: float, memory_s: float = _MEMORY_S
    ) -> "Pace":
        """The pace after one more utterance, weighed against `memory_s` of audio before it.

        `chars` is how many would have been said in that time at natural speed.
        """
        if audio_s <= 0 or chars <= 0:
            return self
        weight, rtf = audio_s / (audio_s + memory_s), work_s / audio_s
        strayed = abs(rtf - self.rtf) if memory_s else 0.0
        return replace(
            self,
            chars_per_s=_mixed(self.chars_per_s, chars / audio_s, weight),
            rtf=_mixed(self.rtf, rtf, weight),
            deviation=_mixed(self.deviation, strayed, weight),
        )


def _mixed(mean: float, value: float, weight: float) -> float:
    return mean + weight * (value - mean)
