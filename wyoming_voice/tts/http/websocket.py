"""`/ws/tts`: texts in, speech out while it is made, one text after another on one connection.

A text that comes while another is spoken waits for its turn, as over Wyoming; `cancel` ends the one and the
others. Rule: what is wrong with one text is told in a message, and the connection goes on.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, WebSocket

from wyoming_voice import logs
from wyoming_voice.core.timing import TurnRecord, turn_id_in
from wyoming_voice.core.words import TimedWord
from wyoming_voice.errors import Busy, TooSlow, VoiceError
from wyoming_voice.http.bodies import most_bytes, parsed
from wyoming_voice.http.errors import BadRequest, body_of
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.leaving import saying
from wyoming_voice.outcome import recorded
from wyoming_voice.peer import PENDING_REQUESTS, end
from wyoming_voice.tts.http.booth import Booth, Packing, packing
from wyoming_voice.tts.http.dialogue import Add, Cancel, Close, Dialogue, Effect, HangUp, Open
from wyoming_voice.tts.session import too_long
from wyoming_voice.tts.source import TextSource

_log = logging.getLogger(__name__)


def router(booth: Booth, floor: Floor) -> APIRouter:
    """`/ws/tts`."""
    router = APIRouter()

    @router.websocket("/ws/tts")
    async def speak(socket: WebSocket) -> None:
        with floor.occupied():
            await _Conversation(socket, booth, floor).serve()

    return router


@dataclass
class _Text:
    """One text of a client, perhaps still to come."""

    wish: Open
    source: TextSource = field(default_factory=TextSource)


class _Conversation:
    """One client: a task that speaks its texts in order, and who listens to it meanwhile."""

    def __init__(self, socket: WebSocket, booth: Booth, floor: Floor) -> None:
        self._socket = socket
        self._booth = booth
        self._floor = floor
        self._dialogue = Dialogue(booth.settings.max_text_chars)
        self._texts: asyncio.Queue[_Text] = asyncio.Queue(PENDING_REQUESTS)
        self._open: _Text | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._busy = False
        self._last_activity_s = _now_s()

    async def serve(self) -> None:
        """Serve the client until it leaves; raises ClientLeft, TooSlow, TooLarge."""
        await self._socket.accept()
        self._speaking = asyncio.create_task(self._speak_all())
        try:
            while (message := await self._message()) is not None:
                await self._take(message)
        finally:
            await end([self._speaking])

    async def _message(self) -> Mapping[str, Any] | None:
        """What the client says next, None at its end; raises what speaking did."""
        assert self._speaking is not None
        receiving = asyncio.create_task(self._socket.receive())
        try:
            while not receiving.done():
                both = (receiving, self._speaking)
                await asyncio.wait(
                    both, timeout=self._left_s(), return_when=asyncio.FIRST_COMPLETED
                )
                if self._speaking.done():
                    self._speaking.result()
                self._check_silence()
        finally:
            receiving.cancel()
        self._touch()
        message = receiving.result()
        return message if message["type"] == "websocket.receive" else None

    def _left_s(self) -> float:
        limit_s = self._booth.settings.idle_timeout_s
        return max(0.0, self._last_activity_s + limit_s - _now_s())

    def _check_silence(self) -> None:
        if self._busy and self._open is None:  # the client has said all, and waits for us
            self._touch()
        if self._left_s() == 0.0:
            limit_s = self._booth.settings.idle_timeout_s
            raise TooSlow(f"nothing was said for {limit_s:g} s; connect again when needed")

    def _touch(self) -> None:
        self._last_activity_s = _now_s()

    async def _take(self, message: Mapping[str, Any]) -> None:
        fields: dict[str, Any] = {}
        try:
            fields = self._fields(message)
            effects = self._dialogue.push(fields)
        except VoiceError as error:
            await self._tell(error, _turn_id(fields))
            return
        for effect in effects:
            await self._carry_out(effect)

    def _fields(self, message: Mapping[str, Any]) -> dict[str, Any]:
        text = message.get("text")
        if text is None:
            raise BadRequest('texts are spoken here; send a text message such as {"text": "Hello"}')
        most_chars = self._booth.settings.max_text_chars
        if len(text) > most_bytes(most_chars):
            raise too_long(most_chars + 1, most_chars)
        return parsed(text)

    async def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Open() as wish:
                self._open = _Text(wish)
                await self._queue(self._open)
            case Add(text) if self._open is not None:
                self._open.source.put(text)
            case Close() if self._open is not None:
                self._open.source.close()
                self._open = None
            case Cancel():
                await self._cancel()
            case HangUp(error):
                raise error

    async def _queue(self, text: _Text) -> None:
        """Let it wait for its turn; what comes of it is passed over where there is no room."""
        try:
            self._texts.put_nowait(text)
        except asyncio.QueueFull:
            busy = Busy(f"{PENDING_REQUESTS} texts wait on this connection; hear them first")
            await self._tell(busy, text.wish.turn_id)

    async def _cancel(self) -> None:
        assert self._speaking is not None
        await end([self._speaking])
        while not self._texts.empty():
            self._texts.get_nowait()
        self._open, self._busy = None, False
        await self._say(type="cancelled")
        self._speaking = asyncio.create_task(self._speak_all())

    async def _speak_all(self) -> None:
        while True:
            text = await self._texts.get()
            self._busy = True
            try:
                await self._speak(text)
            except VoiceError as error:
                await self._tell(error, text.wish.turn_id)
            self._busy = False
            self._touch()

    async def _speak(self, text: _Text) -> None:
        """One text from its `start` to its `done`; raises UnknownChoice and what `Speech.audio` raises."""
        wish, booth = text.wish, self._booth
        voice = booth.catalogue.choose(wish.voice, wish.language)
        record = TurnRecord("tts", turn_id=wish.turn_id)
        into = packing(wish.kind, booth.sound.rate_hz)
        heard_bytes = 0
        with recorded(record, self._floor.books.finished):
            spoken = booth.spoken(text.source, voice, wish.speed, record)
            async with contextlib.aclosing(spoken) as pieces:
                async for piece in pieces:
                    if not heard_bytes:
                        await self._start(wish, voice.name, into.rate_hz)
                    if wish.words and piece.words:
                        await self._say(type="words", words=[_told(word) for word in piece.words])
                    await self._send(piece.pcm, into)
                    heard_bytes += len(piece.pcm)
            await self._send_bytes(into.finish())
            seconds = round(booth.sound.ms(heard_bytes) / 1000, 3)
            await self._say(type="done", turn_id=wish.turn_id, duration=seconds)

    async def _start(self, wish: Open, voice: str, rate_hz: int) -> None:
        await self._say(
            type="start",
            turn_id=wish.turn_id,
            sample_rate=rate_hz,
            channels=1,
            format=wish.kind,
            voice=voice,
        )

    async def _send(self, pcm: bytes, into: Packing) -> None:
        chunk_bytes = self._booth.chunk_bytes
        for at in range(0, len(pcm), chunk_bytes):
            await self._send_bytes(into.push(pcm[at : at + chunk_bytes]))
            self._touch()
            await asyncio.sleep(0)  # who reads fast never makes us wait: let others run

    async def _send_bytes(self, data: bytes) -> None:
        if not data:
            return
        with saying():
            await self._socket.send_bytes(data)

    async def _say(self, **fields: Any) -> None:
        with saying():
            await self._socket.send_text(json.dumps(fields))

    async def _tell(self, error: VoiceError, turn_id: str | None) -> None:
        """Tell what is wrong, with the text that it is about where that is known."""
        request_id = turn_id or request_id_of(self._socket)
        with logs.turn(request_id):
            _log.info("error told to a client: code=%s %s", error.code, error)
        self._floor.books.failed(error.code, str(error))
        about = {"turn_id": turn_id} if turn_id else {}
        await self._say(type="error", **about, **body_of(error, request_id))


def _turn_id(fields: Mapping[str, Any]) -> str | None:
    """What a message says of itself, if it can be read."""
    turn_id = turn_id_in(fields)
    return turn_id if turn_id == fields.get("turn_id") else None


def _told(word: TimedWord) -> dict[str, Any]:
    return {"text": word.text, "start": round(word.start_s, 3), "end": round(word.end_s, 3)}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
