"""`/ws/talk`: a page's WebSocket, from `start` to its end.

Rule: whoever sends nonsense, nothing for long, or leaves what it is sent unread, is told why and let go.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from satellite.around.turn_metrics import TurnMetrics
from satellite.standalone.patience import ended
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import Busy, TooSlow
from wyoming_voice.gateway.loudspeaker import RATE_HZ
from wyoming_voice.gateway.messages import Start, read_message
from wyoming_voice.gateway.outbox import Outbox
from wyoming_voice.gateway.services import Services
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.gateway.talk import Talk
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.http.fence import request_id_of
from wyoming_voice.http.floor import Floor
from wyoming_voice.http.guard import OUR_PROTOCOL


class Gone(Exception):
    """The page has closed its WebSocket."""


class Talks:
    """All conversations that there are, and the way to one more."""

    def __init__(
        self, settings: GatewaySettings, services: Services, floor: Floor, turns: TurnMetrics
    ) -> None:
        self.count = 0
        self._turns = turns
        self._settings = settings
        self._services = services
        self._floor = floor

    def router(self) -> APIRouter:
        """The WebSocket."""
        router = APIRouter()

        @router.websocket("/ws/talk")
        async def talk(socket: WebSocket) -> None:
            await socket.accept(subprotocol=_chosen(socket))
            record = TurnRecord("talk", turn_id=request_id_of(socket))
            with self._floor.serving(record):
                await self._serve(socket, record)

        return router

    async def _serve(self, socket: WebSocket, record: TurnRecord) -> None:
        if self.count >= self._settings.max_talks:
            raise Busy(f"{self.count} conversations are going on already; try again later")
        self.count += 1
        try:
            start = await self._start(socket)
            record.note(mode=start.mode)
            await self._converse(socket, start, record)
        except (Gone, WebSocketDisconnect):
            return
        finally:
            self.count -= 1

    async def _start(self, socket: WebSocket) -> Start:
        frame = await _received(socket, self._settings.http_timeout_s)
        message = read_message(frame) if isinstance(frame, str) else None
        if not isinstance(message, Start):
            raise BadRequest('the first message is {"type": "start", …}, before any sound', "type")
        return message

    async def _converse(self, socket: WebSocket, start: Start, record: TurnRecord) -> None:
        outbox = Outbox(socket)
        talk = Talk(start, self._settings, self._services, outbox, self._turns)
        outbox.tell(
            "ready",
            sample_rate=RATE_HZ,
            conversation=talk.conversation_id,
            services=[row.model_dump() for row in self._services.rows()],
        )
        try:
            await _first_of(talk.run(), outbox.run(), self._listen(socket, talk))
        finally:
            record.note(dropped_ms=round(talk.microphone.dropped_ms))

    async def _listen(self, socket: WebSocket, talk: Talk) -> None:
        while True:
            frame = await _received(socket, self._settings.idle_timeout_s)
            if isinstance(frame, bytes):
                talk.microphone.push(frame)
            else:
                talk.take(read_message(frame))


def _chosen(socket: WebSocket) -> str | None:
    """A browser that has offered protocols hangs up unless one is chosen: ours, else the first."""
    offered = socket.scope["subprotocols"]
    return None if OUR_PROTOCOL in offered else next(iter(offered), None)


async def _received(socket: WebSocket, limit_s: float) -> str | bytes:
    """The next frame; raises Gone, and TooSlow when none comes in time."""
    try:
        async with asyncio.timeout(limit_s):
            message = await socket.receive()
    except TimeoutError as error:
        raise TooSlow(f"the page has sent nothing for {limit_s:g} s; connect again") from error
    if message["type"] == "websocket.disconnect":
        raise Gone
    text, data = message.get("text"), message.get("bytes")
    return text if isinstance(text, str) else bytes(data or b"")


async def _first_of(*lives: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends, then end the others; raises what that one raised."""
    tasks = [asyncio.create_task(life) for life in lives]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await ended(*tasks)
    for task in done:
        task.result()
