"""From what a microphone gives to what the satellite knows of it: cleaned frames, scored, with wake words.

Works in the microphone's thread, block by block as they come. Rule: only what was not muted ever becomes
a frame, and the line of time counts those frames alone.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from satellite.events import WakeWord
from satellite.hearing.echo import BLOCK_SAMPLES, Cleaner, FarEnd
from satellite.hearing.finality import Finality
from satellite.hearing.level import amplified, level_dbfs
from satellite.hearing.wake import noticed_after_ms
from satellite.parts import Audio, HeardFrame, Status
from wyoming_voice.audio import to_mono, to_pcm16
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.vad import FRAME_MS, FRAME_SAMPLES, Silero

Record = Callable[[bytes, bytes], None]
"""Is given 16 kHz, 16-bit mono PCM as it came, and cleaned; called in the microphone's thread."""


class SpeechDetector(Protocol):
    """Says how likely speech is, frame by frame."""

    def score(self, frame: Audio) -> float:
        """The probability of speech in a frame: float32, shape (512,), 16 kHz, within [-1, 1]."""

    def reset(self) -> None:
        """Forget what was heard."""


class WakeDetector(Protocol):
    """Hears wake words."""

    def push(self, pcm: bytes) -> WakeWord | None:
        """Take 16 kHz, 16-bit mono PCM; the word that was noticed in it."""

    def reset(self) -> None:
        """Forget what was heard."""


class Hearing:
    """Gain, echo cancelling, frames, wake words, speech: PCM of any block size in, frames out.

    Nothing is done while `muted`, which may be set from any thread; the next block obeys. `record` may
    be set and taken back at any time, too; `finality`, where pauses are to be judged by their sound, before
    the first block.
    """

    def __init__(
        self,
        far_end: FarEnd,
        cleaner: Cleaner,
        wake: WakeDetector | None = None,
        detector: SpeechDetector | None = None,
        gain_db: float = 0.0,
    ) -> None:
        self.finality: Finality | None = None
        self.muted = False
        self.record: Record | None = None
        self._far_end = far_end
        self._cleaner = cleaner
        self._wake = wake
        self._detector: SpeechDetector = detector or Silero()
        self._gain_db = gain_db
        self._now_ms = 0
        self._rest = b""
        self._cleaned = np.zeros(0, np.float32)
        self._deaf = False

    def push(self, pcm: bytes) -> list[HeardFrame]:
        """Take 16 kHz, 16-bit mono PCM as it came; the frames that it completes."""
        raw = self._whole_blocks(pcm)
        samples = len(raw) // SPEECH.frame_bytes
        far = self._far_end.read(samples)  # also while muted: it must not fall behind the near end
        if self.muted:
            self._forget()
            return []
        self._deaf = False
        cleaned = self._cleaner.clean(self._amplified(raw), far)
        if (record := self.record) is not None:
            record(raw, to_pcm16(cleaned))
        return [self._heard(frame) for frame in self._frames(cleaned)]

    def status(self) -> Status:
        """What is done to the sound, and how much of the far end was of no use."""
        return {
            "cleaning": self._cleaner.name,
            "echo_free": self._cleaner.echo_free,
            "muted": self.muted,
            "far_end_dropped_ms": 1000 * self._far_end.dropped_samples // SPEECH.rate_hz,
        }

    def _whole_blocks(self, pcm: bytes) -> bytes:
        data = self._rest + pcm
        usable = len(data) - len(data) % (BLOCK_SAMPLES * SPEECH.frame_bytes)
        self._rest = data[usable:]
        return data[:usable]

    def _forget(self) -> None:
        self._rest = b""
        if self._deaf:
            return
        self._deaf = True
        self._cleaned = self._cleaned[:0]
        self._detector.reset()
        if self._wake is not None:
            self._wake.reset()
        if self.finality is not None:
            self.finality.reset()

    def _amplified(self, raw: bytes) -> Audio:
        samples = to_mono(raw, SPEECH)
        return amplified(samples, self._gain_db) if self._gain_db else samples

    def _frames(self, cleaned: Audio) -> list[Audio]:
        samples = np.concatenate((self._cleaned, cleaned))
        whole = len(samples) - len(samples) % FRAME_SAMPLES
        self._cleaned = samples[whole:]
        return [samples[at : at + FRAME_SAMPLES] for at in range(0, whole, FRAME_SAMPLES)]

    def _heard(self, frame: Audio) -> HeardFrame:
        self._now_ms += FRAME_MS
        pcm = to_pcm16(frame)
        word = None if self._wake is None else self._wake.push(pcm)
        delay_ms = 0 if word is None else noticed_after_ms(word.name)
        probability = self._detector.score(frame)
        finality = self.finality
        return HeardFrame(
            pcm=pcm,
            end_ms=self._now_ms,
            probability=probability,
            level_dbfs=level_dbfs(frame),
            word=word,
            word_end_ms=max(0, self._now_ms - delay_ms),
            completeness=None if finality is None else finality.push(frame, probability),
        )
