"""A page without a browser, timed: a question spoken into the gateway's WebSocket, and its answer heard."""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection

from bench.over_http import Reply, connected, messages
from bench.unpacking import Samples
from wyoming_voice.benchmark.playback import Playback
from wyoming_voice.benchmark.recording import Recording, paced
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import DeadlineExceeded, UpstreamError
from wyoming_voice.vad import FRAME_MS

_PATIENCE_S = 60.0


async def talked(address: str, question: Recording) -> Reply:
    """Seconds from the question's last sound to the first of its answer that can be heard.

    All of the answer is awaited. Raises UpstreamError and DeadlineExceeded.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S), connected(address, "/ws/talk") as socket:
            told = messages(socket)
            start = {"type": "start", "sample_rate": SPEECH.rate_hz, "format": "s16le"}
            await socket.send(json.dumps(start))
            rate_hz = await _ready(told)
            begin_s = time.monotonic()
            async with _microphone(socket, question, begin_s):
                return await _answered(socket, told, rate_hz, begin_s + question.last_sound_s)
    except TimeoutError as error:
        raise DeadlineExceeded(f"{address} had not answered after {_PATIENCE_S:g} s") from error


async def _ready(told: AsyncIterator[bytes | dict[str, object]]) -> int:
    async for message in told:
        if not isinstance(message, bytes) and message["type"] == "ready":
            return int(str(message["sample_rate"]))
    raise UpstreamError("the gateway closed before it was ready")


@contextlib.asynccontextmanager
async def _microphone(
    socket: ClientConnection, question: Recording, begin_s: float
) -> AsyncIterator[None]:
    """The question, and silence after it for as long as the block runs."""

    async def speak() -> None:
        spoken = question.chunks(FRAME_MS)
        async for chunk in paced(spoken, FRAME_MS, begin_s):
            await socket.send(chunk)
        silence = bytes(SPEECH.size_bytes(FRAME_MS))
        for number in itertools.count(len(spoken) + 1):
            await asyncio.sleep(max(0.0, begin_s + number * FRAME_MS / 1000 - time.monotonic()))
            await socket.send(silence)

    speaking = asyncio.create_task(speak())
    try:
        yield
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)


async def _answered(
    socket: ClientConnection,
    told: AsyncIterator[bytes | dict[str, object]],
    rate_hz: int,
    end_s: float,
) -> Reply:
    playback, unpacker, text, sounding = Playback(end_s), Samples(rate_hz), "", False
    async for message in told:
        if isinstance(message, bytes):
            for sound in unpacker.push(message):
                playback.arrived(sound)
            continue
        match message["type"]:
            case "transcript" if not message["text"]:
                raise UpstreamError("nothing was understood")
            case "trouble" if message["text"]:
                raise UpstreamError(f"the gateway says: {message['text']}")
            case "answer":
                text = str(message["text"])
            case "audio_begin":
                sounding = True
            case "audio_end":
                sounding = False
                heard = {"playback": message["playback"], "ms": 1000 * playback.audio_s}
                await socket.send(json.dumps({"type": "heard", **heard}))
        if text and playback.first_audible_s is not None and not sounding:
            return Reply(playback.first_audible_s, text)
    raise UpstreamError("the gateway closed before it had answered")
