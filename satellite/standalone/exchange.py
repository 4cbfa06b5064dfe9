"""The three stages of a turn, each with whichever server can do it: hear, answer, speak.

Text flows from handle to TTS as it is written, and speech back as it is made. Rules: what was said and
what was written is kept until somebody has done with it, so that a server that fails is followed by the
next, which gets all of it; each wait has an end; what has come of a stage is reported as it comes.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from satellite.standalone.lines import Line, Lines, Server, Unfinished, reason_of
from satellite.standalone.pace import TYPICAL_PACE, measured_pace, sentences_spoken
from satellite.standalone.reports import (
    Alive,
    HeardEnough,
    Report,
    Spoken,
    Understood,
    Written,
    WrittenAll,
)
from satellite.standalone.script import Script
from satellite.standalone.tape import Tape
from wyoming_voice.client import Refused, Sound, Speech, answer, say_utterance, transcript
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import UpstreamError, VoiceError

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long a server may be silent, in seconds.

    `transcript_s` counts from the end of the utterance, `words_s` between two signs of life of the
    handle server, `speech_s` between two pieces of audio once the text is complete.
    """

    transcript_s: float = 10.0
    words_s: float = 25.0
    speech_s: float = 15.0

    @classmethod
    def within(cls, answer_s: float) -> Self:
        """Waits that end before a turn fails for want of progress, so that another server has its go."""
        return cls(transcript_s=answer_s / 3, words_s=answer_s * 5 / 6, speech_s=answer_s / 2)


@dataclass(frozen=True)
class Wishes:
    """What is asked of the servers beside their work; "" leaves the choice to them.

    A voice that a server doesn't know is replaced by its own, unless `voice_matters`.
    """

    voice: str = ""
    language: str = ""
    context: Mapping[str, object] = field(default_factory=dict)
    voice_matters: bool = False


async def _at_once() -> None:
    """There is always room."""


@dataclass
class Exchange:
    """One turn's talk with the servers; `room` is awaited before each piece of speech is taken.

    `hear`, `respond` and `speak` raise NobodyLeft when every server of a kind has failed, Unfinished
    when an answer broke off, after all of it that had come was spoken.
    """

    lines: Lines
    report: Callable[[Report], None]
    record: TurnRecord
    wishes: Wishes = field(default_factory=Wishes)
    patience: Patience = field(default_factory=Patience)
    room: Callable[[], Awaitable[None]] = _at_once
    script: Script = field(default_factory=Script, init=False)
    pace: float = field(default=TYPICAL_PACE, init=False)

    @property
    def text(self) -> str:
        """All of the answer that has been written."""
        return self.script.text

    async def hear(self, utterance: Tape[bytes]) -> str:
        """What was said in 16 kHz, 16-bit mono PCM, which may still be coming; `""` for nothing."""
        text = await self.lines.attempt(
            "asr", lambda line: self._transcribed(line, utterance), self._lost
        )
        if not utterance.complete:
            self.report(HeardEnough())
        self.report(Understood(text))
        return text

    async def respond(self, text: str) -> None:
        """The spoken answer to `text`."""
        writing = asyncio.create_task(self._write(text))
        speaking = asyncio.create_task(self.speak())
        try:
            for task in (speaking, writing):  # speech ends after the text, or can't be had
                await asyncio.wait((task,))  # being cancelled here ends both of them at once, below
                task.result()
        finally:
            await ended(writing, speaking)

    async def speak(self) -> None:
        """The speech of `script`, which may still be being written."""
        if await self.script.begun():
            await self.lines.attempt("tts", self._speak_on, self._lost)

    async def _transcribed(self, line: Line, utterance: Tape[bytes]) -> str:
        language = self.wishes.language or None
        saying = asyncio.create_task(
            say_utterance(line.connection, utterance.play(), self.record.turn_id, language)
        )
        try:
            return await in_time(transcript(line.connection), saying, self.patience.transcript_s)
        finally:
            await ended(saying)

    async def _write(self, text: str) -> None:
        try:
            await self.lines.attempt("handle", lambda line: self._answered(line, text), self._lost)
        finally:
            self.script.finish()
        self.report(WrittenAll())

    async def _answered(self, line: Line, text: str) -> None:
        context = {**self.wishes.context, "turn_id": self.record.turn_id}
        language = self.wishes.language or None
        deltas = answer(line.connection, text, context, language)
        try:
            async with contextlib.aclosing(deltas):
                while not self.script.full:
                    async with asyncio.timeout(self.patience.words_s):
                        delta = await anext(deltas, None)
                    if delta is None:
                        return
                    self._take_text(delta)
        except (OSError, VoiceError) as error:
            if self.script.text:
                raise Unfinished(reason_of("handle", error)) from error
            raise

    def _take_text(self, delta: str) -> None:
        if not delta:
            self.report(Alive())
            return
        self.script.add(delta)
        self.report(Written(delta))

    async def _speak_on(self, line: Line) -> None:
        before_ms = self.script.audio_ms
        self.pace = line.server.pace or TYPICAL_PACE
        try:
            await self._speak_as(line, self.wishes.voice)
        except Refused as error:
            if self.script.audio_ms > before_ms or not self._may_be_the_voice(error):
                raise
            _log.warning("turn=%s %s; its own voice speaks", self.record.turn_id, error)
            async with self.lines.fresh(line.server) as another:
                await self._speak_as(another, "")

    def _may_be_the_voice(self, refused: Refused) -> bool:
        asked = self.wishes.voice and not self.wishes.voice_matters
        return bool(asked) and refused.reason in ("", "unknown-voice")

    async def _speak_as(self, line: Line, voice: str) -> None:
        first, before_ms = self.script.spoken, self.script.audio_ms
        if line.server.streams:
            await self._speak_streaming(line, voice)
        else:
            await self._speak_by_sentences(line, voice)
        said = " ".join(self.script.sentences.pieces[first:])
        pace = measured_pace(said, self.script.audio_ms - before_ms)
        line.server.pace = pace or line.server.pace
        self.pace = pace or self.pace

    async def _speak_streaming(self, line: Line, voice: str) -> None:
        script = self.script
        first, before_ms = script.spoken, script.audio_ms
        speech = Speech(line.connection, self.record.turn_id, voice or None)
        saying = asyncio.create_task(_say(speech, script))
        try:
            await self._play(speech.sounds(), saying)
            if not script.sentences.complete or not saying.done():
                raise UpstreamError("the tts server stopped before it had all of the text")
            if script.sentences.pieces[first:] and script.audio_ms == before_ms:
                raise UpstreamError("the tts server spoke nothing")
        except (OSError, VoiceError):
            unsure = script.sentences.pieces[first:]
            audio_ms = script.audio_ms - before_ms
            script.spoken += sentences_spoken(unsure, audio_ms, line.server.pace)
            raise
        finally:
            await ended(saying)
        script.spoken = len(script.sentences.pieces)

    async def _speak_by_sentences(self, line: Line, voice: str) -> None:
        """Each sentence on a connection of its own: not every server takes a second request on one."""
        opened: contextlib.AbstractAsyncContextManager[Line] = contextlib.nullcontext(line)
        async with contextlib.aclosing(self.script.sentences.play(self.script.spoken)) as sentences:
            async for sentence in sentences:
                async with opened as one:
                    await self._speak_sentence(one, voice, sentence)
                self.script.spoken += 1
                opened = self.lines.fresh(line.server)

    async def _speak_sentence(self, line: Line, voice: str, sentence: str) -> None:
        speech = Speech(line.connection, self.record.turn_id, voice or None)
        saying = asyncio.create_task(speech.whole(sentence))
        try:
            await self._play(speech.whole_sounds(), saying)
        finally:
            await ended(saying)

    async def _play(self, sounds: AsyncGenerator[Sound, None], saying: asyncio.Task[None]) -> None:
        async with contextlib.aclosing(sounds):
            while True:
                await self.room()
                sound = await in_time(anext(sounds, None), saying, self.patience.speech_s)
                if sound is None:
                    return
                self.script.audio_ms += sound.ms
                self.report(Spoken(sound))

    def _lost(self, server: Server, reason: str) -> None:
        _log.warning("turn=%s %s (%s)", self.record.turn_id, reason, server.uri)
        lost = self.record.facts.get(f"{server.kind}_lost", 0)
        self.record.note(**{f"{server.kind}_lost": int(lost) + 1})
        self.report(Alive())


async def _say(speech: Speech, script: Script) -> None:
    await speech.begin()
    async with contextlib.aclosing(script.rest()) as pieces:
        async for piece in pieces:
            await speech.add(piece)
    await speech.end()


async def in_time(step: Awaitable[T], before: asyncio.Task[None], limit_s: float) -> T:
    """What `step` gives; TimeoutError when that takes over `limit_s` from the end of `before` on.

    What `before` raises is passed over: a server that can't be written to says why where it is read.
    """
    stepping = asyncio.ensure_future(step)
    try:
        await asyncio.wait((stepping, before), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((stepping,), timeout=limit_s)
        if not stepping.done():
            raise TimeoutError
        return stepping.result()
    finally:
        await ended(stepping)


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
