"""The TTS server: Wyoming's `synthesize` events in, audio out, for any client.

Each request is answered by one `audio-start`, chunks of one constant format, one `audio-stop`; a stream
then by `synthesize-stopped`, also when it was empty or failed. Rule: a stream's text is taken in as it
comes while its speech is made and sent.
"""

import asyncio
import contextlib
import functools
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Attribution, Info, TtsVoice
from wyoming.info import TtsProgram as TtsProgramInfo
from wyoming.tts import SynthesizeStopped

from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.describing import Description
from wyoming_voice.errors import PeerError, VoiceError
from wyoming_voice.extensions import SPOKEN_CHARS, SPOKEN_MARKS
from wyoming_voice.isolation.isolated import Isolated, NotLoaded, numbers
from wyoming_voice.program import Request
from wyoming_voice.tts import engines
from wyoming_voice.tts.cache import CachingEngine, openers
from wyoming_voice.tts.engine import Engine
from wyoming_voice.tts.session import (
    CloseStream,
    Effect,
    OpenStream,
    Session,
    SpeakText,
    StreamText,
    Wish,
)
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.source import TextSource
from wyoming_voice.tts.speech import Speech, one_ahead
from wyoming_voice.tts.ssml import SsmlStripper
from wyoming_voice.tts.studio import Studio
from wyoming_voice.tts.voices import Catalogue
from wyoming_voice.worker import Priority, Worker

if TYPE_CHECKING:
    from fastapi import APIRouter

    from wyoming_voice.http.floor import Floor

_log = logging.getLogger(__name__)

_IDLE_S = 1.0
"""How often it is looked whether nobody wants anything; nor is anything made ahead sooner after `load`."""

_LOAD_DEADLINE_S = 3600.0
"""Fetching the model may be a part of loading it."""


class TtsProgram:
    """The TTS server's side of the service: one engine, its voices, one thread."""

    kind = "tts"

    def __init__(
        self,
        settings: TtsSettings,
        engine: Engine,
        catalogue: Catalogue,
        made_by: Attribution,
        cache: CachingEngine | None = None,
    ) -> None:
        """`cache` stands in front of `engine`, where its speech is worth keeping."""
        self._worker = Worker("tts", max_requests=settings.max_queue)
        self._studio = Studio(
            engine, self._worker, settings.deadline_s, settings.speed, cache=cache
        )
        self._isolated = [engine] if isinstance(engine, Isolated) else []
        self._preparation: asyncio.Task[None] | None = None
        self._settings = settings
        self._catalogue = catalogue
        described = _described(settings, catalogue, made_by)
        self.info: Info = Description(tts=[described], extensions=frozenset({SPOKEN_MARKS}))

    @property
    def busy(self) -> bool:
        """Whether the thread is in the middle of an item."""
        return self._worker.busy

    @property
    def healthy(self) -> bool:
        """Whether the thread has not been at one item for far too long."""
        lost = any(engine.hopeless for engine in self._isolated)
        return not lost and not self._worker.stuck(self._settings.stuck_s)

    @property
    def reloading(self) -> bool:
        """Whether an engine in a process of its own has failed and is not back yet."""
        return any(engine.failing for engine in self._isolated)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """How full it is, for Prometheus."""
        yield from self._worker.numbers()
        yield from numbers(self._isolated)

    async def load(self) -> None:
        """Load the engine in the thread and hear it once; raises EngineError."""
        default = self._catalogue.voices[0].name
        opening = functools.partial(self._studio.open, default)
        await self._worker.call(opening, deadline_s=_LOAD_DEADLINE_S)
        if self._studio.cache is not None:
            self._preparation = asyncio.create_task(self._prepare())

    def converse(self) -> "TtsConversation":
        """One new connection."""
        return TtsConversation(self._settings, self._studio, self._catalogue)

    def speech(self, source: TextSource, record: TurnRecord) -> Speech:
        """The default voice with a text, once loaded; for who needs no connection."""
        return Speech(self._studio, self._catalogue.voices[0], source, record)

    @property
    def sample_rate_hz(self) -> int:
        """Of what it says."""
        return self._studio.engine.sample_rate_hz

    def routes(self, floor: "Floor") -> "Sequence[APIRouter]":
        """What HTTP clients are served with; loads what that takes."""
        from wyoming_voice.tts.http import Booth, routers  # 20 MB that few need

        name = self.info.tts[0].name
        return routers(Booth(name, self._studio, self._catalogue, self._settings), floor)

    async def close(self) -> None:
        """Take no more work."""
        if self._preparation is not None:
            self._preparation.cancel()
            await asyncio.gather(self._preparation, return_exceptions=True)
        self._worker.close()
        for engine in self._isolated:
            engine.close()

    async def _prepare(self) -> None:
        """Make the default voice's openers while nobody wants anything; whoever comes interrupts it."""
        voice, worker = self._catalogue.voices[0], self._worker
        left = deque(openers(voice.name, voice.language, self._studio.speed))
        while left:
            await asyncio.sleep(_IDLE_S)
            if not worker.idle or not self._studio.loaded:  # which this is no reason to load it for
                continue
            making = functools.partial(self._studio.prepare, left[0], lambda: worker.requests > 1)
            try:
                deadline_s = self._settings.deadline_s
                await worker.call(making, deadline_s=deadline_s, priority=Priority.BATCH)
            except NotLoaded:
                continue
            except VoiceError as error:
                _log.info("openers are not made ahead: %s", error)
                return
            if worker.idle:  # else it may have been interrupted
                left.popleft()


class TtsConversation:
    """One connection; a stream that is open has a Request that waits for its text."""

    def __init__(self, settings: TtsSettings, studio: Studio, catalogue: Catalogue) -> None:
        self._session = Session(settings.max_text_chars)
        self._studio = studio
        self._catalogue = catalogue
        self._chunk_ms = settings.chunk_ms
        self._stream: TextSource | None = None

    def push(self, event: Event) -> Request | None:
        """Take one event. Raises PeerError, or hands it to the open stream, which then ends with it."""
        record = TurnRecord.within("tts", event.data.get("context"))
        try:
            effects = self._session.push(event.type, event.data)
        except PeerError as error:
            if self._stream is None:
                raise
            self._stream.fail(error)
            return None
        requests = [self._carry_out(effect, record) for effect in effects]
        return next((request for request in requests if request is not None), None)

    def _carry_out(self, effect: Effect, record: TurnRecord) -> Request | None:
        match effect:
            case SpeakText(text, wish, ssml):
                source = TextSource(SsmlStripper() if ssml else None)
                source.put(text)
                source.close()
                return Request(record, self._spoken(source, wish, record))
            case OpenStream(wish, ssml):
                self._studio.wake()
                self._stream = TextSource(SsmlStripper() if ssml else None)
                stopped = SynthesizeStopped().event()
                replies = self._streamed(self._stream, wish, record, stopped)
                return Request(record, replies, farewell=(stopped,))
            case StreamText(text) if self._stream is not None:
                self._stream.put(text)
            case CloseStream() if self._stream is not None:
                self._stream.close()
                self._stream = None
        return None

    async def _streamed(
        self, source: TextSource, wish: Wish, record: TurnRecord, stopped: Event
    ) -> AsyncGenerator[Event, None]:
        async with contextlib.aclosing(self._spoken(source, wish, record)) as events:
            async for event in events:
                yield event
        yield stopped

    async def _spoken(
        self, source: TextSource, wish: Wish, record: TurnRecord
    ) -> AsyncGenerator[Event, None]:
        """The events of one piece of speech; raises UnknownChoice, and what `Speech.audio` raises."""
        voice = self._catalogue.choose(wish.name, wish.language)
        sound = AudioFormat(self._studio.engine.sample_rate_hz, width_bytes=2, channels=1)
        chunk_bytes = sound.size_bytes(self._chunk_ms)
        head: Event | None = AudioStart(sound.rate_hz, sound.width_bytes, sound.channels).event()
        speech = Speech(self._studio, voice, source, record)
        async with contextlib.aclosing(one_ahead(speech.audio())) as pieces:
            async for piece in pieces:
                if head is not None:
                    yield head
                    head = None
                for at in range(0, len(piece.pcm), chunk_bytes):
                    chunk = _chunk(sound, piece.pcm[at : at + chunk_bytes])
                    if (
                        wish.marks
                        and piece.chars is not None
                        and at + chunk_bytes >= len(piece.pcm)
                    ):
                        chunk.data[SPOKEN_CHARS] = piece.chars
                    yield chunk
                    await asyncio.sleep(0)  # who reads fast never makes us wait: let others run
        yield AudioStop().event()


def _chunk(sound: AudioFormat, pcm: bytes) -> Event:
    return AudioChunk(sound.rate_hz, sound.width_bytes, sound.channels, pcm).event()


def build(settings: TtsSettings) -> TtsProgram:
    """The TTS server with the engine that the settings name; raises ConfigError for a bad voice."""
    cast = engines.cast(settings)
    return TtsProgram(settings, cast.engine, cast.catalogue, cast.made_by, cast.cache)


def _described(settings: TtsSettings, catalogue: Catalogue, made_by: Attribution) -> TtsProgramInfo:
    name = {"kokoro": "kokoro", "espeak": "espeak-ng"}[settings.engine]
    voices = [
        TtsVoice(
            name=voice.name,
            attribution=made_by,
            installed=True,
            description=voice.description,
            version=None,
            languages=[voice.language],
        )
        for voice in catalogue.voices
    ]
    return TtsProgramInfo(
        name=name,
        attribution=made_by,
        installed=True,
        description=f"Speech by {name}, sentence by sentence",
        version=engines.version(settings.engine),
        voices=voices,
        supports_synthesize_streaming=True,
    )
