"""What a client is told of its utterance, whichever door it came through: plain data, for a door to write.

Rule: of one utterance there are any number of the others, and then one Final.
"""

from dataclasses import dataclass

from wyoming_voice.asr.engine import Segment
from wyoming_voice.asr.recognition import Recognised


@dataclass(frozen=True, slots=True)
class Began:
    """The transcript begins, or begins anew; `language` is the one that was asked for."""

    language: str | None


@dataclass(frozen=True, slots=True)
class Partial:
    """What was said so far: `stable` won't be taken back, of which `fresh` was not known before.

    `text` begins with `stable`; what it has beyond that may change.
    """

    text: str
    stable: str
    fresh: str


@dataclass(frozen=True, slots=True)
class Supposed:
    """What the utterance will have been, if it ends within the pause that began before `audio_ms`."""

    text: str
    language: str | None
    audio_ms: int


@dataclass(frozen=True, slots=True)
class Final:
    """What was said; `fresh` is what of it was not told as stable, empty where it departs from that.

    `segments` make up the text, with times from the beginning of the utterance's audio.
    """

    result: Recognised
    fresh: str
    segments: tuple[Segment, ...]


Reply = Began | Partial | Supposed | Final
