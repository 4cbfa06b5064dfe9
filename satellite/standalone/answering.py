"""One answer: its text from a handle server, its speech from a TTS server, both as they come.

Rules: what was written is kept until it has been spoken, so that a TTS server that fails is followed by
the next, which gets all that is left; each wait has an end; what has come is reported as it comes. Before
it is certain that the question was asked, nobody is asked who would act on it; and nobody is asked after a
server was lost that may have acted on it, or will when it thaws.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

from satellite.standalone.commitment import Commitment, NotToBe
from satellite.standalone.errand import Errand
from satellite.standalone.heartbeat import Heartbeat
from satellite.standalone.line import Line, Server
from satellite.standalone.lines import Unfinished, reason_of
from satellite.standalone.pace import TYPICAL_PACE, measured_pace, sentences_spoken
from satellite.standalone.patience import ended, in_time
from satellite.standalone.reports import Alive, OwnVoice, Report, Spoken, Written, WrittenAll
from satellite.standalone.script import Script
from wyoming_voice.client import Refused, Sound, Speech, answer, commit, speculative
from wyoming_voice.errands import Do, Done
from wyoming_voice.errors import UpstreamError, VoiceError
from wyoming_voice.extensions import (
    ACTING,
    ANSWER_WRITTEN,
    SPECULATIVE_ANSWER,
    SPOKEN_MARKS,
)

_log = logging.getLogger(__name__)


class Answering:
    """One answer to one question; `room` is awaited before each piece of speech is taken.

    `respond` and `speak` raise NobodyLeft when every server of a kind has failed, Unfinished when an
    answer broke off, after all of it that had come was spoken, and NotToBe before `commitment` is made.
    """

    def __init__(
        self,
        errand: Errand,
        report: Callable[[Report], None],
        room: Callable[[], Awaitable[None]],
        commitment: Commitment | None = None,
    ) -> None:
        self.script = Script()
        self.pace = TYPICAL_PACE
        self._errand = errand
        self._report = report
        self._room = room
        self._commitment = commitment or Commitment.given()
        self._acted = False

    async def respond(self, text: str) -> None:
        """The spoken answer to `text`."""
        writing = asyncio.create_task(self._write(text))
        speaking = asyncio.create_task(self.speak())
        try:
            await asyncio.wait((speaking,))  # being cancelled here ends both of them at once, below
            speaking.result()  # speech ends after the text, or can't be had
            await self._commitment.settled()
            await asyncio.wait((writing,), timeout=self._errand.patience.end_s)
            if writing.done():
                writing.result()
            else:
                turn_id = self._errand.record.turn_id
                _log.warning("turn=%s the handle server doesn't end its answer", turn_id)
        finally:
            await ended(writing, speaking)

    async def speak(self) -> None:
        """The speech of `script`, which may still be being written."""
        if await self.script.begun():
            await self._errand.lines.attempt("tts", self._speak_on, self._lost, self._commitment)

    async def _write(self, text: str) -> None:
        try:
            await self._errand.lines.attempt(
                "handle", lambda line: self._ask(line, text), self._lost, self._commitment
            )
        finally:
            self.script.finish()
        self._report(WrittenAll())

    async def _ask(self, line: Line, text: str) -> None:
        context = self._errand.question.context(line.server.extensions)
        channel = Heartbeat(line, self._errand.patience)
        if self._commitment.made:
            await channel.awake()
            await self._answered(channel, self._doing(line), text, context)
            return
        if SPECULATIVE_ANSWER not in line.server.extensions and self._commitment.fail():
            raise NotToBe
        committing = asyncio.create_task(self._commit(channel))
        try:
            await self._answered(channel, self._doing(line), text, speculative(context))
            if not self.script.full:  # or nobody reads on, who would see the sign of life
                await committing
        finally:
            await ended(committing)

    async def _commit(self, channel: Heartbeat) -> None:
        """Whoever can't be told has gone, which is known where it is read."""
        if await self._commitment.settled():
            await channel.rely()
            with contextlib.suppress(OSError, VoiceError):
                await commit(channel)

    async def _answered(
        self, channel: Heartbeat, do: Do | None, text: str, context: Mapping[str, object]
    ) -> None:
        language = self._errand.wishes.language or None
        deltas = answer(channel, text, context, language, self._take_sign, do)
        try:
            async with contextlib.aclosing(deltas):
                while not self.script.full:
                    async with asyncio.timeout(self._errand.patience.words_s):
                        delta = await anext(deltas, None)
                    if delta is None:
                        return
                    self._take_text(delta)
        except (OSError, VoiceError) as error:
            may_thaw = isinstance(error, TimeoutError) and channel.unanswered
            if self.script.text or self._acted or may_thaw:
                raise Unfinished(reason_of("handle", error)) from error
            raise

    def _doing(self, line: Line) -> Do | None:
        """Who does what this server asks for: nobody before it is certain that the question was asked."""
        do = self._errand.question.deeds.attempt(line.server.extensions)
        if do is None:
            return None

        def once_asked(name: str, arguments: Mapping[str, object]) -> Done:
            if not self._commitment.made:
                return Done("nothing is done before the question has been asked", error=True)
            return do(name, arguments)

        return once_asked

    def _take_sign(self, kind: str) -> None:
        if kind == ANSWER_WRITTEN:
            self.script.finish()
        if kind == ACTING:
            self._acted = True

    def _take_text(self, delta: str) -> None:
        if not delta:
            self._report(Alive())
        elif not self.script.complete:  # what comes behind all of it is no sign of anything
            self.script.add(delta)
            self._report(Written(delta))

    async def _speak_on(self, line: Line) -> None:
        before_ms, voice = self.script.audio_ms, self._errand.wishes.voice
        language = self._language_for(line.server)
        self.pace = line.server.pace or TYPICAL_PACE
        try:
            await self._speak_as(line, voice, language)
        except UpstreamError as error:
            if self.script.audio_ms > before_ms or not self._may_be_the_voice(error, line.server):
                raise
            _log.warning("turn=%s %s; its own voice speaks", self._errand.record.turn_id, error)
            self._report(OwnVoice(str(error)))
            async with self._errand.lines.fresh(line.server) as another:
                await self._speak_as(another, "", language if voice else None)

    def _may_be_the_voice(self, error: UpstreamError, server: Server) -> bool:
        """Ours know a language without the name of a voice; there are others that then fail somehow."""
        wishes = self._errand.wishes
        if not wishes.voice:
            return self._language_for(server) is not None and not server.extensions
        unknown = isinstance(error, Refused) and error.reason in ("", "unknown-voice")
        return unknown and not wishes.voice_matters

    async def _speak_as(self, line: Line, voice: str, language: str | None) -> None:
        first, before_ms = self.script.spoken, self.script.audio_ms
        if line.server.streams:
            await self._speak_streaming(line, voice, language)
        else:
            await self._speak_by_sentences(line, voice, language)
        said = " ".join(self.script.sentences.pieces[first:])
        pace = measured_pace(said, self.script.audio_ms - before_ms)
        line.server.pace = pace or line.server.pace
        self.pace = pace or self.pace

    async def _speak_streaming(self, line: Line, voice: str, language: str | None) -> None:
        script, marked = self.script, SPOKEN_MARKS in line.server.extensions
        first, before_ms = script.spoken, script.audio_ms
        turn_id, extensions = self._errand.record.turn_id, line.server.extensions
        channel = Heartbeat(line, self._errand.patience)
        speech = Speech(channel, turn_id, voice or None, extensions, language)
        saying = asyncio.create_task(_say(speech, script))
        try:
            await self._play(speech.sounds(), saying)
            if not script.sentences.complete or not saying.done():
                raise UpstreamError("the tts server stopped before it had all of the text")
            if script.sentences.pieces[first:] and script.audio_ms == before_ms:
                raise UpstreamError("the tts server spoke nothing")
        except (OSError, VoiceError) as error:
            if not marked:
                unsure = script.sentences.pieces[first:]
                audio_ms = script.audio_ms - before_ms
                script.spoke_sentences(sentences_spoken(unsure, audio_ms, line.server.pace))
            if not script.exhausted:
                raise
            self._errand.lost(line.server, reason_of("tts", error))
        finally:
            await ended(saying)
        script.spoke(len(script.text))

    async def _speak_by_sentences(self, line: Line, voice: str, language: str | None) -> None:
        """Each sentence on a connection of its own: not every server takes a second request on one."""
        opened: contextlib.AbstractAsyncContextManager[Line] = contextlib.nullcontext(line)
        async with contextlib.aclosing(self.script.sentences.play(self.script.spoken)) as sentences:
            async for sentence in sentences:
                async with opened as one:
                    await self._speak_sentence(one, voice, language, sentence)
                self.script.spoke_sentences(1)
                opened = self._errand.lines.fresh(line.server)

    async def _speak_sentence(
        self, line: Line, voice: str, language: str | None, sentence: str
    ) -> None:
        channel = Heartbeat(line, self._errand.patience)
        turn_id = self._errand.record.turn_id
        speech = Speech(channel, turn_id, voice or None, language=language)
        saying = asyncio.create_task(speech.whole(sentence))
        try:
            await self._play(speech.whole_sounds(), saying)
        finally:
            await ended(saying)

    def _language_for(self, server: Server) -> str | None:
        """The language that a server is asked to speak where no voice is named, if it has one for it."""
        language = self._errand.wishes.language
        return language if language and server.speaks(language) else None

    async def _play(self, sounds: AsyncGenerator[Sound, None], saying: asyncio.Task[None]) -> None:
        said = self.script.said
        async with contextlib.aclosing(sounds):
            while True:
                await self._room()
                step = anext(sounds, None)
                sound = await in_time(step, saying, self._errand.patience.speech_s)
                if sound is None:
                    return
                self.script.audio_ms += sound.ms
                if sound.said_chars:
                    self.script.spoke(said + sound.said_chars)
                self._report(Spoken(sound))

    def _lost(self, server: Server, reason: str) -> None:
        self._errand.lost(server, reason)
        self._report(Alive())


async def _say(speech: Speech, script: Script) -> None:
    await speech.begin()
    async with contextlib.aclosing(script.rest()) as pieces:
        async for piece in pieces:
            await speech.add(piece)
    await speech.end()
