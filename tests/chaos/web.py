"""One request to an HTTP door or WebSocket, and its end; see `places`.

Rule: what a door says in JSON beside a status of 400 or more, or as a message of type `error`, are words.
"""

import asyncio
import functools
import json
import wave
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.asr.speech import said
from tests.chaos.codes import numbers_heard, numbers_in, tune_of, word_of
from tests.chaos.places import End, judged
from wyoming_voice.audio import to_pcm16
from wyoming_voice.wire import Address

_RATE_HZ = 16_000
_OPENAI_HZ = 24_000
_PIECE = 6400


class Told(Exception):
    """A door said what is wrong."""


async def request(door: str, address: Address, number: int, within_s: float = 10.0) -> End:
    """One request, and how it ended; AssertionError for a wrong result."""
    try:
        async with asyncio.timeout(within_s):
            got = await DOORS[door](f"{address.host}:{address.port}", number)
    except TimeoutError:
        return End.PATIENCE
    except Told:
        return End.ERROR
    except (OSError, httpx.TransportError, WebSocketException):
        return End.HUNG_UP
    return judged(KIND[door], got, number)


async def _transcription(host: str, number: int) -> list[int]:
    form = {"model": "whisper-1"}
    answer = await _posted(
        host, "/v1/audio/transcriptions", data=form, files={"file": _wav(number)}
    )
    return numbers_in(answer.json()["text"])


async def _speech(host: str, number: int) -> list[int]:
    wanted = {"model": "tts-1", "voice": "alloy", "input": f"This is {word_of(number)}."}
    answer = await _posted(host, "/v1/audio/speech", json={**wanted, "response_format": "pcm"})
    return numbers_heard(_samples(answer.content), _OPENAI_HZ)


async def _posted(host: str, path: str, **what: Any) -> httpx.Response:
    """Its answer, all of it; time is whoever asks' to limit."""
    async with httpx.AsyncClient(base_url=f"http://{host}", timeout=None) as client:
        answer = await client.post(path, **what)
    if answer.status_code >= 400:
        raise Told(answer.json()["error"]["message"])
    return answer


async def _dictation(host: str, number: int) -> list[int]:
    """Tunes are no speech to who finds utterances there: any text of this one is its own."""
    texts: list[str] = []
    async with connect(f"ws://{host}/ws/transcribe") as socket:
        speech = _question()
        for at in range(0, len(speech), _PIECE):
            await socket.send(speech[at : at + _PIECE])
        await socket.send(json.dumps({"type": "end"}))
        async for message in socket:
            told = json.loads(message)
            if told["type"] == "error":
                raise Told(told["error"]["message"])
            if told["type"] == "final":
                texts.append(told["text"])
            if told["type"] == "done":
                return [number] * sum(map(bool, texts))
    raise ConnectionError("it closed before it was done")


async def _reading(host: str, number: int) -> list[int]:
    audio = b""
    async with connect(f"ws://{host}/ws/tts") as socket:
        await socket.send(json.dumps({"text": f"This is {word_of(number)}."}))
        async for message in socket:
            if isinstance(message, bytes):
                audio += message
                continue
            told = json.loads(message)
            if told["type"] == "error":
                raise Told(told["error"]["message"])
            if told["type"] == "done":
                return numbers_heard(_samples(audio), _RATE_HZ)
    raise ConnectionError("it closed before it was done")


DOORS: dict[str, Callable[[str, int], Awaitable[list[int]]]] = {
    "POST /v1/audio/transcriptions": _transcription,
    "WS /ws/transcribe": _dictation,
    "POST /v1/audio/speech": _speech,
    "WS /ws/tts": _reading,
}
KIND = {door: "asr" if "transcri" in door else "tts" for door in DOORS}
"""Whose door it is."""


def _wav(number: int) -> tuple[str, bytes]:
    file = BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(_RATE_HZ)
        written.writeframes(to_pcm16(tune_of(number, _RATE_HZ)))
    return "tune.wav", file.getvalue()


@functools.cache
def _question() -> bytes:
    return said("What time is it?").astype("<f4").tobytes()


def _samples(pcm: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)
