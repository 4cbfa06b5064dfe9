"""One turn through three servers that are known: what is heard goes in, what is spoken comes out.

What happens is reported as it happens, each with its time on the monotonic clock. The stages themselves
are those of `standalone.exchange`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from satellite.hearing.ears import Ears, EarSettings
from satellite.standalone.exchange import Exchange, Wishes, ended
from satellite.standalone.lines import Lines, Server
from satellite.standalone.reports import Report, Spoken, Understood, Written, WrittenAll
from satellite.standalone.script import WHOLE_SENTENCES
from satellite.standalone.tape import Tape
from wyoming_voice.client import Sound
from wyoming_voice.core.endpointing import Endpoint, SpeechEnded
from wyoming_voice.core.sentences import SentenceSplitter
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.vad import Silero

AUDIBLE = 10 ** (-50 / 20)
"""The level above which a sample can be heard in a quiet room: -50 dBFS."""

_PRE_ROLL_MS = 500
"""Speech is noticed after it has begun: so much of what came before is sent along."""


@dataclass(frozen=True)
class Servers:
    """The URIs of the three servers of a conversation: a directory with one server of a kind."""

    asr: str
    handle: str
    tts: str

    def ranked(self, kind: str) -> Sequence[Server]:
        """The server of that kind."""
        return (Server(kind, getattr(self, kind)),)

    def worked(self, server: Server) -> None:
        """It stays the only one."""

    def failed(self, server: Server, reason: str) -> None:
        """It stays the only one."""


@dataclass(frozen=True)
class SpeechFound:
    """The voice detector heard speech begin."""

    at_s: float


@dataclass(frozen=True)
class SpeechOver:
    """Speech has ended: `at_s` is its last frame, `noticed_s` when the silence had lasted long enough."""

    at_s: float
    noticed_s: float


@dataclass(frozen=True)
class Transcribed:
    """What was said."""

    at_s: float
    text: str


@dataclass(frozen=True)
class FirstWords:
    """The language model has begun to answer."""

    at_s: float


@dataclass(frozen=True)
class SentenceWritten:
    """The next sentence of the answer is complete."""

    at_s: float
    text: str


@dataclass(frozen=True)
class Audible:
    """The first sample that can be heard has arrived, and would be heard at `at_s` if played at once."""

    at_s: float


Happening = SpeechFound | SpeechOver | Transcribed | FirstWords | SentenceWritten | Audible


class Turn:
    """One question and its spoken answer. Raises UpstreamError for what a server couldn't do."""

    def __init__(
        self,
        servers: Servers,
        report: Callable[[Happening], None],
        voice: str | None = None,
        language: str | None = None,
    ) -> None:
        record = TurnRecord("ask")
        # A conversation of one turn: its id is the turn's.
        context = {"conversation_id": record.turn_id}
        wishes = Wishes(voice or "", language or "", context, voice_matters=True)
        self._tell = report
        self._told = _Told(report)
        self._exchange = Exchange(Lines(servers), self._told.take, record, wishes)

    async def hear(self, frames: AsyncIterator[bytes], settings: EarSettings) -> str:
        """The transcript of the first utterance in frames of 512 samples of 16 kHz, 16-bit mono PCM.

        `""` when no speech was found, or none was understood.
        """
        utterance = Tape[bytes]()
        heard = _Listening(Ears(settings), settings.endpointing.frame_ms)
        hearing: asyncio.Task[str] | None = None
        try:
            async for pcm, endpoints in heard.frames(frames):
                if hearing is not None:
                    utterance.add(pcm)
                for endpoint in endpoints:
                    if isinstance(endpoint, SpeechEnded):
                        self._tell(SpeechOver(heard.time_of(endpoint.at_ms), _now_s()))
                        utterance.finish()
                    else:
                        self._tell(SpeechFound(_now_s()))
                        utterance.add(heard.ears.since(endpoint.at_ms - _PRE_ROLL_MS))
                        hearing = asyncio.create_task(self._exchange.hear(utterance))
                if hearing is not None and (utterance.complete or hearing.done()):
                    break
            return await hearing if hearing is not None else ""
        finally:
            if hearing is not None:
                await ended(hearing)

    async def respond(self, text: str) -> list[Sound]:
        """The spoken answer to `text`, piece by piece as it came."""
        await self._exchange.respond(text)
        return self._told.sounds


class _Told:
    """Makes happenings of an exchange's reports."""

    def __init__(self, report: Callable[[Happening], None]) -> None:
        self.sounds: list[Sound] = []
        self._report = report
        self._splitter = SentenceSplitter(WHOLE_SENTENCES)
        self._begun = False
        self._audible = False

    def take(self, news: Report) -> None:
        match news:
            case Understood(text):
                self._report(Transcribed(_now_s(), text))
            case Written(text):
                if not self._begun:
                    self._begun = True
                    self._report(FirstWords(_now_s()))
                self._sentences(self._splitter.add(text))
            case WrittenAll():
                self._sentences(self._splitter.finish())
            case Spoken(sound):
                self._hear(sound)

    def _hear(self, sound: Sound) -> None:
        self.sounds.append(sound)
        offset_s = None if self._audible else first_audible_s(sound)
        if offset_s is not None:
            self._audible = True
            self._report(Audible(_now_s() + offset_s))

    def _sentences(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self._report(SentenceWritten(_now_s(), sentence))


def first_audible_s(sound: Sound) -> float | None:
    """Seconds to the first sample of 16-bit PCM that can be heard; None when all is silence."""
    samples = np.frombuffer(sound.pcm, "<i2").astype(np.float32) / 32768.0
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE)
    return float(loud[0]) / (sound.format.rate_hz * sound.format.channels) if len(loud) else None


class _Listening:
    """Runs the ears over a stream of frames, and knows when each frame came."""

    def __init__(self, ears: Ears, frame_ms: int) -> None:
        self.ears = ears
        self._frame_ms = frame_ms
        self._times_s: list[float] = []

    async def frames(
        self, frames: AsyncIterator[bytes]
    ) -> AsyncIterator[tuple[bytes, list[Endpoint]]]:
        silero = Silero()
        async for pcm in frames:
            self._times_s.append(_now_s())
            samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0
            yield pcm, self.ears.push(pcm, silero.score(samples))
        yield b"", self.ears.finish()

    def time_of(self, at_ms: int) -> float:
        """When the frame that ends at `at_ms` came."""
        return self._times_s[max(0, at_ms // self._frame_ms - 1)]


def _now_s() -> float:
    return time.monotonic()
