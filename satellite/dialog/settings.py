"""What turns go by: who may begin and interrupt them, who answers, and how long to wait for what.

Rule: this is all that the turn machine knows of the satellite's settings.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TurnSettings:
    """Who may begin a turn, who may interrupt, who answers, and how long to wait for what."""

    gate: Literal["wake", "vad", "push-to-talk", "remote"] = "wake"
    barge_in: Literal["off", "stop", "wake", "speech"] = "wake"
    follow_up: Literal["off", "question", "always"] = "question"
    mode: Literal["auto", "ha", "standalone"] = "auto"
    echo_cancelled: bool = False
    min_speech_ms: int = 250
    no_speech_ms: int = 5_000
    follow_up_ms: int = 8_000
    max_speech_ms: int = 20_000
    stitch_ms: int = 700
    answer_ms: int = 30_000
    pre_roll_ms: int = 500
    wake_pre_roll_ms: int = 50
    ring_ms: int = 15 * 60 * 1000
    boot_ms: int = 10_000
    language: str = ""

    @property
    def guard_ms(self) -> int:
        """How long the end of an answer may echo in the room before the ear opens again."""
        return 100 if self.echo_cancelled else 400

    @property
    def speech_interrupts(self) -> bool:
        """Whether any speech ends an answer; not where the satellite would hear itself."""
        return self.barge_in == "speech" and self.echo_cancelled

    @property
    def wake_interrupts(self) -> bool:
        """Whether a wake word ends an answer."""
        return self.barge_in in ("wake", "speech")
