"""A whole file from its first block to its last passage, told while it is read.

It is decoded from its medium, scored, cut, decoded and gated as an utterance over Wyoming is, so that the
same audio has the same text. Rules: what is being worked on is all that is held, however long the file;
each item of work is one block or one step of one window, so that nobody of a higher rank waits for more. A
FINAL file is one request of the worker, refused before it begins or not at all; of a BATCH file several
windows are at work at once where the engine gains by it, and are told in order.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeVar

from wyoming_voice.asr.choice import Choice
from wyoming_voice.asr.engine import RATE_HZ, Segment, Snap, Task
from wyoming_voice.asr.memo import Piece
from wyoming_voice.asr.names import respelling
from wyoming_voice.asr.passages import Passage, told
from wyoming_voice.asr.recognition import Gate, Handed, Take, decoded
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import TooLarge
from wyoming_voice.media.decoding import Media
from wyoming_voice.worker import Priority, Worker

T = TypeVar("T")

__all__ = ["FINAL_S", "Job", "Passage", "transcribed"]

FINAL_S = 30.0
"""A file up to this long may be somebody's command, who waits; a longer one is BATCH."""

_QUIET_S = 10.0
"""So often it is told how far a file has been heard where nobody speaks."""

_SHORTEST_SAMPLES = RATE_HZ // 10


@dataclass(frozen=True)
class Job:
    """How a file is to be heard, and by whom.

    `deadline_s` bounds the wait for each item of work. `rank` BATCH never delays others by more than an item
    and has up to the engine's `at_once` windows at work; FINAL one after another. A file that is longer than
    `max_duration_s` is refused as soon as that is known.
    """

    choice: Choice
    gate: Gate
    worker: Worker
    deadline_s: float
    record: TurnRecord
    words: bool = False
    rank: Priority = Priority.BATCH
    task: Task = "transcribe"
    max_duration_s: float = math.inf


@dataclass(frozen=True, eq=False)
class _Window:
    piece: Piece
    work: "asyncio.Task[tuple[Segment, ...]]"


async def transcribed(source: BinaryIO | Path, job: Job) -> AsyncGenerator[Passage, None]:
    """What is said in a file, passage by passage, in order; use it under `contextlib.aclosing`.

    The last passage has heard all of it. `source` is read in the worker's threads: when the generator is
    closed early, one of them may be at it for the rest of a block, and reading a closed file does no harm.
    Raises BadAudio for what can't be read, TooLarge, Busy, DeadlineExceeded, EngineError.
    """
    hearing = _Hearing(source, job)
    try:
        async for passage in hearing.passages():
            yield passage
    finally:
        await hearing.drop()
        job.record.note(**hearing.facts())
        respelling.note(job.record, hearing.snaps)


class _Hearing:
    """One file that is being heard."""

    def __init__(self, source: BinaryIO | Path, job: Job) -> None:
        options = replace(job.choice.options, want_words=job.words, task=job.task)
        self._source = source
        self._job = job
        self._take = Take(replace(job.choice, options=options), job.gate, None)
        self._at_once = job.choice.engine.at_once
        self._windows: deque[_Window] = deque()
        self._language = options.language or ""
        self._total_s: float | None = None
        self._heard_s = 0.0
        self._count = self._words = self._names = 0
        self.snaps: list[Snap] = []

    async def passages(self) -> AsyncGenerator[Passage, None]:
        """All of them; see `transcribed`."""
        found = (
            self._together() if self._job.rank is Priority.BATCH else self._stream(self._in_turn)
        )
        async with contextlib.aclosing(found):
            async for passage in found:
                if passage is not None:
                    yield passage
        self._heard_s = self._total_s = self._take.recording.samples / RATE_HZ
        yield Passage((), self._heard_s, self._total_s, self._language)

    def _in_turn(self) -> Iterator[Passage | None]:
        """In a thread: the file's passages, with breaths, one window after the other."""
        for handed in self._blocks():
            yield None
            for one in handed:
                self._count += 1
                found: list[Segment] = []
                for segment in decoded(one, self._take.choice):
                    if segment is not None:
                        found.append(segment)
                    yield None
                yield self._passage(one.piece.end, self._told(one.piece, found))
            yield from self._quiet()

    async def _together(self) -> AsyncGenerator[Passage, None]:
        """The file's passages, several windows at work at a time."""
        blocks = self._stream(self._blocks)
        async with contextlib.aclosing(blocks):
            async for handed in blocks:
                for one in handed:
                    async for passage in self._told_until_free():
                        yield passage
                    self._begin(one)
                for passage in self._done():
                    yield passage
        while self._windows:
            await asyncio.wait((self._windows[0].work,))
            for passage in self._done():
                yield passage

    async def drop(self) -> None:
        """Give up what is at work; a thread ends the item that it has in hand."""
        for window in self._windows:
            window.work.cancel()
        if self._windows:
            await asyncio.wait([window.work for window in self._windows])
            for window in self._windows:  # an error of what nobody asks for any more is no error
                window.work.cancelled() or window.work.exception()

    def facts(self) -> dict[str, str | int]:
        """What the log says of it."""
        told: dict[str, str | int] = {"names": self._names} if self._names else {}
        return told | {
            "audio_ms": round(self._take.recording.heard_ms),
            "model": self._take.choice.engine.name,
            "language": self._language or "unknown",
            "windows": self._count,
            "words": self._words,
        }

    def _stream(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        job = self._job
        return job.worker.stream(
            make,
            deadline_s=job.deadline_s,
            priority=job.rank,
            record=job.record,
            until=job.choice.until,
        )

    def _blocks(self) -> Iterator[list[Handed]]:
        """In a thread: after each block of the file, what is settled by it and to be decoded."""
        take = self._take
        with Media(self._source) as media:
            self._total_s = media.duration_s
            self._refuse_longer_than(self._total_s or 0.0)
            for block in media.blocks(RATE_HZ):
                self._refuse_longer_than((take.recording.samples + len(block)) / RATE_HZ)
                take.recording.take(block)
                if take.listening is not None:
                    take.listening.follow(take.recording.probabilities)
                yield take.hand_over()
        take.finish()
        if take.recording.samples >= _SHORTEST_SAMPLES:
            yield take.hand_over()
            yield [take.handed(piece) for piece in take.pieces()]

    def _refuse_longer_than(self, duration_s: float) -> None:
        most_s = self._job.max_duration_s
        if duration_s > most_s:
            raise TooLarge(
                f"the file is longer than {most_s:g} s; cut it into shorter ones, or start the server "
                "with a larger --max-duration-s"
            ).about("file")

    def _begin(self, handed: Handed) -> None:
        self._count += 1
        self._windows.append(_Window(handed.piece, asyncio.create_task(self._decoded(handed))))

    async def _decoded(self, handed: Handed) -> tuple[Segment, ...]:
        steps = self._stream(lambda: decoded(handed, self._take.choice))
        async with contextlib.aclosing(steps):
            found = [segment async for segment in steps if segment is not None]
        return self._told(handed.piece, found)

    def _told(self, piece: Piece, found: Sequence[Segment]) -> tuple[Segment, ...]:
        self.snaps += [snap for segment in found for snap in segment.evidence.snaps]
        return told(found, piece, vad_heard=self._take.listening is not None)

    async def _told_until_free(self) -> AsyncGenerator[Passage, None]:
        """Wait until there is room for one more window; meanwhile, tell what is done."""
        while True:
            at_work = [window.work for window in self._windows if not window.work.done()]
            for passage in self._done():
                yield passage
            # Windows that are done wait for those before them, and hold but their text.
            if len(at_work) < self._at_once:
                return
            await asyncio.wait(at_work, return_when=asyncio.FIRST_COMPLETED)

    def _done(self) -> Iterator[Passage]:
        """The passages whose turn it is."""
        while self._windows and self._windows[0].work.done():
            window = self._windows.popleft()
            yield self._passage(window.piece.end, window.work.result())
        if not self._windows:
            yield from self._quiet()

    def _quiet(self) -> Iterator[Passage]:
        """How far all is heard, where nobody has spoken for long."""
        samples = self._take.recording.samples
        silent = self._take.listening is not None and not self._take.pieces()
        if silent and samples / RATE_HZ - self._heard_s >= _QUIET_S:
            yield self._passage(samples, ())

    def _passage(self, end: int, segments: tuple[Segment, ...]) -> Passage:
        self._heard_s = end / RATE_HZ
        self._names = max([self._names, *(segment.evidence.names for segment in segments)])
        self._words += sum(len(segment.text.split()) for segment in segments)
        if segments:
            self._language = segments[-1].language
        return Passage(segments, self._heard_s, self._total_s, self._language)
