"""A gateway that says what a test tells it to: our door, guard and page, and a conversation by hand."""

import asyncio
import contextlib
import io
import json
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, StreamingResponse

from tests.http.small_door import Books
from tests.page.browser import PATIENCE_S
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.gateway.static import page_router, pages
from wyoming_voice.http.app import application
from wyoming_voice.http.door import Door
from wyoming_voice.http.floor import Floor

RATE_HZ = 24_000


def service(kind: str, state: str = "up") -> dict[str, Any]:
    names = {"asr": "whisper", "tts": "kokoro", "handle": "llama-swap"}
    ports = {"asr": 10300, "tts": 10200, "handle": 10500}
    return {
        "kind": kind,
        "name": names[kind],
        "uri": f"tcp://127.0.0.1:{ports[kind]}",
        "state": state,
        "latency_ms": 2.4 if state == "up" else None,
        "version": "0.5.0",
        "error": "" if state == "up" else "connection refused",
    }


VOICES = [
    {"name": name, "language": language, "description": description, "server": "tcp://[::1]:10200"}
    for name, language, description in (
        ("af_heart", "en-US", "Heart, warm"),
        ("am_michael", "en-US", "Michael"),
        ("bf_emma", "en-GB", "Emma"),
        ("ff_siwis", "fr-FR", "Siwis"),
        ("jf_alpha", "ja", "Alpha"),
    )
]


def tone(seconds: float, hz: float = 440.0) -> bytes:
    """16-bit PCM at RATE_HZ."""
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (8_000 * np.sin(2 * np.pi * hz * times)).astype("<i2").tobytes()


@dataclass
class Session:
    """One WebSocket: what the page said, and the way to answer."""

    socket: WebSocket
    start: dict[str, Any]
    messages: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    sound: bytearray = field(default_factory=bytearray)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, kind: str, **fields: object) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def play(self, playback: int, pcm: bytes) -> None:
        """A whole playback, in pieces as they come from a network."""
        await self.tell("audio_begin", playback=playback, sample_rate=RATE_HZ)
        for at in range(0, len(pcm), 4_800):
            await self.socket.send_bytes(pcm[at : at + 4_800])
        await self.tell("audio_end", playback=playback)

    async def told(self, *kinds: str) -> dict[str, Any]:
        """The next message of these kinds; those before it are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            while (message := await self.messages.get())["type"] not in kinds:
                pass
        return message

    async def hear(self, ms: int) -> None:
        """Wait until so much more of the microphone has come."""
        enough = len(self.sound) + ms * self.start["sample_rate"] / 1000 * 2
        async with asyncio.timeout(PATIENCE_S):
            while len(self.sound) < enough:
                self.more.clear()
                await self.more.wait()


class ScriptedGateway:
    """What the page talks to; `asked` and `said` hold the bodies of /ask and /say."""

    def __init__(self) -> None:
        self.services = [service(kind) for kind in ("asr", "handle", "tts")]
        self.sessions: asyncio.Queue[Session] = asyncio.Queue()
        self.asked: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.answer = "It is ten past nine."

    async def session(self) -> Session:
        """The next conversation that a page begins."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.sessions.get()

    def router(self) -> APIRouter:
        router = APIRouter()

        @router.websocket("/ws/talk")
        async def talk(socket: WebSocket) -> None:
            await socket.accept()
            session = Session(socket, await socket.receive_json())
            await session.tell("ready", sample_rate=RATE_HZ, services=self.services)
            await session.tell("state", state="idle")
            self.sessions.put_nowait(session)
            with contextlib.suppress(WebSocketDisconnect):
                await _listen(session)
            session.closed.set()

        @router.get("/voices")
        async def voices() -> dict[str, Any]:
            return {"voices": VOICES}

        @router.post("/ask", response_model=None)
        async def ask(request: Request) -> Response:
            self.asked.append(await request.json())
            if self.asked[-1]["format"] == "json":
                return JSONResponse({"transcript": self.asked[-1]["text"], "answer": self.answer})
            headers = {"X-Answer": quote(self.answer)}
            return StreamingResponse(_wav(tone(0.5)), media_type="audio/wav", headers=headers)

        @router.post("/say", response_model=None)
        async def say(request: Request) -> Response:
            self.said.append(await request.json())
            return StreamingResponse(_wav(tone(0.5)), media_type="audio/wav")

        return router

    def door(self, settings: GatewaySettings) -> Door:
        floor = Floor(
            unwell=str,
            page=lambda: (b"", "text/plain"),
            books=Books(),
            most_requests=64,
            details=lambda: {"services": self.services},
        )
        page = pages()
        routers = [self.router(), page_router(page)]
        return Door(application("scripted", routers, floor, settings, free=tuple(page)), settings)


async def _listen(session: Session) -> None:
    while True:
        message = await session.socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if data := message.get("bytes"):
            session.sound += data
            session.more.set()
        elif text := message.get("text"):
            session.messages.put_nowait(_parsed(text))


def _parsed(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def _wav(pcm: bytes) -> Iterator[bytes]:
    """As it comes from a network: in pieces that keep no rules."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm)
    data = buffer.getvalue()
    for at in range(0, len(data), 1_111):
        yield data[at : at + 1_111]


@contextlib.asynccontextmanager
async def scripted(gateway: ScriptedGateway, port: int = 0, **settings: Any) -> AsyncIterator[str]:
    """The gateway's address, for as long as it is there."""
    door = gateway.door(GatewaySettings(http=f"tcp://127.0.0.1:{port}", **settings))
    address = await door.listen()
    try:
        yield f"http://{address.host}:{address.port}/"
    finally:
        await door.close()
