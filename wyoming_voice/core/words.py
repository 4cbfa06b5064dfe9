"""A word and when it is said, whoever found that out: the recogniser of it, or the voice that said it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimedWord:
    """`text` as it is written, with the space or line end before it where there is one; times in seconds."""

    text: str
    start_s: float
    end_s: float
