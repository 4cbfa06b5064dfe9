"""Engines that hear and speak `codes`, and fail on a schedule: each in the way that is its turn.

Rule: only what holds a number takes a turn, so that rehearsals at the load cost none.
"""

import itertools
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import Enum

import numpy as np

from satellite.standalone.pace import TYPICAL_PACE, effort
from tests.chaos.codes import TUNE_MS, hum, numbers_heard, numbers_in, tune_of, word_of
from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Segment
from wyoming_voice.core.word_times import Mark
from wyoming_voice.errors import EngineError
from wyoming_voice.tts.engine import Sound, Utterance, never


class Fate(Enum):
    """What becomes of one call."""

    WORKS = "works"
    FAILS = "raises EngineError"
    BUG = "raises what nobody expects"
    MEMORY = "has no memory left"
    HALF = "yields half, then raises"
    STALLS = "takes longer than it may"
    DIES_FIRST = "kills its process before anything"
    DIES_HALFWAY = "kills its process in the middle"
    DIES_LAST = "kills its process after the last piece"


class Fates:
    """One for each call, over and over; `release` ends what stalls, `die` kills.

    `sent` waits until the tunes of these numbers have left the server, where anybody can tell.
    """

    def __init__(self, fates: Iterable[Fate] = (Fate.WORKS,)) -> None:
        self.die: Callable[[], object] = kill_this_process
        self.sent: Callable[[Collection[int]], object] = lambda numbers: None
        self._fates = itertools.cycle(fates)
        self.release = threading.Event()
        self.met: list[Fate] = []

    def next(self) -> Fate:
        fate = next(self._fates)
        self.met.append(fate)
        return fate

    def begin(self, fate: Fate) -> None:
        """What happens before the first piece."""
        match fate:
            case Fate.FAILS:
                raise EngineError("the engine failed on schedule")
            case Fate.BUG:
                raise ZeroDivisionError("a bug on schedule")
            case Fate.MEMORY:
                raise MemoryError("on schedule")
            case Fate.STALLS:
                self.release.wait(60)
            case Fate.DIES_FIRST:
                self.die()

    def halfway(self, fate: Fate) -> None:
        match fate:
            case Fate.HALF:
                raise EngineError("the engine failed halfway, on schedule")
            case Fate.DIES_HALFWAY:
                self.die()

    def end(self, fate: Fate, said: Collection[int] = ()) -> None:
        if fate is Fate.DIES_LAST:
            self.sent(said)
            self.die()


def kill_this_process() -> None:
    """As the kernel does it to who has taken too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


class CodeEars:
    """A recogniser of tunes; "garbled" is what it hears in anything else."""

    name = "codes"
    languages = ("en",)
    longest_s = 28.0

    def __init__(self, fates: Fates | None = None, at_once: int = 2) -> None:
        self.fates = fates or Fates()
        self.at_once = at_once

    def load(self) -> None:
        pass

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        fate = self.fates.next()
        self.fates.begin(fate)
        yield None
        self.fates.halfway(fate)
        words = [word_of(number) for number in numbers_heard(audio, RATE_HZ)] or ["garbled"]
        yield Segment(f" {' '.join(words)}", 0.0, len(audio) / RATE_HZ, options.language or "en")
        self.fates.end(fate)


class CodeVoice:
    """Hums at the pace of speech, and ends what holds a number's word with its tune."""

    sample_rate_hz = 16_000

    def __init__(self, fates: Fates | None = None) -> None:
        self.fates = fates or Fates()

    def load(self) -> None:
        pass

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        numbers = numbers_in(utterance.text)
        fate = self.fates.next() if numbers else Fate.WORKS
        self.fates.begin(fate)
        text, rate_hz = utterance.text, self.sample_rate_hz
        whole_ms = effort(text) / TYPICAL_PACE * 1000
        hummed = hum(max(40.0, whole_ms - len(numbers) * TUNE_MS), rate_hz)
        before = text.lower().index(word_of(numbers[0])) if numbers else len(text)
        yield Sound(hummed, (Mark(0, before, 0, len(hummed)),))
        self.fates.halfway(fate)
        if numbers:
            tunes = np.concatenate([tune_of(one, rate_hz) for one in numbers])
            yield Sound(tunes, (Mark(before, len(text), 0, len(tunes)),))
        self.fates.end(fate, numbers)
