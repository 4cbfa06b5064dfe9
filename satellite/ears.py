"""Decides which audio leaves the microphone: from a little before speech starts until it has ended.

Frames of 16 kHz, 16-bit mono PCM with their speech probabilities go in; what is to be sent comes out.
The pre-roll is there because speech is noticed only after it has begun.
"""

from collections import deque
from dataclasses import dataclass, field

from wyoming_voice.core.endpointing import Endpointer, EndpointSettings, SpeechEnded, SpeechStarted


@dataclass(frozen=True)
class EarSettings:
    """When speech starts and ends, and how much of what came before is sent along."""

    pre_roll_ms: int = 500
    endpointing: EndpointSettings = field(default_factory=EndpointSettings)


@dataclass(frozen=True)
class Send:
    """PCM that the recogniser should hear."""

    pcm: bytes


Heard = SpeechStarted | SpeechEnded | Send


class Ears:
    """Frames in; SpeechStarted, Send (the pre-roll first) and SpeechEnded out, in this order."""

    def __init__(self, settings: EarSettings) -> None:
        frames = max(1, settings.pre_roll_ms // settings.endpointing.frame_ms)
        self._pre_roll: deque[bytes] = deque(maxlen=frames)
        self._endpointer = Endpointer(settings.endpointing)

    def push(self, pcm: bytes, probability: float) -> list[Heard]:
        """Take one frame and what the voice detector thinks of it."""
        was_speaking = self._endpointer.speaking
        endpoints = self._endpointer.push(probability)
        if was_speaking:
            return [Send(pcm), *endpoints]
        self._pre_roll.append(pcm)
        return [*endpoints, Send(self._taken())] if endpoints else []

    def finish(self) -> list[Heard]:
        """The microphone has closed: speech in progress has ended."""
        return list(self._endpointer.finish())

    def _taken(self) -> bytes:
        pcm = b"".join(self._pre_roll)
        self._pre_roll.clear()
        return pcm
