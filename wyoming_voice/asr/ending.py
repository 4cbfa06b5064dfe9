"""Decides that an utterance has ended where the client leaves that to the server.

Rule: it ends when a speaker has been silent for long enough, has spoken for too long, or hasn't begun in
time. A sound that holds no speech to decode (a click, a door) ends nothing.
"""

from dataclasses import dataclass

from wyoming_voice.core.completeness import completeness
from wyoming_voice.core.endpointing import (
    SILENCES,
    Endpointer,
    EndpointSettings,
    SpeechEnded,
    endpoint_settings,
)


@dataclass(frozen=True)
class EndingSettings:
    """When speech ends, and how long nobody may speak."""

    endpointing: EndpointSettings
    no_speech_ms: int


@dataclass(frozen=True)
class OwnEndpoint:
    """What a server was told about ending utterances itself."""

    threshold: float
    max_speech_s: float
    no_speech_s: float
    dynamic: bool

    def settings(self, sensitivity: str | None) -> EndingSettings:
        """For a client's `vad_sensitivity`; one that nobody knows counts as `default`."""
        known = sensitivity if sensitivity in SILENCES else "default"
        return EndingSettings(
            endpoint_settings(known, self.threshold, self.max_speech_s, dynamic=self.dynamic),
            round(1000 * self.no_speech_s),
        )


class Ending:
    """One utterance: probabilities of speech in, one a frame, until it has ended."""

    def __init__(self, settings: EndingSettings) -> None:
        self.ended = False
        self._settings = settings
        self._endpointer = Endpointer(settings.endpointing)
        self._now_ms = 0

    def push(self, probability: float, *, spoken: bool) -> None:
        """Take the next frame; `spoken` says whether there is speech to decode in it or before it."""
        self._now_ms += self._settings.endpointing.frame_ms
        silent = any(isinstance(end, SpeechEnded) for end in self._endpointer.push(probability))
        if spoken:
            self.ended = silent
        else:
            self.ended = (
                not self._endpointer.speaking and self._now_ms >= self._settings.no_speech_ms
            )

    def expect(self, text: str, language: str | None) -> None:
        """What will have been said if the speaker has finished."""
        self._endpointer.expect(completeness(text, language or ""))
