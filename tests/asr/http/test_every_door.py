"""The same audio gives the same words, whichever door it comes through."""

import json
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from tests.asr.http.doors import END, Doors, commands, floats, messages, named, pieces, texts, wav
from tests.asr.speech import said, silence, utterance
from tests.wire_client import client_of
from wyoming_voice.asr.engine import Audio
from wyoming_voice.audio import to_pcm16

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIGHT = "Turn on the kitchen light."


def as_16_bit(audio: Audio) -> Audio:
    """What is left of samples in a WAV."""
    return (np.frombuffer(to_pcm16(audio), "<i2") / 32768).astype(np.float32)


RECORDINGS = {
    "a command": as_16_bit(said(LIGHT)),
    "longer than a window": as_16_bit(
        np.concatenate([said(LIGHT), silence(0.6), said("What time is it?"), silence(0.7)] * 3)
    ),
    "silence": silence(1.0),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors() -> AsyncIterator[Doors]:
    async with commands() as found:
        yield found


async def over_wyoming(doors: Doors, audio: Audio) -> str:
    async with client_of(doors.wyoming) as client:
        await client.send(*utterance(audio, chunk_ms=100))
        answer = await client.read()
    assert answer is not None
    return str(answer.data["text"])


async def over_websocket(doors: Doors, sent: list[bytes], query: str) -> list[str]:
    async with doors.socket(f"?endpointing=false&{query}") as socket:
        for data in sent:
            await socket.send(data)
        await socket.send(END)
        return texts(await messages(socket))


@pytest.mark.parametrize("name", RECORDINGS)
async def test_the_words_are_the_same(doors: Doors, name: str) -> None:
    audio = RECORDINGS[name]
    text = await over_wyoming(doors, audio)
    assert bool(text) == (name != "silence")
    file, http = wav(audio), doors.http
    for asked in ({}, {"word_timestamps": "true"}):
        plain = await http.post("/transcribe", files=named(file), data=asked)
        assert plain.json()["text"] == text
        assert " ".join(part["text"] for part in plain.json()["segments"]) == text
    lines = await http.post("/transcribe?stream=true", content=file)
    assert json.loads(lines.text.splitlines()[-1])["text"] == text
    form = {"model": "whisper-1"}
    theirs = await http.post("/v1/audio/transcriptions", files=named(file), data=form)
    assert theirs.json()["text"] == text
    assert await over_websocket(doors, [floats(audio)], "") == [text]
    pcm = [*pieces(to_pcm16(audio), 3201)]
    assert await over_websocket(doors, pcm, "format=s16le&words=false") == [text]
