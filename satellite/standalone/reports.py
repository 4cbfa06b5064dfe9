"""What an exchange reports of a turn as it comes: what was understood, written, spoken.

Rule: a report says what has happened, and to no turn: whoever began the exchange knows which it is.
"""

from dataclasses import dataclass

from wyoming_voice.client import Sound, Supposed


@dataclass(frozen=True)
class HeardEnough:
    """The ASR server wants no more audio."""


@dataclass(frozen=True)
class UnderstoodSoFar:
    """The beginning of what is being said, as far as it is certain."""

    text: str


@dataclass(frozen=True)
class Understood:
    """What was said."""

    text: str


@dataclass(frozen=True)
class UnderWay:
    """The answer was begun `for_s` ago, on what was supposed."""

    for_s: float


@dataclass(frozen=True)
class Written:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class WrittenAll:
    """The answer's text is complete."""


@dataclass(frozen=True)
class Spoken:
    """A piece of the answer's speech."""

    sound: Sound


@dataclass(frozen=True)
class OwnVoice:
    """A server speaks with a voice of its own, since it doesn't have the one that was wished for."""

    reason: str


@dataclass(frozen=True)
class Alive:
    """Somebody works at it."""


Report = (
    HeardEnough
    | Supposed
    | UnderstoodSoFar
    | Understood
    | UnderWay
    | Written
    | WrittenAll
    | Spoken
    | OwnVoice
    | Alive
)
