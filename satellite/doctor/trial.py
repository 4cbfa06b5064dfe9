"""The satellite's own path of sound on trial: a microphone and a loudspeaker that run, and what is heard.

Rule: every wait has an end, whatever a device does; what is kept before and after cleaning, and of what was
played, is of one time.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import numpy as np

from satellite.events import Event, MicrophoneLost, MicrophoneReady, PlaybackHeard
from satellite.hearing.chain import Hearing, SpeechDetector, WakeDetector
from satellite.hearing.echo import Cleaner, FarEnd
from satellite.hearing.mic import Microphone
from satellite.parts import Audio, DeviceError, HeardFrame, Sink, Source
from satellite.speaking.speaker import Speaker, SpeakerSettings
from wyoming_voice.audio import to_mono
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import SPEECH

_TEST_PLAYBACK = 1


@dataclass(frozen=True)
class Times:
    """How long is listened, and the longest waits for devices; all in seconds."""

    settle_s: float = 0.3
    quiet_s: float = 1.5
    speak_s: float = 4.0
    after_s: float = 0.5
    open_s: float = 5.0
    slack_s: float = 2.0
    close_s: float = 2.5


@dataclass(frozen=True)
class Patient:
    """What is to be examined; `phrases` are those that `wake` listens for, `asked` whether people are."""

    source: Source
    sink: Sink
    cleaner: Cleaner
    wake: WakeDetector | None = None
    detector: SpeechDetector | None = None
    phrases: tuple[str, ...] = ()
    speaker: SpeakerSettings = field(default_factory=SpeakerSettings)
    gain_db: float = 0.0
    threshold: float = 0.5
    silent: str = ""  # why nothing is to be played
    asked: bool = False
    times: Times = field(default_factory=Times)


@dataclass(frozen=True)
class Heard:
    """What was heard in a while: as the microphone gave it, cleaned, and what was played meanwhile."""

    raw: Audio
    cleaned: Audio
    played: Audio
    frames: tuple[HeardFrame, ...]


class Trial:
    """A microphone and a loudspeaker that run, and what comes of them."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient
        self._far_end = _ShownFarEnd()
        hearing = Hearing(
            self._far_end, patient.cleaner, patient.wake, patient.detector, patient.gain_db
        )
        hearing.record = self._record
        self._microphone = Microphone(patient.source, hearing, self._post, self._hear)
        self._speaker = Speaker(self._post, patient.sink, patient.speaker, self._far_end.write)
        self._pieces: deque[tuple[bytes, bytes, Audio]] = deque()  # filled in the mic's thread
        self._frames: list[HeardFrame] = []
        self._news = asyncio.Event()
        self._ready = False
        self._lost = ""
        self._played = False

    @classmethod
    @contextlib.asynccontextmanager
    async def begun(cls, patient: Patient) -> AsyncIterator["Trial"]:
        """One that runs; its devices are closed at the end."""
        trial = cls(patient)
        tasks = [
            asyncio.create_task(trial._microphone.run()),
            asyncio.create_task(trial._speaker.run()),
        ]
        try:
            yield trial
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=patient.times.close_s)

    async def open(self) -> float:
        """Wait for the microphone's first sound; how many seconds that took. Raises DeviceError."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await self._until(lambda: self._ready, self._patient.times.open_s)
        return loop.time() - began_s

    async def hear(self, seconds: float) -> Heard:
        """What is heard from here on. Raises DeviceError when the microphone goes."""
        self._forget()
        wanted = round(seconds * SPEECH.rate_hz)
        await self._until(
            lambda: self._heard_samples() >= wanted, seconds + self._patient.times.slack_s
        )
        return self._kept()

    async def play(self, sound: Sound) -> Heard:
        """Play a sound, and hear it, if there is a microphone. Raises DeviceError without a loudspeaker."""
        self._forget()
        self._lost = ""
        self._speaker.begin(_TEST_PLAYBACK)
        self._speaker.play(_TEST_PLAYBACK, sound)
        self._speaker.end(_TEST_PLAYBACK)
        times = self._patient.times
        await self._until(
            lambda: self._played, times.open_s + sound.ms / 1000 + times.slack_s, or_lost=False
        )
        status = self._speaker.status()
        if not status["open"]:
            raise DeviceError(str(status["trouble"]) or "the loudspeaker has not opened")
        if self._ready:
            await self._rest_of_echo()
        return self._kept()

    async def _rest_of_echo(self) -> None:
        times = self._patient.times
        wanted = self._heard_samples() + round(times.after_s * SPEECH.rate_hz)
        with contextlib.suppress(DeviceError):  # what has been heard will do
            await self._until(
                lambda: self._heard_samples() >= wanted, times.after_s + times.slack_s
            )

    async def _until(
        self, holds: Callable[[], bool], limit_s: float, *, or_lost: bool = True
    ) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while not holds():
                    if or_lost and self._lost:
                        raise DeviceError(self._lost)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            device = self._patient.source.name if or_lost else self._patient.sink.name
            what = "gives no sound" if or_lost else "takes no sound"
            raise DeviceError(
                f"{device} {what} for {limit_s:g} s; is its server stopped?"
            ) from error

    def _post(self, event: Event) -> None:
        match event:
            case MicrophoneReady():
                self._ready, self._lost = True, ""
            case MicrophoneLost(reason):
                self._ready, self._lost = False, reason
            case PlaybackHeard():
                self._played = True
        self._news.set()

    def _hear(self, frame: HeardFrame) -> None:
        self._frames.append(frame)
        self._news.set()

    def _record(self, raw: bytes, cleaned: bytes) -> None:
        self._pieces.append((raw, cleaned, self._far_end.last))

    def _heard_samples(self) -> int:
        return sum(len(far) for _, _, far in tuple(self._pieces))

    def _forget(self) -> None:
        self._pieces.clear()
        self._frames.clear()

    def _kept(self) -> Heard:
        pieces = tuple(self._pieces)
        return Heard(
            raw=to_mono(b"".join(raw for raw, _, _ in pieces), SPEECH),
            cleaned=to_mono(b"".join(cleaned for _, cleaned, _ in pieces), SPEECH),
            played=np.concatenate([np.zeros(0, np.float32), *(far for _, _, far in pieces)]),
            frames=tuple(self._frames),
        )


class _ShownFarEnd(FarEnd):
    """A far end that shows what the microphone's thread has read last."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Audio = np.zeros(0, np.float32)

    def read(self, count: int) -> Audio:
        """See `FarEnd`."""
        self.last = super().read(count)
        return self.last
