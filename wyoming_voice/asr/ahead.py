"""Decodes before the utterance has ended what its end will need, for one take.

What is decoded ahead goes into the take's memo, and there alone: settled windows of long speech, the whole
of it in a pause, and partials. Rules: nothing is begun while the engine is at work for anybody, so that it
costs nobody anything; who comes meanwhile waits for the item in hand alone; what the audio has overtaken is
dropped; what the end turns out to need is promoted.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from wyoming_voice.asr.engine import RATE_HZ, Audio, Segment
from wyoming_voice.asr.memo import Effort, Piece
from wyoming_voice.asr.partials import Partials
from wyoming_voice.asr.recognition import Gate, Recognised, Take
from wyoming_voice.asr.windows import TAIL_FRAMES
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.opinions import Witness
from wyoming_voice.errors import VoiceError
from wyoming_voice.vad import FRAME_MS
from wyoming_voice.worker import Priority, Standing, Worker

_PACE = 0.5
"""Audio that comes at more than twice its own pace is no microphone's, and its pauses are not waited for."""

_JUDGED_SAMPLES = 8 * RATE_HZ


class Judge(Protocol):
    """Hears whether somebody has finished: `smart_turn.SmartTurn`. Asked by one thread at a time."""

    def completeness(self, audio: Audio) -> Completeness:
        """What the last seconds sound like."""


@dataclass(frozen=True)
class House:
    """What all utterances of a server share.

    `clock` gives seconds; its origin means nothing. `judge` is asked at the pauses of utterances that the
    server ends. `begun` holds the decodes ahead that have not ended, of which there is one at most.
    """

    gate: Gate
    worker: Worker
    deadline_s: float
    speculate_after_ms: int
    clock: Callable[[], float]
    judge: Judge | None = None
    begun: "set[_Decode]" = field(default_factory=set)

    @property
    def free(self) -> bool:
        """Whether the engine has nothing to do; a decode that was begun may not have asked for it yet."""
        return self.worker.idle and not self.begun

    @property
    def speculate_after_frames(self) -> int | None:
        """How long a pause is when what came before it is decoded; None: never."""
        if not self.speculate_after_ms:
            return None
        return max(TAIL_FRAMES, math.ceil(self.speculate_after_ms / FRAME_MS))


@dataclass(frozen=True)
class News:
    """What an utterance is as far as `audio_ms`; `supposed`: nothing but silence has come since it ended."""

    result: Recognised
    audio_ms: int
    supposed: bool


@dataclass(eq=False)
class _Decode:
    """`whole`: all pieces of the audio at the time when the last of them was begun, None for a commit.

    `heard`: what the judge is to hear; `sound`: what it says of that.
    """

    piece: Piece
    whole: list[Piece] | None
    standing: Standing
    heard_ms: float
    effort: Effort = field(default_factory=Effort)
    heard: Audio | None = None
    sound: Completeness | None = None
    failed: bool = False
    breathing: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def partial(self) -> bool:
        return self.standing.priority is Priority.PARTIAL

    @property
    def supposed(self) -> bool:
        return self.whole is not None and not self.partial


class Ahead:
    """The decodes of one take that are begun before its end, one at a time.

    `supposed`: of those that were begun in a pause, on the chance that it is the end.
    """

    def __init__(
        self, take: Take, house: House, partials: Partials | None, changed: Callable[[], None]
    ) -> None:
        """`changed` is called when a decode has ended: a reason to `follow`."""
        self.take = take
        self.supposed: list[Effort] = []
        self._house = house
        self._partials = partials
        self._changed = changed
        self._current: _Decode | None = None
        self._failed: set[Piece] = set()
        self._loud_frame = 0
        self._loud_at_s = 0.0

    def follow(self) -> News | None:
        """After each change: take in what came, drop, begin; what a decode that has ended says."""
        self.take.follow()
        self._note_pace()
        news = self._collected()
        if self._current is not None:
            self._note_sound(self._current)
            if self._overtaken(self._current):
                self.drop()
        if self._current is None and not self.take.ended and self._free():
            self._begin()
        return news

    async def finish(self) -> None:
        """The utterance is over: see to its end what is in progress and needed, drop what is not."""
        decode = self._current
        if decode is None or decode.task is None:
            return
        if not self._needed(decode.piece):
            self.drop()
            return
        self._house.worker.promote(decode.standing, Priority.FINAL)
        await asyncio.wait((decode.task,))
        self._collected()

    def drop(self) -> None:
        """Give up what is in progress; a thread ends the item that it has in hand."""
        decode, self._current = self._current, None
        if decode is None or decode.task is None:
            return
        decode.task.cancel()
        self._note_partial(decode)

    def _needed(self, piece: Piece) -> bool:
        if self.take.up_to_date:
            return piece in self.take.pieces()
        return piece in self.take.settled()

    def _note_pace(self) -> None:
        """Keep when the last frame before the pause came in."""
        if (listening := self.take.listening) is None:
            return
        loud_frame = listening.frames - listening.silence_frames
        if loud_frame != self._loud_frame:
            self._loud_frame, self._loud_at_s = loud_frame, self._house.clock()

    def _free(self) -> bool:
        return self.take.up_to_date and self._house.free

    def _overtaken(self, decode: _Decode) -> bool:
        """Whether what a decode will say has become useless, or is in the way."""
        if self._in_the_way(decode):
            return True
        if decode.partial:
            return self._pausing()
        return decode.supposed and decode.piece not in self.take.pieces()

    def _in_the_way(self, decode: _Decode) -> bool:
        """Whether others wait while there is more of it to do; an engine may serve one at a time."""
        others = self._house.worker.requests > 1
        return others and decode.breathing and decode.standing.priority is not Priority.FINAL

    def _pausing(self) -> bool:
        """Whether this may be the end of the utterance."""
        after, listening = self._house.speculate_after_frames, self.take.listening
        if after is None or listening is None or listening.silence_frames < after:
            return False
        waited_s = self._house.clock() - self._loud_at_s
        return waited_s >= _PACE * after * FRAME_MS / 1000

    def _begin(self) -> None:
        """Decode what is worth it, if anything."""
        for piece in self.take.settled():
            if self._open(piece):
                self._start(piece, None, Priority.SPECULATIVE)
                return
        pausing = self._pausing()
        if not pausing and not self._partial_due():
            return
        whole = self.take.pieces()
        if whole and self._open(whole[-1]):
            self._start(whole[-1], whole, Priority.SPECULATIVE if pausing else Priority.PARTIAL)

    def _open(self, piece: Piece) -> bool:
        return piece not in self.take.memo and piece not in self._failed

    def _partial_due(self) -> bool:
        recording = self.take.recording
        return self._partials is not None and self._partials.due(
            recording.heard_ms, recording.probabilities
        )

    def _start(self, piece: Piece, whole: list[Piece] | None, priority: Priority) -> None:
        heard_ms = self.take.recording.heard_ms
        decode = self._current = _Decode(piece, whole, Standing(priority), heard_ms)
        if decode.supposed:
            self.supposed.append(decode.effort)
            decode.heard = self._to_be_judged()
        decode.task = asyncio.create_task(self._decode(decode))
        decode.task.add_done_callback(lambda _: self._ended(decode))
        self._house.begun.add(decode)

    def _ended(self, decode: _Decode) -> None:
        self._house.begun.discard(decode)
        self._changed()

    def _to_be_judged(self) -> Audio | None:
        """The last seconds, where it matters how they sound."""
        listening, samples = self.take.listening, self.take.recording.samples
        if self._house.judge is None or listening is None or not listening.decides:
            return None
        return self.take.recording.part(max(0, samples - _JUDGED_SAMPLES), samples)

    def _work(self, decode: _Decode, audio: Audio) -> Iterator[Segment | None]:
        """In a thread: how a pause sounds, in some 50 ms, where somebody wants to know; then the decode."""
        if decode.heard is not None and self._house.judge is not None:
            decode.sound = self._house.judge.completeness(decode.heard)
            yield None
        yield from self.take.decode(decode.piece, audio, decode.effort)

    async def _decode(self, decode: _Decode) -> None:
        audio = self.take.audio(decode.piece)
        breaths = self._house.worker.stream(
            lambda: self._work(decode, audio),
            deadline_s=self._house.deadline_s,
            priority=decode.standing,
            until=self.take.choice.until,
        )
        try:
            async with contextlib.aclosing(breaths):
                async for segment in breaths:
                    decode.breathing = segment is None
                    if decode.sound is not None:
                        self._changed()
                    if self._in_the_way(decode):
                        return
        except VoiceError:  # whoever needs the piece in the end will try again, and be told
            decode.failed = True

    def _collected(self) -> News | None:
        """What the decode in progress says, once it has ended."""
        decode = self._current
        if decode is None or decode.task is None or not decode.task.done():
            return None
        self._current = None
        self._note_partial(decode)
        self._note_sound(decode)
        decode.task.result()
        if decode.failed:
            self._failed.add(decode.piece)
            return None
        if decode.whole is None or (decode.supposed and decode.whole != self.take.pieces()):
            return None
        result = self.take.result_of(decode.whole)
        return News(result, round(decode.heard_ms), decode.supposed) if result else None

    def _note_sound(self, decode: _Decode) -> None:
        """Tell the end what the judge says, if that is still said of the pause that lasts."""
        sound, decode.sound = decode.sound, None
        listening = self.take.listening
        if sound is not None and listening is not None and decode.whole == self.take.pieces():
            listening.expect(Witness.SOUND, sound)

    def _note_partial(self, decode: _Decode) -> None:
        if decode.partial and self._partials is not None:
            spent_ms = decode.effort.ms(0.0, time.monotonic())
            self._partials.made(decode.heard_ms, spent_ms)
