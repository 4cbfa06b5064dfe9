"""A recogniser that says what a test wrote, as fast as the test lets it."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator, Sequence

from wyoming_voice.asr.engine import RATE_HZ, Audio, DecodeOptions, Segment
from wyoming_voice.errors import EngineError


class ScriptedEngine:
    """Answers each call with the next text (the last one for ever); `held` makes it wait within an item."""

    def __init__(
        self,
        *texts: str,
        name: str = "scripted",
        languages: Sequence[str] = ("en",),
        held: bool = False,
    ) -> None:
        self.name = name
        self.languages = tuple(languages)
        self.longest_s = 28.0
        self.at_once = 2
        self.languages_once_loaded = self.languages
        self.finished = 0
        self.failure: EngineError | None = None
        self.calls: list[tuple[float, DecodeOptions]] = []
        self.begun = threading.Semaphore(0)
        self.closed = threading.Event()
        self.may_go_on = threading.Event()
        if not held:
            self.may_go_on.set()
        self._texts = list(texts) or ["hello"]

    def load(self) -> None:
        self.languages = self.languages_once_loaded

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        duration_s = len(audio) / RATE_HZ
        text = self._texts[min(len(self.calls), len(self._texts) - 1)]
        self.calls.append((duration_s, options))
        try:
            self.begun.release()
            self.may_go_on.wait(10)
            if self.failure is not None:
                raise self.failure
            yield None
            self.finished += 1
            yield Segment(f" {text}", 0.0, duration_s, options.language or "en")
        finally:
            self.closed.set()


async def soon(signal: threading.Event | threading.Semaphore) -> None:
    """Wait in a thread until another thread has done something."""
    wait = signal.wait if isinstance(signal, threading.Event) else signal.acquire
    assert await asyncio.to_thread(wait, timeout=10)


class LoneEngine(ScriptedEngine):
    """Serves one request at a time to its end, as PocketSphinx does; the others take breaths meanwhile."""

    def __init__(self, *texts: str, held: bool = False) -> None:
        super().__init__(*texts, held=held)
        self._turn = threading.Lock()

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        while not self._turn.acquire(timeout=0.005):
            yield None
        try:
            yield from super().transcribe(audio, options)
        finally:
            self._turn.release()


class HashingEngine:
    """Writes a word that depends on every sample and on every option: another input is another text."""

    name = "hashing"
    languages = ("en",)
    at_once = 1

    def __init__(self, longest_s: float = 28.0) -> None:
        self.longest_s = longest_s
        self.heard_s: list[float] = []

    def load(self) -> None:
        pass

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        duration_s = len(audio) / RATE_HZ
        self.heard_s.append(duration_s)
        yield None
        word = hashlib.sha256(audio.tobytes() + repr(options).encode()).hexdigest()[:8]
        yield Segment(f" {word}", 0.0, duration_s, "en")


class LoudDetector:
    """A voice detector for which a frame is as much like speech as its loudest sample is loud."""

    def score(self, frame: Audio) -> float:
        return float(frame.max())
