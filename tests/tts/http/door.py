"""A TTS server with an HTTP door, its addresses, and what a WebSocket client hears."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.tts.fakes import MADE_BY
from wyoming_voice.service import Service
from wyoming_voice.tts.engine import Engine
from wyoming_voice.tts.server import TtsProgram, build
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue

LOOPBACK = {"uri": "tcp://127.0.0.1:0", "http": "tcp://127.0.0.1:0"}


@dataclass
class Door:
    """Where it is, and a client that knows it."""

    uri: str
    host: str
    http: httpx.AsyncClient

    def socket(self) -> connect:
        """A WebSocket to it."""
        return connect(f"ws://{self.host}/ws/tts")


@contextlib.asynccontextmanager
async def opened(fake: Engine | None = None, **changes: object) -> AsyncIterator[Door]:
    """A server that speaks with `fake`, or with a real engine, until the end of the block."""
    settings = TtsSettings.model_validate({**LOOPBACK, "engine": "espeak", **changes})
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    program = TtsProgram(settings, fake, catalogue, MADE_BY) if fake else build(settings)
    service = Service(program, settings)
    try:
        uri = str(await service.listen())
        await service.load()
        assert service.http_address is not None
        host = f"{service.http_address.host}:{service.http_address.port}"
        async with httpx.AsyncClient(base_url=f"http://{host}", timeout=20) as client:
            yield Door(uri, host, client)
    finally:
        await service.stop()


@dataclass
class Heard:
    """What came until a message of a kind: the messages, and the bytes between them."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    audio: bytes = b""

    @property
    def kinds(self) -> list[str]:
        """The types of the messages, in order."""
        return [str(message["type"]) for message in self.messages]


async def hear(socket: ClientConnection, *last: str) -> Heard:
    """All up to the first message of a kind in `last`."""
    heard = Heard()
    while True:
        message = await socket.recv()
        if isinstance(message, bytes):
            heard.audio += message
            continue
        heard.messages.append(json.loads(message))
        if heard.kinds[-1] in last:
            return heard


async def say(socket: ClientConnection, **message: object) -> None:
    """Send one message."""
    await socket.send(json.dumps(message))
