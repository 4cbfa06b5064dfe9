"""Remembers what was heard and decides where speech starts and ends; what follows is the turn's business.

Frames of 512 samples of 16 kHz, 16-bit mono PCM go in with their speech probabilities. Rule: all times
are places on the line of all audio pushed, which only grows; what is asked for from before the memory
begins is given from where it begins.
"""

from collections import deque
from dataclasses import dataclass, field

from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.endpointing import Endpoint, Endpointer, EndpointSettings
from wyoming_voice.core.opinions import Opinions, Witness
from wyoming_voice.core.pauses import Pauses

_YOUNG_MS = 96
"""No opinion of what was said before a pause is had so early in it: one that comes is of the pause before."""


@dataclass(frozen=True)
class EarSettings:
    """When speech starts and ends, and how much audio is remembered."""

    endpointing: EndpointSettings = field(default_factory=EndpointSettings)
    memory_ms: int = 30_000


class Ears:
    """One line of audio: frames in, endpoints of speech out, and the last `memory_ms` to be had again."""

    def __init__(self, settings: EarSettings) -> None:
        self.pauses = Pauses()
        self._settings = settings.endpointing
        self._opinions = Opinions()
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
        endpoints = self._endpointer.push(probability) if begins_ms >= self._listens_from_ms else []
        if not self._endpointer.silence_ms:
            self._opinions.clear()
        return endpoints

    def expect(
        self, witness: Witness, completeness: Completeness, at_ms: int | None = None
    ) -> None:
        """What was said before the pause that lasts looks like this to a witness who heard up to `at_ms`."""
        silence_ms = self._endpointer.silence_ms
        spoken_until_ms = self._now_ms - silence_ms
        if silence_ms < _YOUNG_MS or (at_ms is not None and at_ms <= spoken_until_ms):
            return  # speech has gone on meanwhile
        opinion = self._opinions.add(witness, completeness)
        self._endpointer.expect(opinion, self.pauses.at_least_ms)

    def note_pause(self) -> None:
        """If the last frame ended a pause, it was one within a turn."""
        self.pauses.note(self._endpointer.ended_pause_ms)

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
        self._opinions.clear()
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
