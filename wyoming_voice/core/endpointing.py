"""Decides from speech probabilities where speech starts and where it ends.

Start: `start_frames` of the last `window_frames` reach `start_probability`. End: probabilities stay
under `end_probability` for `min_silence_ms`, or the utterance reaches `max_speech_ms`. The two
thresholds differ so that a weak syllable doesn't end what a clear one began (Silero's own advice is
0.15 between them: https://github.com/snakers4/silero-vad, utils_vad.py).
"""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class EndpointSettings:
    """Thresholds and times; one frame is `frame_ms` long."""

    frame_ms: int = 32
    start_probability: float = 0.5
    start_frames: int = 2
    window_frames: int = 3
    end_probability: float = 0.35
    min_silence_ms: int = 800
    max_speech_ms: int = 20_000


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

    @property
    def speaking(self) -> bool:
        """Whether speech has started and not ended."""
        return self._started_ms is not None

    def push(self, probability: float) -> list[Endpoint]:
        """Take the next frame's probability of speech."""
        self._now_ms += self._settings.frame_ms
        if self._started_ms is None:
            return self._wait(probability)
        if probability >= self._settings.end_probability:
            self._last_speech_ms = self._now_ms
        silence_ms = self._now_ms - self._last_speech_ms
        too_long = self._now_ms - self._started_ms >= self._settings.max_speech_ms
        return self.finish() if too_long or silence_ms >= self._settings.min_silence_ms else []

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
        self._last_speech_ms = self._now_ms
        return [SpeechStarted(self._started_ms)]
