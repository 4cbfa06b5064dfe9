"""What all requests of a TTS server share: the engine, the thread, and how fast the two have proved to be."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from wyoming_voice.tts.cache import CachingEngine
from wyoming_voice.tts.engine import Engine, Pace, Utterance
from wyoming_voice.tts.isolated import IsolatedVoice
from wyoming_voice.worker import Worker

_REHEARSAL = "This is how fast I can speak."


@dataclass
class Studio:
    """What all requests of a server share; `pace` is what the engine showed so far.

    `cache` stands in front of the engine; what it holds says nothing of the engine's pace.
    """

    engine: Engine
    worker: Worker
    deadline_s: float
    speed: float = 1.0
    pace: Pace = field(default_factory=Pace)
    cache: CachingEngine | None = None

    @property
    def isolated(self) -> IsolatedVoice | None:
        """The engine where it has a process of its own."""
        return self.engine if isinstance(self.engine, IsolatedVoice) else None

    @property
    def loaded(self) -> bool:
        """Whether the engine is in memory; it is but where it was unloaded, or has failed."""
        return self.isolated is None or self.isolated.loaded

    def wake(self) -> None:
        """Text is to come: an engine that was unloaded is loaded meanwhile."""
        if self.isolated is not None:
            self.isolated.wake()

    def prepare(self, utterance: Utterance, stopped: Callable[[], bool]) -> None:
        """In the worker's thread: have the cache hold what nobody has asked for. Raises EngineError.

        It is no use of an engine that is unloaded when nobody uses it, which raises NotLoaded then.
        """
        assert self.cache is not None, "who prepares has something to keep it in"
        voice = self.isolated
        speak = self.engine.synthesize if voice is None else voice.synthesize_aside
        for _ in self.cache.spoken(speak, utterance, stopped):
            pass

    def open(self, voice: str) -> None:
        """In the worker's thread: load the engine and measure its pace; raises EngineError.

        The first of two rehearsals pays for what an engine sets up when it first speaks.
        """
        self.engine.load()
        for _ in range(2):
            start_s = time.monotonic()
            sounds = self.engine.synthesize(Utterance(_REHEARSAL, voice))
            audio_s = sum(len(sound.samples) for sound in sounds) / self.engine.sample_rate_hz
            work_s = time.monotonic() - start_s
            self.pace = self.pace.measured(len(_REHEARSAL), audio_s, work_s, memory_s=0)
