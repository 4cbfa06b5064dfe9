"""One Wyoming client's utterances: its events pushed in, replies written as events."""

import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.event import Event

from wyoming_voice.asr.budget import Share
from wyoming_voice.asr.closing import Closing
from wyoming_voice.asr.replies import Began, Final, Partial, Reply, Supposed
from wyoming_voice.asr.session import Begun, Ended, Heard, Restarted, Session, Wish
from wyoming_voice.asr.transcription import Transcription
from wyoming_voice.core.pauses import Pauses
from wyoming_voice.extensions import SPECULATIVE_TRANSCRIPT
from wyoming_voice.program import Request

if TYPE_CHECKING:
    from wyoming_voice.asr.server import AsrProgram


class AsrConversation:
    """One connection's utterances."""

    def __init__(self, program: "AsrProgram") -> None:
        self._program = program
        self._session = Session(program.settings.max_audio_s)
        self._pauses = Pauses()
        self._current: Transcription | None = None

    def push(self, event: Event) -> Request | None:
        """Take one event; a Request when an utterance begins. Raises PeerError."""
        if self._current is not None and self._current.ended:
            self._session.ended_early()
        request = None
        for effect in self._session.push(event):
            match effect:
                case Begun(wish):
                    request = self._begin(wish)
                case Restarted(wish):
                    program = self._program
                    manner = program.manner(wish, self._pauses)
                    self._utterance.restart(program.choice(wish), manner)
                case Heard(source, pcm):
                    self._utterance.hear(source, pcm)
                case Ended():
                    self._utterance.end()
        return request

    @property
    def _utterance(self) -> Transcription:
        assert self._current is not None, "a session begins an utterance before it goes on with it"
        return self._current

    def _begin(self, wish: Wish) -> Request:
        program = self._program
        manner = program.manner(wish, self._pauses)
        self._current = utterance = Transcription(
            program.choice(wish), manner, program.house, Share(program.audio)
        )
        utterance.record.join(wish.context)
        return Request(
            utterance.record,
            Closing(_events(utterance.replies(), streamed=manner.streamed), utterance.drop),
            awaits_input=lambda: not utterance.ended,
        )


async def _events(
    replies: AsyncGenerator[Reply, None], *, streamed: bool
) -> AsyncGenerator[Event, None]:
    """`transcript`, once, and before it `speculative-transcript` where that is wished for.

    Streamed: `transcript-start`, `transcript-chunk` for text that is stable, `transcript`, `transcript-stop`.
    """
    async with contextlib.aclosing(replies):
        async for reply in replies:
            for event in _written(reply, streamed=streamed):
                yield event


def _written(reply: Reply, *, streamed: bool) -> Iterator[Event]:
    match reply:
        case Began(language):
            yield TranscriptStart(language=language).event()
        case Partial(fresh=fresh):
            if fresh:
                yield TranscriptChunk(text=fresh).event()
        case Supposed(text, language, audio_ms):
            said = {"text": text, "language": language, "audio_ms": audio_ms}
            yield Event(SPECULATIVE_TRANSCRIPT, said)
        case Final(result, fresh, _):
            if streamed and fresh:
                yield TranscriptChunk(text=fresh).event()
            yield Transcript(text=result.text, language=result.language).event()
            if streamed:
                yield TranscriptStop().event()
