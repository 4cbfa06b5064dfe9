"""One utterance from its first chunk to its transcript: audio is pushed in, replies are pulled out."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.event import Event

from wyoming_voice.asr.budget import Share
from wyoming_voice.asr.engine import DecodeOptions, Engine
from wyoming_voice.asr.partials import Partials
from wyoming_voice.asr.recognition import Gate, Recognised, recognised
from wyoming_voice.asr.recording import Recording
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.worker import Worker

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """Who hears an utterance, and how."""

    engine: Engine
    options: DecodeOptions


class Transcription:
    """An utterance that grows on the event loop until `end`, and is then answered once."""

    def __init__(
        self, choice: Choice, gate: Gate, worker: Worker, share: Share, deadline_s: float
    ) -> None:
        self.record = TurnRecord("asr")
        self._choice = choice
        self._gate = gate
        self._worker = worker
        self._share = share
        self._deadline_s = deadline_s
        self._recording = Recording(scored=gate.threshold is not None)
        self._partials = self._new_partials()
        self._changed = asyncio.Event()
        self._ended_s: float | None = None
        self._dropped = False

    @property
    def ended(self) -> bool:
        """Whether all of the audio has come."""
        return self._ended_s is not None

    def restart(self, choice: Choice) -> None:
        """Forget what was heard; the transcript is still owed."""
        self._choice = choice
        self._recording.forget()
        self._share.hold(0)
        self._partials = self._new_partials()
        self._changed.set()

    def hear(self, source: AudioFormat, pcm: bytes) -> None:
        """Take a chunk; raises BadAudio, TooLarge, and Busy when the server holds too much audio."""
        if self._dropped:
            return
        self._recording.hear(source, pcm)
        self._share.hold(self._recording.held_bytes)
        self._changed.set()

    def end(self) -> None:
        """No more audio comes."""
        self._ended_s = asyncio.get_running_loop().time()
        self._changed.set()

    def drop(self) -> None:
        """Let go of the audio: it has been answered, or nobody waits for it any more."""
        self._dropped = True
        # A thread may be in the middle of the old one, which lives as long as that takes.
        self._recording = Recording(scored=False)
        self._share.hold(0)

    async def replies(self) -> AsyncGenerator[Event, None]:
        """`transcript`, once."""
        await self._end_of_audio()
        result = await self._result()
        yield Transcript(text=result.text, language=result.language).event()

    async def streamed_replies(self) -> AsyncGenerator[Event, None]:
        """`transcript-start`, `transcript-chunk` for text that is stable, `transcript`, `transcript-stop`.

        An utterance that begins anew starts its transcript anew; only the chunks after that count.
        """
        begun: Partials | None = None
        while begun is not self._partials or not self.ended:
            if begun is not self._partials:
                begun = self._partials
                yield TranscriptStart(language=self._choice.options.language).event()
            elif text := await self._unless_ended():
                yield TranscriptChunk(text=text).event()
        result = await self._result()
        if rest := self._partials.stability.finish(result.text):
            yield TranscriptChunk(text=rest).event()
        yield Transcript(text=result.text, language=result.language).event()
        yield TranscriptStop().event()

    async def _unless_ended(self) -> str:
        """Newly stable text; `""` when there is none, as soon as the audio ends, or when it begins anew."""
        partials = self._partials
        if not partials.due(self._recording):
            await self._change()
            return ""
        choice = self._choice
        advance = asyncio.create_task(partials.advance(self._recording, choice.options))
        ended = asyncio.create_task(self._end_of_audio())
        try:
            await asyncio.wait((advance, ended), return_when=asyncio.FIRST_COMPLETED)
            return advance.result() if advance.done() and partials is self._partials else ""
        finally:
            advance.cancel()
            ended.cancel()
            await asyncio.gather(advance, ended, return_exceptions=True)

    def _new_partials(self) -> Partials:
        return Partials(self._choice.engine, self._worker, self._gate, self._deadline_s)

    async def _end_of_audio(self) -> None:
        while not self.ended:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _result(self) -> Recognised:
        engine, options, recording = self._choice.engine, self._choice.options, self._recording
        steps = self._worker.stream(
            lambda: recognised(engine, recording, options, self._gate, self.record),
            deadline_s=self._deadline_s,
            record=self.record,
        )
        result: Recognised | None = None
        async with contextlib.aclosing(steps):
            async for step in steps:
                result = step or result
        assert result is not None, "a recognition ends with a result"
        self._note(result)
        return result

    def _note(self, result: Recognised) -> None:
        assert self._ended_s is not None
        self.record.note(
            model=self._choice.engine.name,
            language=result.language or "unknown",
            gate=result.reason,
            words=len(result.text.split()),
        )
        self.record.spent("after_stop", self._ended_s, asyncio.get_running_loop().time())
        _log.debug("turn=%s text=%r", self.record.turn_id, result.text)
