"""One turn through an ASR, a handle and a TTS server: what is heard goes in, what is spoken comes out.

Text flows from handle to TTS as it is written, and speech back as it is made. What happens is reported
as it happens, each with its time on the monotonic clock.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import numpy as np

from satellite.ears import Ears, EarSettings, Heard, Send
from wyoming_voice.client import Sound, Speech, Utterance, answer
from wyoming_voice.core.endpointing import SpeechEnded, SpeechStarted
from wyoming_voice.core.sentences import SentenceSettings, SentenceSplitter
from wyoming_voice.core.timing import new_turn_id
from wyoming_voice.errors import UpstreamError
from wyoming_voice.vad import Silero
from wyoming_voice.wire import Connection, connect

AUDIBLE = 10 ** (-50 / 20)
"""The level above which a sample can be heard in a quiet room: -50 dBFS."""

_WHOLE_SENTENCES = SentenceSettings(first_clause_min_chars=250)


@dataclass(frozen=True)
class Servers:
    """The URIs of the three servers of a conversation."""

    asr: str
    handle: str
    tts: str


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


@dataclass
class Turn:
    """One question and its spoken answer. Raises UpstreamError for what a server couldn't do."""

    servers: Servers
    report: Callable[[Happening], None]
    voice: str | None = None
    language: str | None = None
    turn_id: str = field(default_factory=new_turn_id)

    async def hear(self, frames: AsyncIterator[bytes], settings: EarSettings) -> str:
        """The transcript of the first utterance in frames of 512 samples of 16 kHz, 16-bit mono PCM.

        `""` when no speech was found, or none was understood.
        """
        async with (
            _opened("asr", self.servers.asr) as connection,
            Utterance(connection, self.turn_id, self.language) as utterance,
        ):
            heard = _Listening(Ears(settings), settings.endpointing.frame_ms)
            async for event in heard.events(frames):
                match event:
                    case SpeechStarted():
                        self.report(SpeechFound(_now_s()))
                        await utterance.begin()
                    case Send(pcm):
                        await utterance.add(pcm)
                    case SpeechEnded(at_ms):
                        self.report(SpeechOver(heard.time_of(at_ms), _now_s()))
                        text = await utterance.transcript()
                        self.report(Transcribed(_now_s(), text))
                        return text
        return ""

    async def respond(self, text: str) -> list[Sound]:
        """The spoken answer to `text`, piece by piece as it came."""
        async with (
            _opened("handle", self.servers.handle) as handle,
            _opened("tts", self.servers.tts) as tts,
        ):
            speech = Speech(tts, self.turn_id, self.voice)
            await speech.begin()
            listening = asyncio.create_task(self._listen(speech))
            try:
                await self._relay(handle, text, speech)
                return await listening
            except ConnectionError:
                await listening  # a server that refuses says so before it hangs up
                raise
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _relay(self, handle: Connection, text: str, speech: Speech) -> None:
        splitter = SentenceSplitter(_WHOLE_SENTENCES)
        begun = False
        async with contextlib.aclosing(
            answer(handle, text, self.turn_id, self.language)
        ) as written:
            async for delta in written:
                if not begun:
                    begun = True
                    self.report(FirstWords(_now_s()))
                await speech.add(delta)
                self._report_sentences(splitter.add(delta))
        await speech.end()
        self._report_sentences(splitter.finish())

    def _report_sentences(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self.report(SentenceWritten(_now_s(), sentence))

    async def _listen(self, speech: Speech) -> list[Sound]:
        sounds: list[Sound] = []
        audible = False
        async with contextlib.aclosing(speech.sounds()) as arriving:
            async for sound in arriving:
                sounds.append(sound)
                offset_s = None if audible else first_audible_s(sound)
                if offset_s is not None:
                    audible = True
                    self.report(Audible(_now_s() + offset_s))
        return sounds


def first_audible_s(sound: Sound) -> float | None:
    """Seconds to the first sample of 16-bit PCM that can be heard; None when all is silence."""
    samples = np.frombuffer(sound.pcm, "<i2").astype(np.float32) / 32768.0
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE)
    return float(loud[0]) / (sound.format.rate_hz * sound.format.channels) if len(loud) else None


class _Listening:
    """Runs the ears over a stream of frames, and knows when each frame came."""

    def __init__(self, ears: Ears, frame_ms: int) -> None:
        self._ears = ears
        self._frame_ms = frame_ms
        self._times_s: list[float] = []

    async def events(self, frames: AsyncIterator[bytes]) -> AsyncIterator[Heard]:
        silero = Silero()
        async for pcm in frames:
            self._times_s.append(_now_s())
            samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0
            for event in self._ears.push(pcm, silero.score(samples)):
                yield event
        for event in self._ears.finish():
            yield event

    def time_of(self, at_ms: int) -> float:
        """When the frame that ends at `at_ms` came."""
        return self._times_s[max(0, at_ms // self._frame_ms - 1)]


@contextlib.asynccontextmanager
async def _opened(kind: str, uri: str) -> AsyncIterator[Connection]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(connect(uri))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise UpstreamError(f"no {kind} server answers at {uri}: {reason}") from error
        yield connection


def _now_s() -> float:
    return time.monotonic()
