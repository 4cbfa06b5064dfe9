"""Remembers what was heard and decides where speech starts and ends; what follows is the turn's business.

Frames of 512 samples of 16 kHz, 16-bit mono PCM go in with their speech probabilities. Rule: all times
are places on the line of all audio pushed, which only grows; what is asked for from before the memory
begins is given from where it begins.
"""

from collections import deque
from dataclasses import dataclass, field

from wyoming_voice.core.endpointing import Endpoint, Endpointer, EndpointSettings

MIN_SILENCE_MS = {"aggressive": 500, "default": 800, "relaxed": 1250}
"""How long a silence ends speech, by the name of a sensitivity."""


@dataclass(frozen=True)
class EarSettings:
    """When speech starts and ends, and how much audio is remembered."""

    endpointing: EndpointSettings = field(default_factory=EndpointSettings)
    memory_ms: int = 30_000


def ear_settings(sensitivity: str, threshold: float, max_speech_s: float) -> EarSettings:
    """Settings from `--vad-sensitivity` (a key of MIN_SILENCE_MS), `--vad-threshold` and `--max-speech-s`.

    Speech goes on down to 0.15 under the threshold, but not under 0.01, as Silero's own iterator has it
    (https://github.com/snakers4/silero-vad, utils_vad.py).
    """
    return EarSettings(
        EndpointSettings(
            start_probability=threshold,
            end_probability=max(threshold - 0.15, 0.01),
            min_silence_ms=MIN_SILENCE_MS[sensitivity],
            max_speech_ms=round(max_speech_s * 1000),
        )
    )


class Ears:
    """One line of audio: frames in, endpoints of speech out, and the last `memory_ms` to be had again."""

    def __init__(self, settings: EarSettings) -> None:
        self._settings = settings.endpointing
        self._memory: deque[tuple[bytes, float]] = deque(
            maxlen=max(1, settings.memory_ms // self._settings.frame_ms)
        )
        self._now_ms = 0
        self._listens_from_ms = 0
        self._endpointer = Endpointer(self._settings)

    @property
    def now_ms(self) -> int:
        """Where the line has got to: the end of the last frame."""
        return self._now_ms

    @property
    def speaking(self) -> bool:
        """Whether speech has started and not ended."""
        return self._endpointer.speaking

    def push(self, pcm: bytes, probability: float) -> list[Endpoint]:
        """Take one frame and what the voice detector thinks of it."""
        begins_ms = self._now_ms
        self._now_ms += self._settings.frame_ms
        self._memory.append((pcm, probability))
        return self._endpointer.push(probability) if begins_ms >= self._listens_from_ms else []

    def since(self, from_ms: int, until_ms: int | None = None) -> bytes:
        """All that is remembered from the frame that holds `from_ms` up to `until_ms`, or up to `now_ms`."""
        first = self._frames_until(from_ms)
        last = len(self._memory) if until_ms is None else self._frames_until(until_ms)
        return b"".join(pcm for pcm, _ in list(self._memory)[first:last])

    def _frames_until(self, at_ms: int) -> int:
        return max(0, (at_ms - self._memory_begins_ms) // self._settings.frame_ms)

    def forget(self) -> None:
        """Nothing of what was heard so far is to be had again, and nothing of it is speech."""
        self._memory.clear()
        self.restart(self._now_ms)

    def restart(self, at_ms: int) -> list[Endpoint]:
        """Listen as if audio began with the first frame that lies wholly after `at_ms`.

        What was being said is forgotten without a SpeechEnded. Frames that were heard after `at_ms` are
        judged again by the probabilities remembered, and the endpoints found in them are returned, in
        order. An `at_ms` to come makes the ears deaf until then; one from before the memory begins
        counts as its beginning. `since` still gives what came before.
        """
        frame_ms = self._settings.frame_ms
        skipped = max(0, -(-(at_ms - self._memory_begins_ms) // frame_ms))
        self._listens_from_ms = self._memory_begins_ms + skipped * frame_ms
        self._endpointer = Endpointer(self._settings, self._listens_from_ms)
        heard_again = list(self._memory)[skipped:]
        return [
            endpoint
            for _, probability in heard_again
            for endpoint in self._endpointer.push(probability)
        ]

    def finish(self) -> list[Endpoint]:
        """The microphone has closed: speech in progress has ended."""
        return self._endpointer.finish()

    @property
    def _memory_begins_ms(self) -> int:
        return self._now_ms - len(self._memory) * self._settings.frame_ms
