"""One WebSocket's audio from message to final: three tasks that wait for each other.

One reads messages, one hears them, one answers the utterances in them, in order. Rules: while one
utterance is answered the next is heard, and with the one after that the client has to wait; whichever task
fails ends the others; who leaves is not decoded for any more. The server ends utterances unless it is told
not to; without its voice detector it can't.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket

from wyoming_voice.asr.budget import Share
from wyoming_voice.asr.ending import EndingSettings, own_endpoint
from wyoming_voice.asr.http import messages
from wyoming_voice.asr.http.dictation import Dictation, Happening, Noticed, Utterance
from wyoming_voice.asr.http.ears import Ears
from wyoming_voice.asr.http.inbox import Cancel, End, Inbox
from wyoming_voice.asr.http.messages import Start
from wyoming_voice.asr.http.wishes import choice
from wyoming_voice.asr.replies import Final, Partial
from wyoming_voice.asr.transcription import Manner, Transcription
from wyoming_voice.core.pauses import Pauses
from wyoming_voice.errors import TooSlow
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.leaving import ClientLeft, saying
from wyoming_voice.outcome import recorded

if TYPE_CHECKING:
    from wyoming_voice.asr.server import AsrProgram

_FOR_EVER_MS = 2**31


class Listener:
    """Serves one WebSocket that has been accepted."""

    def __init__(self, program: "AsrProgram", floor: Floor, socket: WebSocket) -> None:
        self._program = program
        self._floor = floor
        self._socket = socket
        self._inbox = Inbox()
        self._utterances: asyncio.Queue[Utterance | None] = asyncio.Queue(maxsize=1)
        self._answering: asyncio.Task[None] | None = None

    async def run(self, start: Start) -> None:
        """Until the client ends it; raises VoiceError, and ClientLeft when the client leaves."""
        first: bytes | End | Cancel | None = None
        match await self._message():
            case Start() as said:
                start = said
            case other:
                first = other
        dictation = _dictation(self._program, start)
        reading = asyncio.create_task(self._read(first))
        ears = Ears(start.sample_rate, start.format, start.channels)
        hearing = asyncio.create_task(self._hear(dictation, ears))
        answering = asyncio.create_task(self._answer_all(start))
        waiting = {reading, hearing, answering}
        try:
            while not answering.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (reading, hearing, answering):
                task.cancel()
            await asyncio.wait((reading, hearing, answering))
            dictation.drop()
            self._drop_waiting()
        await self._tell({"type": "done"})
        await self._socket.close()

    async def _read(self, item: "bytes | End | Cancel | None") -> None:
        """Put what comes into the inbox; after the end, only wait for the client to leave."""
        ended = False
        while True:
            match item:
                case Cancel() if not ended:
                    await self._inbox.replace(item)
                    self._give_up()
                case bytes() | End() if not ended:
                    await self._inbox.put(item)
                    ended = isinstance(item, End)
            message = await self._message(patient=ended)
            if isinstance(message, Start):
                raise BadRequest(
                    "'start' comes before everything else; open another WebSocket", "type"
                )
            item = message

    async def _message(self, *, patient: bool = False) -> "bytes | Start | End | Cancel":
        """The next one; an empty binary message is the end."""
        limit_s = None if patient else self._program.settings.idle_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                received = await self._socket.receive()
        except TimeoutError as error:
            raise TooSlow(
                f'nothing came for {limit_s:g} s; send audio, or {{"type": "end"}}'
            ) from error
        if received["type"] == "websocket.disconnect":
            raise ClientLeft("the client has left")
        if (text := received.get("text")) is not None:
            return messages.read(text)
        return received.get("bytes") or End()

    async def _hear(self, dictation: Dictation, ears: Ears) -> None:
        """What comes of the items in the inbox, up to the end."""
        told_broken = False
        while not isinstance(item := await self._inbox.get(), End):
            if isinstance(item, Cancel):
                self._drop_waiting()
                self._give_up()
                dictation.forget()
                await self._tell({"type": "cancelled"})
                continue
            for audio in ears.push(item):
                for happening in dictation.push(audio):
                    await self._pass_on(happening)
                await asyncio.sleep(0)  # others have their turn, however much has come
            if ears.broken and not told_broken:
                told_broken = True
                await self._tell(_BROKEN)
        for happening in (*dictation.push(ears.finish()), *dictation.finish()):
            await self._pass_on(happening)
        await self._utterances.put(None)

    async def _pass_on(self, happening: Happening) -> None:
        match happening:
            case Noticed():
                await self._tell(messages.noticed(happening))
            case Utterance():
                await self._utterances.put(happening)

    async def _answer_all(self, start: Start) -> None:
        """The utterances, one after another; one that is given up is answered with nothing."""
        while (utterance := await self._utterances.get()) is not None:
            self._answering = asyncio.create_task(self._answer(utterance, start))
            try:
                await asyncio.wait((self._answering,))
            finally:
                self._answering.cancel()
                await asyncio.wait((self._answering,))
                utterance.transcription.drop()
            if not self._answering.cancelled():
                self._answering.result()

    async def _answer(self, utterance: Utterance, start: Start) -> None:
        transcription = utterance.transcription
        transcription.record.turn_id = f"{request_id_of(self._socket)}-{utterance.number}"
        last: Partial | None = None
        with recorded(transcription.record, self._floor.books.finished):
            async with contextlib.aclosing(transcription.replies()) as replies:
                async for reply in replies:
                    match reply:
                        case Partial() if (reply.text, reply.stable) != _seen(last):
                            last = reply
                            await self._tell(messages.partial(utterance, reply))
                        case Final():
                            said = messages.final(utterance, reply, words=start.words)
                            await self._tell(said)

    def _give_up(self) -> None:
        if self._answering is not None:
            self._answering.cancel()

    def _drop_waiting(self) -> None:
        while not self._utterances.empty():
            if (utterance := self._utterances.get_nowait()) is not None:
                utterance.transcription.drop()

    async def _tell(self, message: Mapping[str, Any]) -> None:
        with saying():
            await self._socket.send_json(message)


_BROKEN = {
    "type": "warning",
    "message": "samples that are no finite numbers count as silence; is the format what 'start' says?",
}


def _seen(last: Partial | None) -> tuple[str, str]:
    return ("", "") if last is None else (last.text, last.stable)


def _dictation(program: "AsrProgram", start: Start) -> Dictation:
    """What was asked for, as far as this server can do it; raises BadRequest, and what `choice` does."""
    gated = program.gate.threshold is not None
    if start.endpointing and not gated:
        raise BadRequest(
            "endpointing needs the voice detector, which this server runs without; send"
            ' {"type": "end"} yourself',
            "endpointing",
        )
    chosen = choice(program, start)
    chosen = replace(chosen, options=replace(chosen.options, want_words=start.words))
    decides = gated if start.endpointing is None else start.endpointing
    manner = Manner(
        streamed=start.partials,
        ending=_ending(program, start.sensitivity, decides=decides) if gated else None,
        pauses=Pauses(),
    )

    def begin() -> Transcription:
        program.look_round(chosen.engine)
        return Transcription(chosen, manner, program.house, Share(program.audio))

    return Dictation(begin, program.settings.max_audio_s, endless=not decides)


def _ending(program: "AsrProgram", sensitivity: str, *, decides: bool) -> EndingSettings:
    settings = own_endpoint(program.settings).settings(sensitivity)
    if decides:
        return settings
    endless = replace(settings.endpointing, max_speech_ms=_FOR_EVER_MS)
    return replace(settings, endpointing=endless, decides=False)
