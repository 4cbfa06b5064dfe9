"""The client's side of one turn: speech to text, text to answer, answer to speech, each as a stream.

Every function works on an open connection, so that a caller can open it before it is needed. Rule: what
a server says in an `error` event, and a server that hangs up early, become an UpstreamError.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, NotHandled
from wyoming.tts import (
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from wyoming_voice.core.pcm import SPEECH, AudioFormat
from wyoming_voice.errors import UpstreamError
from wyoming_voice.wire import Connection, PeerGone


@dataclass(frozen=True)
class Sound:
    """A piece of speech as it came: PCM of one format."""

    pcm: bytes
    format: AudioFormat


class Utterance:
    """Speech on its way to an ASR server: 16 kHz, 16 bit, mono.

    The server is listened to inside the block, for it may refuse while speech still comes. Every method
    raises UpstreamError once it has.
    """

    def __init__(self, connection: Connection, turn_id: str, language: str | None = None) -> None:
        self._connection = connection
        self._context = {"turn_id": turn_id}
        self._language = language

    async def __aenter__(self) -> Self:
        self._answer = asyncio.create_task(self._transcript())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._answer.cancel()
        await asyncio.gather(self._answer, return_exceptions=True)

    async def begin(self) -> None:
        """Announce speech."""
        await self._send(Transcribe(language=self._language, context=self._context).event())
        rate, width, channels = SPEECH.rate_hz, SPEECH.width_bytes, SPEECH.channels
        await self._send(AudioStart(rate, width, channels).event())

    async def add(self, pcm: bytes) -> None:
        """Send a chunk of it."""
        rate, width, channels = SPEECH.rate_hz, SPEECH.width_bytes, SPEECH.channels
        await self._send(AudioChunk(rate, width, channels, pcm).event())

    async def transcript(self) -> str:
        """End the speech; what was said, `""` for nothing."""
        await self._send(AudioStop().event())
        return await self._answer

    async def _send(self, event: Event) -> None:
        if self._answer.done():
            self._answer.result()
        try:
            await self._connection.write(event)
        except PeerGone:
            await self._answer  # which says why

    async def _transcript(self) -> str:
        async for event in _replies(self._connection, "asr"):
            if Transcript.is_type(event.type):
                return _text(event)
        raise _hung_up("asr")


async def answer(
    connection: Connection, text: str, turn_id: str, language: str | None = None
) -> AsyncGenerator[str, None]:
    """The answer to `text` as it is written; a refusal is a sentence to be spoken like any other.

    The conversation is the handle server's; its id is the turn's.
    """
    context: dict[str, Any] = {"turn_id": turn_id, "conversation_id": turn_id}
    with contextlib.suppress(PeerGone):  # why it has gone is in what it wrote
        await connection.write(Transcript(text=text, language=language, context=context).event())
    written = ""
    async for event in _replies(connection, "handle"):
        if HandledChunk.is_type(event.type):
            written += _text(event)
            yield _text(event)
        elif Handled.is_type(event.type) or NotHandled.is_type(event.type):
            if not written:
                yield _text(event)
            return
    raise _hung_up("handle")


class Speech:
    """Text on its way to a TTS server, and its speech on the way back; both flow at once."""

    def __init__(self, connection: Connection, turn_id: str, voice: str | None = None) -> None:
        self._connection = connection
        self._context = {"turn_id": turn_id}
        self._voice = SynthesizeVoice(name=voice) if voice else None

    async def begin(self) -> None:
        """Announce text."""
        await self._connection.write(
            SynthesizeStart(voice=self._voice, context=self._context).event()
        )

    async def add(self, text: str) -> None:
        """Send a piece of it, which may end inside a word."""
        await self._connection.write(SynthesizeChunk(text=text).event())

    async def end(self) -> None:
        """The text is complete."""
        await self._connection.write(SynthesizeStop().event())

    async def sounds(self) -> AsyncGenerator[Sound, None]:
        """The speech as it is made."""
        async for event in _replies(self._connection, "tts"):
            if AudioChunk.is_type(event.type):
                chunk = AudioChunk.from_event(event)
                yield Sound(chunk.audio, AudioFormat(chunk.rate, chunk.width, chunk.channels))
            elif SynthesizeStopped.is_type(event.type):
                return
        raise _hung_up("tts")


async def _replies(connection: Connection, kind: str) -> AsyncIterator[Event]:
    async for event in connection:
        if Error.is_type(event.type):
            raise UpstreamError(f"the {kind} server says: {_text(event)}")
        yield event


def _text(event: Event) -> str:
    text = event.data.get("text")
    return text if isinstance(text, str) else ""


def _hung_up(kind: str) -> UpstreamError:
    return UpstreamError(f"the {kind} server hung up before it had answered; see its log")
