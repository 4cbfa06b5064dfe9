"""One turn through three servers that are known: what is heard goes in, what is spoken comes out.

What happens is reported as it happens, in order of time, each with its time on the monotonic clock;
what was begun on a guess happens when the guess has come true. The stages themselves are those of
`standalone.exchange`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from satellite.hearing.ears import Ears, EarSettings
from satellite.standalone.conversation import Question
from satellite.standalone.errand import Errand, Wishes
from satellite.standalone.exchange import Exchange
from satellite.standalone.line import Server
from satellite.standalone.lines import Lines
from satellite.standalone.patience import ended
from satellite.standalone.reports import (
    Report,
    Spoken,
    Understood,
    UnderWay,
    Written,
    WrittenAll,
)
from satellite.standalone.script import WHOLE_SENTENCES
from satellite.standalone.tape import Tape
from wyoming_voice.audio import first_audible_s
from wyoming_voice.client import Sound, Supposed
from wyoming_voice.core.completeness import completeness
from wyoming_voice.core.endpointing import Endpoint, SpeechEnded
from wyoming_voice.core.opinions import Witness
from wyoming_voice.core.sentences import SentenceSplitter
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.vad import Silero

_PRE_ROLL_MS = 500
"""Speech is noticed after it has begun: so much of what came before is sent along."""


@dataclass(frozen=True)
class Servers:
    """The URIs of the three servers of a conversation: a directory with one server of a kind."""

    asr: str
    handle: str
    tts: str
    _known: dict[str, Server] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ranked(self, kind: str) -> Sequence[Server]:
        """The server of that kind, the same one each time, so that it is asked once what it can do."""
        return (self._known.setdefault(kind, Server(kind, getattr(self, kind))),)

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
class Guessed:
    """What will have been said if that was all; each takes the place of the one before."""

    at_s: float
    text: str


@dataclass(frozen=True)
class Transcribed:
    """What was said."""

    at_s: float
    text: str


@dataclass(frozen=True)
class Foreseen:
    """The guess was right: its answer was begun `since_s` ago, and what there is of it comes at once."""

    at_s: float
    since_s: float


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


Happening = (
    SpeechFound
    | SpeechOver
    | Guessed
    | Transcribed
    | Foreseen
    | FirstWords
    | SentenceWritten
    | Audible
)


class Turn:
    """One question and its spoken answer. Raises UpstreamError for what a server couldn't do."""

    def __init__(
        self,
        servers: Servers,
        report: Callable[[Happening], None],
        voice: str | None = None,
        language: str | None = None,
    ) -> None:
        self.record = record = TurnRecord("ask")
        # A conversation of one turn: its id is the turn's.
        self._question = Question(record.turn_id, {"conversation_id": record.turn_id})
        wishes = Wishes(voice or "", language or "", voice_matters=True)
        self._tell = report
        self._told = _Told(report)
        self._lines = Lines(servers)
        self._language = language or ""
        self._ears: Ears | None = None
        errand = Errand(self._lines, record, self._question, wishes)
        self._exchange = Exchange(errand, self._take)

    async def hear(self, frames: AsyncIterator[bytes], settings: EarSettings) -> str:
        """The transcript of the first utterance in frames of 512 samples of 16 kHz, 16-bit mono PCM.

        `""` when no speech was found, or none was understood.
        """
        utterance = Tape[bytes]()
        heard = _Listening(Ears(settings), settings.endpointing.frame_ms)
        self._ears = heard.ears
        self._lines.prepare()
        hearing: asyncio.Task[str] | None = None
        text = ""
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
                        self._lines.warm_up(self._question, self._language)
                        utterance.add(heard.ears.since(endpoint.at_ms - _PRE_ROLL_MS))
                        hearing = asyncio.create_task(self._exchange.hear(utterance))
                if hearing is not None and (utterance.complete or hearing.done()):
                    break
            text = await hearing if hearing is not None else ""
            return text
        finally:
            if hearing is not None:
                await ended(hearing)
            if not text:
                await self._hang_up()

    async def respond(self, text: str) -> list[Sound]:
        """The spoken answer to `text`, piece by piece as it came; what `hear` gave, or is typed."""
        self._lines.prepare(("handle", "tts"))
        try:
            await self._exchange.respond(text)
        finally:
            await self._hang_up()
            self._told.finish()
        return self._told.sounds

    async def _hang_up(self) -> None:
        await self._exchange.aclose()
        await self._lines.close()

    def _take(self, news: Report) -> None:
        if isinstance(news, Supposed) and self._ears is not None:
            looks = completeness(news.text, news.language or self._language)
            self._ears.expect(Witness.WORDS, looks)
        self._told.take(news)


class _Told:
    """Makes happenings of an exchange's reports.

    Speech begins with silence: its first audible sample comes before it could be heard, and is told then.
    """

    def __init__(self, report: Callable[[Happening], None]) -> None:
        self.sounds: list[Sound] = []
        self._report = report
        self._splitter = SentenceSplitter(WHOLE_SENTENCES)
        self._begun = False
        self._audible: Audible | None = None
        self._silence: asyncio.TimerHandle | None = None  # before what is audible

    def take(self, news: Report) -> None:
        match news:
            case Supposed(text):
                self._tell(Guessed(_now_s(), text))
            case Understood(text):
                self._tell(Transcribed(_now_s(), text))
            case UnderWay(for_s):
                self._tell(Foreseen(_now_s(), for_s))
            case Written(text):
                if not self._begun:
                    self._begun = True
                    self._tell(FirstWords(_now_s()))
                self._sentences(self._splitter.add(text))
            case WrittenAll():
                self._sentences(self._splitter.finish())
            case Spoken(sound):
                self._hear(sound)

    def _hear(self, sound: Sound) -> None:
        self.sounds.append(sound)
        offset_s = None if self._audible else first_audible_s(sound.pcm, sound.format)
        if offset_s is not None:
            self._audible = Audible(_now_s() + offset_s)
            self._silence = asyncio.get_running_loop().call_later(offset_s, self.finish)

    def finish(self) -> None:
        """Nothing comes before the first audible sample any more."""
        silence, self._silence = self._silence, None
        if silence is not None and self._audible is not None:
            silence.cancel()
            self._report(self._audible)

    def _tell(self, happening: Happening) -> None:
        if self._audible is not None and self._audible.at_s <= happening.at_s:
            self.finish()  # the timer may be late
        self._report(happening)

    def _sentences(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self._tell(SentenceWritten(_now_s(), sentence))


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
