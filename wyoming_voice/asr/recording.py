"""The audio of one utterance, made ready while it arrives: 16 kHz mono, and a speech score for each frame.

Rule: a chunk costs the event loop at most a few milliseconds. What is more (chunks of many seconds, a
burst of them) waits: each further chunk takes some of it along, and after the last one a worker's thread
does the rest (`catch_up`).
"""

from collections import deque
from collections.abc import Iterator

import numpy as np

from wyoming_voice.asr.engine import RATE_HZ, Audio
from wyoming_voice.asr.scores import Scores
from wyoming_voice.audio import MonoResampler, checked_format
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import TooLarge
from wyoming_voice.vad import FRAME_SAMPLES, Silero

_AT_ONCE_MS = 1000.0
_AT_ONCE_BYTES = 256 * 1024
"""Converting that much takes 1.5 ms at most, whatever its rate and width, and scoring it 4 ms."""

_BLOCK_SAMPLES = 125 * FRAME_SAMPLES
"""4 s; no frame lies in two blocks."""

_READY_BYTES_PER_MS = RATE_HZ * 4 // 1000
_SLICE_MS = 10_000.0
_SLICE_FRAMES = 400
_MOST_WAITING_BYTES = 64 * 1024 * 1024


class Recording:
    """What was heard of one utterance. With `scored` false nothing is scored, and nothing is known."""

    def __init__(self, *, scored: bool) -> None:
        self._samples = _Samples()
        self._silero = Silero() if scored else None
        self._source: AudioFormat | None = None
        self._resampler: MonoResampler | None = None
        self._waiting: deque[tuple[AudioFormat, bytearray]] = deque()
        self._waiting_bytes = 0
        self._scores = Scores()
        self.heard_ms = 0.0

    @property
    def samples(self) -> int:
        """How many are ready."""
        return len(self._samples)

    def part(self, start: int, end: int) -> Audio:
        """The samples [start, end), of those that are ready, shape (n,): under 1 ms for half a minute."""
        return self._samples.part(start, end)

    @property
    def held_bytes(self) -> int:
        """The memory that the audio takes when all of it is ready, and with it what waits until then."""
        return round(self.heard_ms * _READY_BYTES_PER_MS) + self._waiting_bytes

    @property
    def probabilities(self) -> Scores:
        """How much each frame of 512 samples sounds like speech; empty when nothing is scored."""
        return self._scores

    @property
    def up_to_date(self) -> bool:
        """Whether all is ready and scored, but for what is short of a frame."""
        return not self._waiting

    def hear(self, source: AudioFormat, pcm: bytes) -> None:
        """Take a chunk. Raises BadAudio, and TooLarge when more waits than memory should hold."""
        checked_format(source.rate_hz, source.width_bytes, source.channels)
        self.heard_ms += source.ms(len(pcm))
        if self._waiting:
            self._convert_some()
        if not self._waiting and len(pcm) <= _at_once_bytes(source):
            self._convert(source, pcm)
        else:
            self._put_off(source, pcm)
        self._score(_SLICE_FRAMES)

    def take(self, audio: Audio) -> None:
        """In a thread: take mono samples at RATE_HZ; scoring them takes 4 ms for each second."""
        self.heard_ms += 1000 * len(audio) / RATE_HZ
        self._samples.append(audio)
        while self._score(_SLICE_FRAMES):
            pass

    def forget(self, before: int) -> None:
        """Let go of the samples before this one, in blocks of some seconds, and of what was scored."""
        self._samples.forget(before)
        self._scores.forget(min(before // FRAME_SAMPLES, len(self._scores)))

    def _put_off(self, source: AudioFormat, pcm: bytes) -> None:
        if not self._waiting or self._waiting[-1][0] != source:
            self._waiting.append((source, bytearray()))
        self._waiting[-1][1].extend(pcm)  # a million chunks of two bytes are no million objects
        self._waiting_bytes += len(pcm)
        if self._waiting_bytes > _MOST_WAITING_BYTES:
            raise TooLarge(
                f"{self._waiting_bytes} bytes of audio wait to be converted; send chunks of under "
                f"{_AT_ONCE_MS / 1000:g} s and {_AT_ONCE_BYTES} bytes, or a lower rate"
            )

    def _convert_some(self) -> None:
        """As much of what waits as is no more than a chunk's worth."""
        source, pcm = self._waiting[0]
        first = bytes(pcm[: _at_once_bytes(source)])
        self._convert(source, first)
        del pcm[: len(first)]  # moves the rest only where half of it has gone
        self._waiting_bytes -= len(first)
        if not pcm:
            self._waiting.popleft()

    def finish(self) -> None:
        """After the last chunk, where `up_to_date`: be ready, in a few milliseconds."""
        for _ in self.catch_up():
            pass

    def catch_up(self) -> Iterator[None]:
        """After the last chunk, in a thread: do what was put off, with a breath after each 10 s of audio."""
        while self._waiting:
            source, pcm = self._waiting.popleft()
            step = source.size_bytes(_SLICE_MS)
            for start in range(0, len(pcm), step):
                self._convert(source, bytes(pcm[start : start + step]))
                yield None
        if self._resampler is not None:
            self._samples.append(self._resampler.finish())
            self._resampler = self._source = None
        while self._score(_SLICE_FRAMES):
            yield None
        self._score_the_rest()

    def _convert(self, source: AudioFormat, pcm: bytes) -> None:
        if source != self._source:
            if self._resampler is not None:
                self._samples.append(self._resampler.finish())
            self._source, self._resampler = source, MonoResampler(source, RATE_HZ)
        assert self._resampler is not None
        self._samples.append(self._resampler.push(pcm))

    def _score(self, most_frames: int) -> int:
        """Score up to so many whole frames; how many there were."""
        if self._silero is None:
            return 0
        first = len(self._scores)
        last = min(first + most_frames, len(self._samples) // FRAME_SAMPLES)
        for number in range(first, last):
            start = number * FRAME_SAMPLES
            frame = self._samples.part(start, start + FRAME_SAMPLES)
            self._scores.append(self._silero.score(frame))
        return max(0, last - first)

    def _score_the_rest(self) -> None:
        scored = len(self._scores) * FRAME_SAMPLES
        if self._silero is not None and scored < len(self._samples):
            rest = self._samples.part(scored, len(self._samples))
            self._scores.append(self._silero.score(np.pad(rest, (0, FRAME_SAMPLES - len(rest)))))


def _at_once_bytes(source: AudioFormat) -> int:
    """The largest chunk that is converted where it arrives: of whole frames."""
    return min(source.size_bytes(_AT_ONCE_MS), _AT_ONCE_BYTES)


class _Samples:
    """Samples in blocks that stay where they are; a growing array takes 7 to 70 ms to move at 7 minutes."""

    def __init__(self) -> None:
        self._blocks: deque[Audio] = deque()
        self._forgotten = 0  # blocks
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, samples: Audio) -> None:
        start = 0
        while start < len(samples):
            used = self._length % _BLOCK_SAMPLES
            if not used:
                self._blocks.append(np.empty(_BLOCK_SAMPLES, np.float32))
            piece = samples[start : start + _BLOCK_SAMPLES - used]
            self._blocks[-1][used : used + len(piece)] = piece
            self._length += len(piece)
            start += len(piece)

    def forget(self, before: int) -> None:
        while self._blocks and (self._forgotten + 1) * _BLOCK_SAMPLES <= before:
            self._blocks.popleft()
            self._forgotten += 1

    def part(self, start: int, end: int) -> Audio:
        """The samples [start, end), fewer at the end of all; a view where they lie in one block."""
        if start < self._forgotten * _BLOCK_SAMPLES:
            raise IndexError(f"sample {start} is forgotten")
        end = min(end, self._length)
        pieces: list[Audio] = []
        while start < end:
            block, within = divmod(start, _BLOCK_SAMPLES)
            pieces.append(self._blocks[block - self._forgotten][within : within + end - start])
            start += len(pieces[-1])
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
