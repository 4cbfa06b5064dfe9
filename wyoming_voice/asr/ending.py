"""Decides that an utterance has ended where the client leaves that to the server.

Rule: it ends when a speaker has been silent for long enough, has spoken for too long, or hasn't begun in
time. A sound that holds no speech to decode (a click, a door) ends nothing. How long is long enough follows
from who looks at the pause, words and sound, and from the speaker's pauses before it.
"""

from dataclasses import dataclass

from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.endpointing import (
    SILENCES,
    Endpoint,
    Endpointer,
    EndpointSettings,
    SpeechEnded,
    endpoint_settings,
)
from wyoming_voice.core.opinions import Opinions, Witness
from wyoming_voice.core.pauses import Pauses


@dataclass(frozen=True)
class EndingSettings:
    """When speech ends, and how long nobody may speak; `decides` false: that is noticed, and ends nothing."""

    endpointing: EndpointSettings
    no_speech_ms: int
    decides: bool = True


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


def own_endpoint(settings: AsrSettings) -> OwnEndpoint:
    """What the settings say about it."""
    return OwnEndpoint(
        settings.vad_threshold,
        settings.max_speech_s,
        settings.no_speech_s,
        dynamic=settings.endpoint == "dynamic",
    )


class Ending:
    """One utterance: probabilities of speech in, one a frame, until it has ended.

    `pauses` is of the speaker, who may have said something before. `endpoints`: where speech began and ended.
    """

    def __init__(self, settings: EndingSettings, pauses: Pauses) -> None:
        self.ended = False
        self.decides = settings.decides
        self.endpoints: list[Endpoint] = []
        self._settings = settings
        self._pauses = pauses
        self._opinions = Opinions()
        self._endpointer = Endpointer(settings.endpointing)
        self._now_ms = 0

    def push(self, probability: float, *, spoken: bool) -> None:
        """Take the next frame; `spoken` says whether there is speech to decode in it or before it."""
        self._now_ms += self._settings.endpointing.frame_ms
        found = self._endpointer.push(probability)
        self.endpoints += found
        silent = any(isinstance(end, SpeechEnded) for end in found)
        if not self._endpointer.silence_ms:
            self._opinions.clear()
        if spoken:
            self._pauses.note(self._endpointer.ended_pause_ms)
        in_vain = not self._endpointer.speaking and self._now_ms >= self._settings.no_speech_ms
        self.ended = self.decides and (in_vain or (spoken and silent))

    def finish(self) -> None:
        """No more frames come: what was being said has ended."""
        self.endpoints += self._endpointer.finish()

    def expect(self, witness: Witness, opinion: Completeness) -> None:
        """What was said before the pause that lasts looks like this to one who looks at it."""
        self._endpointer.expect(self._opinions.add(witness, opinion), self._pauses.at_least_ms)
