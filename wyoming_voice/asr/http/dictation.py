"""One speaker's utterances in a stream of samples: what belongs to which, and what is noticed of them.

Rules: every `speech_started` has its `speech_stopped`, and all speech belongs to an utterance. Where
nobody speaks, nothing is kept but the last second, so that a stream may be silent for ever.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wyoming_voice.asr.engine import RATE_HZ, Audio
from wyoming_voice.asr.transcription import Transcription
from wyoming_voice.core.endpointing import Endpoint, SpeechStarted
from wyoming_voice.errors import TooLarge
from wyoming_voice.vad import FRAME_SAMPLES

_KEPT_SAMPLES = 34 * FRAME_SAMPLES
"""What a window of speech has before it, and the frames that tell that it is speech."""


@dataclass(frozen=True)
class Noticed:
    """Somebody began to speak, or stopped, at a time from the beginning of the stream."""

    started: bool
    at_s: float


@dataclass(frozen=True)
class Utterance:
    """Something is being said, and is to be answered; its own time begins at `start_s` of the stream."""

    number: int
    transcription: Transcription
    start_s: float


Happening = Noticed | Utterance


class Dictation:
    """Samples at RATE_HZ in, what happens out.

    `begin` makes the transcription of one utterance; `endless` says that it is the only one. `longest_s`:
    more of an utterance is refused.
    """

    def __init__(
        self, begin: Callable[[], Transcription], longest_s: float, *, endless: bool
    ) -> None:
        self._begin = begin
        self._longest_samples = round(longest_s * RATE_HZ)
        self._endless = endless
        self._now = 0
        self._number = 0
        self._seen = 0
        self._new()

    def push(self, audio: Audio) -> Iterator[Happening]:
        """Take samples; raises Busy where the server holds too much audio, TooLarge."""
        at = 0
        while at < len(audio):
            end = at + FRAME_SAMPLES - (self._now - self._start) % FRAME_SAMPLES
            yield from self._take(audio[at:end])
            at = end

    def finish(self) -> Iterator[Happening]:
        """No more comes: what is being said has ended."""
        current = self._current
        current.hang_up()
        yield from self._noticed()
        if self._endless and not self._told:
            yield self._utterance()
        if not self._told:
            current.drop()

    def forget(self) -> None:
        """Let go of what is being said, and go on with what comes."""
        self._current.drop()
        self._new()

    def drop(self) -> None:
        """Let go of it; no more comes."""
        self._current.drop()

    def _take(self, piece: Audio) -> Iterator[Happening]:
        kept = self._told or self._endless
        if kept and self._now - self._start > self._longest_samples:
            raise TooLarge(
                f"an utterance of more than {self._longest_samples / RATE_HZ:g} s; send"
                ' {"type": "end"} sooner, or start the server with a larger --max-audio-s'
            )
        self._current.listen(piece)
        self._now += len(piece)
        yield from self._noticed()
        if self._current.ended:
            self._go_on()

    def _noticed(self) -> Iterator[Happening]:
        current = self._current
        if not current.spoken:
            return
        ends = current.endpoints
        while self._seen < len(ends):
            end, self._seen = ends[self._seen], self._seen + 1
            yield Noticed(isinstance(end, SpeechStarted), self._time_s(end))
        if not self._told:
            yield self._utterance()

    def _utterance(self) -> Utterance:
        self._told = True
        self._number += 1
        return Utterance(self._number, self._current, self._start / RATE_HZ)

    def _go_on(self) -> None:
        """The utterance has ended; who has not said anything may be about to."""
        if self._told:
            self._new()
            return
        kept = self._current.latest(_KEPT_SAMPLES)
        self._current.drop()
        self._new()
        self._start -= len(kept)
        for at in range(0, len(kept), FRAME_SAMPLES):
            self._current.listen(kept[at : at + FRAME_SAMPLES])

    def _new(self) -> None:
        self._current = self._begin()
        self._start = self._now
        self._told = False
        self._seen = 0

    def _time_s(self, end: Endpoint) -> float:
        return self._start / RATE_HZ + end.at_ms / 1000
