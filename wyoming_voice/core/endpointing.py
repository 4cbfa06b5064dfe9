"""Decides from speech probabilities where speech starts and where it ends.

Start: `start_frames` of the last `window_frames` reach `start_probability`. End: probabilities stay
under `end_probability` for as long as a silence has to last, or the utterance reaches `max_speech_ms`.
The two thresholds differ so that a weak syllable doesn't end what a clear one began (Silero's own advice
is 0.15 between them: https://github.com/snakers4/silero-vad, utils_vad.py).

How long a silence has to last: `min_silence_ms`, unless somebody who has looked at the words says what to
expect. Rule: what was expected is forgotten as soon as speech goes on, for it was said of other words.
"""

from collections import deque
from dataclasses import dataclass

from wyoming_voice.core.completeness import Completeness


@dataclass(frozen=True)
class Silences:
    """How long a silence ends speech, in ms: whatever was said, and what looks complete or left open."""

    plain_ms: int
    complete_ms: int
    open_ms: int


SILENCES = {
    "aggressive": Silences(500, 250, 1000),
    "default": Silences(800, 400, 1400),
    "relaxed": Silences(1250, 700, 2000),
}
"""By the name of a sensitivity; one table for whoever ends speech, satellite or server.

Home Assistant waits 0.25, 0.7 or 1.25 s, whatever was said. Here what looks complete is answered after as
little, and the rest is given more, as most pauses of people who hesitate last longer than 0.3 s. Measured
with `bench.endpoints` on hesitant speech: fixed 0.7 s cuts 15 % of the pauses and 0.8 s 11 %; the default
row cuts 10 %, but 16 % where the recogniser writes a full stop behind everything, and answers a command
0.3 s sooner than 0.8 s does. Less than 0.4 s for what looks complete gains nothing for those whose habit is
to pause; 1.2 s for what is left open cuts 1 % more.
"""


@dataclass(frozen=True)
class EndpointSettings:
    """Thresholds and times; one frame is `frame_ms` long.

    `complete_silence_ms` and `open_silence_ms` are for words that look complete, or don't; None: as
    `min_silence_ms`.
    """

    frame_ms: int = 32
    start_probability: float = 0.5
    start_frames: int = 2
    window_frames: int = 3
    end_probability: float = 0.35
    min_silence_ms: int = 800
    max_speech_ms: int = 20_000
    complete_silence_ms: int | None = None
    open_silence_ms: int | None = None

    def silence_ms(self, completeness: Completeness, at_least_ms: int = 0) -> int:
        """How long a silence ends speech that looks like this.

        One that looks complete is given `at_least_ms`, but no more than one that nothing is known of.
        """
        match completeness:
            case Completeness.COMPLETE if self.complete_silence_ms is not None:
                return min(max(self.complete_silence_ms, at_least_ms), self.min_silence_ms)
            case Completeness.OPEN if self.open_silence_ms is not None:
                return self.open_silence_ms
            case _:
                return self.min_silence_ms


def endpoint_settings(
    sensitivity: str, threshold: float, max_speech_s: float, *, dynamic: bool
) -> EndpointSettings:
    """Settings from what a satellite or a server is told; `sensitivity` is a key of SILENCES.

    Speech goes on down to 0.15 under the threshold, but not under 0.01, as Silero's own iterator has it
    (https://github.com/snakers4/silero-vad, utils_vad.py).
    """
    silences = SILENCES[sensitivity]
    return EndpointSettings(
        start_probability=threshold,
        end_probability=max(threshold - 0.15, 0.01),
        min_silence_ms=silences.plain_ms,
        max_speech_ms=round(max_speech_s * 1000),
        complete_silence_ms=silences.complete_ms if dynamic else None,
        open_silence_ms=silences.open_ms if dynamic else None,
    )


@dataclass(frozen=True)
class SpeechStarted:
    """Speech began; `at_ms` is the start of its first frame, on the line of audio pushed."""

    at_ms: int


@dataclass(frozen=True)
class SpeechEnded:
    """The speaker has finished; `at_ms` is the end of the last frame with speech."""

    at_ms: int


Endpoint = SpeechStarted | SpeechEnded


class Endpointer:
    """Probabilities in, one a frame; at most one endpoint out for each.

    `start_ms` is where the first frame begins, for endpoints on a line that is older than this object.
    """

    def __init__(self, settings: EndpointSettings, start_ms: int = 0) -> None:
        self._settings = settings
        self._recent: deque[bool] = deque(maxlen=settings.window_frames)
        self._now_ms = start_ms
        self._started_ms: int | None = None
        self._last_speech_ms = 0
        self._ended_pause_ms = 0
        self._wanted_ms = settings.min_silence_ms

    @property
    def speaking(self) -> bool:
        """Whether speech has started and not ended."""
        return self._started_ms is not None

    @property
    def silence_ms(self) -> int:
        """How long it has been silent within speech; 0 outside of it."""
        return self._now_ms - self._last_speech_ms if self.speaking else 0

    @property
    def ended_pause_ms(self) -> int:
        """How long the pause within speech was that the last frame ended; 0 where it ended none."""
        return self._ended_pause_ms

    def expect(self, completeness: Completeness, at_least_ms: int = 0) -> None:
        """What the words so far look like, until speech goes on.

        `at_least_ms` is the silence that this speaker is given in any case (`pauses.Pauses.at_least_ms`).
        A silence that has lasted long enough already ends speech with the next frame.
        """
        self._wanted_ms = self._settings.silence_ms(completeness, at_least_ms)

    def push(self, probability: float) -> list[Endpoint]:
        """Take the next frame's probability of speech."""
        self._now_ms += self._settings.frame_ms
        self._ended_pause_ms = 0
        if self._started_ms is None:
            return self._wait(probability)
        if probability >= self._settings.end_probability:
            self._ended_pause_ms = self._now_ms - self._settings.frame_ms - self._last_speech_ms
            self._spoken()
        too_long = self._now_ms - self._started_ms >= self._settings.max_speech_ms
        return self.finish() if too_long or self.silence_ms >= self._wanted_ms else []

    def finish(self) -> list[Endpoint]:
        """The audio is over: what was being said has ended."""
        if self._started_ms is None:
            return []
        self._started_ms = None
        self._recent.clear()
        return [SpeechEnded(self._last_speech_ms)]

    def _wait(self, probability: float) -> list[Endpoint]:
        self._recent.append(probability >= self._settings.start_probability)
        if sum(self._recent) < self._settings.start_frames:
            return []
        first = list(self._recent).index(True)
        self._started_ms = self._now_ms - (len(self._recent) - first) * self._settings.frame_ms
        self._spoken()
        return [SpeechStarted(self._started_ms)]

    def _spoken(self) -> None:
        self._last_speech_ms = self._now_ms
        self._wanted_ms = self._settings.min_silence_ms
