"""One request by HTTP or a WebSocket, timed from outside as `benchmark.asking` times one over Wyoming.

Rules: a connection of its own each, and the time to open it counts, as the time to send does; what a server
says is wrong ends the benchmark.
"""

import contextlib
import io
import json
import time
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

from bench.unpacking import Samples, Unpacking
from wyoming_voice.benchmark.asking import TIMEOUT_S
from wyoming_voice.benchmark.playback import Playback
from wyoming_voice.benchmark.recording import CHUNK_MS, Recording, paced
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import UpstreamError

_END = '{"type": "end"}'


@dataclass(frozen=True)
class Reply:
    """How long somebody waited, and the text where text came."""

    after_s: float
    text: str = ""


def caller() -> httpx.AsyncClient:
    """Who asks by HTTP; no connection is kept for a second request."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits, trust_env=False)


def wav(said: Recording) -> bytes:
    """What `benchmark.asking.transcribed` says, as a file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((SPEECH.channels, SPEECH.width_bytes, SPEECH.rate_hz, 0, "NONE", ""))
        written.writeframes(b"".join(said.chunks()))
    return file.getvalue()


async def text_of(client: httpx.AsyncClient, url: str, **request: Any) -> Reply:
    """Post a recording; seconds to the whole answer, and the `text` in it."""
    begin_s = time.monotonic()
    try:
        answer = await client.post(url, **request)
    except httpx.HTTPError as error:
        raise UpstreamError(f"{url}: {error!r}") from error
    after_s = time.monotonic() - begin_s
    _check(url, answer.status_code, answer.text)
    return Reply(after_s, str(answer.json()["text"]).strip())


async def heard_by_socket(address: str, said: Recording, *, at_once: bool) -> Reply:
    """`/ws/transcribe`, whose client says where the utterance ends.

    Seconds from connecting to the text, or, at a microphone's pace, from the last sample.
    """
    chunks = said.chunks()
    start = {"type": "start", "sample_rate": SPEECH.rate_hz, "format": "s16le", "language": "en"}
    start |= {"endpointing": False, "partials": False, "words": False}
    begin_s = time.monotonic()
    async with connected(address, "/ws/transcribe") as socket:
        await socket.send(json.dumps(start))
        length_s = len(chunks) * CHUNK_MS / 1000
        start_s = time.monotonic() - (length_s if at_once else 0.0)
        async for chunk in paced(chunks, CHUNK_MS, start_s):
            await socket.send(chunk)
        if not at_once:
            begin_s = time.monotonic()
        await socket.send(_END)
        async for message in messages(socket):
            if not isinstance(message, bytes) and message["type"] == "final":
                return Reply(time.monotonic() - begin_s, message["text"].strip())
    raise UpstreamError(f"{address} closed /ws/transcribe without a final")


async def spoken_by_post(
    client: httpx.AsyncClient, url: str, unpacking: Unpacking, **request: Any
) -> Reply:
    """Post a text; seconds to the first sample that can be heard. All of the speech is awaited."""
    unpacker, playback = unpacking(), Playback()
    try:
        async with client.stream("POST", url, **request) as answer:
            if answer.status_code != httpx.codes.OK:
                _check(url, answer.status_code, (await answer.aread()).decode(errors="replace"))
            async for data in answer.aiter_raw():
                for sound in unpacker.push(data):
                    playback.arrived(sound)
    except httpx.HTTPError as error:
        raise UpstreamError(f"{url}: {error!r}") from error
    return _audible(url, playback)


async def spoken_by_socket(address: str, text: str) -> Reply:
    """`/ws/tts`: as `spoken_by_post`."""
    playback, unpacker = Playback(), None
    async with connected(address, "/ws/tts") as socket:
        await socket.send(json.dumps({"text": text}))
        async for message in messages(socket):
            if isinstance(message, bytes):
                assert unpacker is not None, "sound before `start`"
                for sound in unpacker.push(message):
                    playback.arrived(sound)
            elif message["type"] == "start":
                unpacker = Samples(message["sample_rate"])
            elif message["type"] == "done":
                break
    return _audible(address, playback)


@contextlib.asynccontextmanager
async def connected(address: str, path: str) -> AsyncIterator[ClientConnection]:
    """An open WebSocket."""
    uri = f"ws://{address}{path}"
    try:
        async with websockets.connect(
            uri, max_size=None, compression=None, proxy=None, open_timeout=TIMEOUT_S
        ) as socket:
            yield socket
    except (OSError, websockets.WebSocketException) as error:
        raise UpstreamError(f"{uri}: {error}") from error


async def messages(socket: ClientConnection) -> AsyncIterator[bytes | dict[str, Any]]:
    """Binary messages as they are, the others read; raises UpstreamError for an error."""
    async for message in socket:
        if isinstance(message, bytes):
            yield message
            continue
        told = json.loads(message)
        if told["type"] == "error":
            raise UpstreamError(told["error"]["message"])
        yield told


def _check(url: str, status: int, text: str) -> None:
    if status != httpx.codes.OK:
        raise UpstreamError(f"{url} answers {status}: {text[:200]}")


def _audible(where: str, playback: Playback) -> Reply:
    if playback.first_audible_s is None:
        raise UpstreamError(f"{where} made nothing audible")
    return Reply(playback.first_audible_s)
