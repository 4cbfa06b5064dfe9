"""An ASR server with both its doors open, and clients for each."""

import contextlib
import json
import wave
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.asr.driving import until
from tests.asr.speech import COMMAND_MODEL
from wyoming_voice.asr.engine import RATE_HZ, Audio, Engine
from wyoming_voice.asr.server import AsrProgram, AsrSettings, build
from wyoming_voice.audio import to_pcm16
from wyoming_voice.service import Service
from wyoming_voice.wire import Address


@dataclass
class Doors:
    """`http`: a client of the HTTP door; `base` is its address without the scheme."""

    program: AsrProgram
    wyoming: Address
    base: str
    http: httpx.AsyncClient

    @contextlib.asynccontextmanager
    async def socket(self, query: str = "") -> AsyncIterator[ClientConnection]:
        async with connect(f"ws://{self.base}/ws/transcribe{query}") as socket:
            yield socket

    async def nothing_left(self) -> None:
        """No work is left, no audio held, and nobody counts any more."""
        await until(lambda: self.program.worker.idle)
        await until(lambda: not self.program.audio.held_bytes)
        await until_ready(self.http)


async def until_ready(http: httpx.AsyncClient) -> None:
    while (await http.get("/ready")).json().get("requests") != 0:
        pass


def settings(**changed: object) -> AsrSettings:
    return AsrSettings.model_validate(
        {
            "uri": "tcp://127.0.0.1:0",
            "http": "tcp://127.0.0.1:0",
            "no_zeroconf": True,
            "model": [str(COMMAND_MODEL)],
            "device": "cpu",
            "cpu_threads": 1,
            "workers": 1,
            "drain_s": 0,
            **changed,
        }
    )


@contextlib.asynccontextmanager
async def opened(program: AsrProgram) -> AsyncIterator[Doors]:
    service = Service(program, program.settings)
    address = await service.listen()
    assert service.http_address is not None
    base = f"{service.http_address.host}:{service.http_address.port}"
    try:
        await service.load()
        async with httpx.AsyncClient(base_url=f"http://{base}", timeout=30) as http:
            yield Doors(program, address, base, http)
    finally:
        await service.stop()


def commands(**changed: object) -> contextlib.AbstractAsyncContextManager[Doors]:
    """With the command model."""
    program = build(settings(**changed))
    assert isinstance(program, AsrProgram)
    return opened(program)


def scripted(engine: Engine, **changed: object) -> contextlib.AbstractAsyncContextManager[Doors]:
    return opened(AsrProgram(settings(**changed), [engine]))


def wav(audio: Audio, rate_hz: int = RATE_HZ) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate_hz)
        written.writeframes(to_pcm16(audio))
    return file.getvalue()


def named(data: bytes, name: str = "speech.wav") -> dict[str, tuple[str, bytes]]:
    """The part of a form that is the file."""
    return {"file": (name, data)}


def floats(audio: Audio) -> bytes:
    return audio.astype("<f4").tobytes()


def pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


async def messages(socket: ClientConnection) -> list[dict[str, Any]]:
    """All that comes until the server closes."""
    told: list[dict[str, Any]] = []
    with contextlib.suppress(ConnectionClosed):  # with a code that the test looks at
        while True:
            told.append(json.loads(await socket.recv()))
    return told


async def message(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next one of a kind."""
    async for text in socket:
        found: dict[str, Any] = json.loads(text)
        if found["type"] == kind:
            return found
    raise AssertionError(f"no {kind} came")


def texts(told: Iterable[dict[str, Any]], kind: str = "final") -> list[str]:
    return [one["text"] for one in told if one["type"] == kind]


END = json.dumps({"type": "end"})
