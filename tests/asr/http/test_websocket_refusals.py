"""`WS /ws/transcribe`: what makes no sense is told, with what to do, and nothing is left behind."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from tests.asr.fakes import ScriptedEngine
from tests.asr.http.doors import END, Doors, floats, messages, scripted, texts
from tests.asr.speech import said, silence

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIGHT = "Turn on the kitchen light."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors() -> AsyncIterator[Doors]:
    async with scripted(ScriptedEngine()) as found:
        yield found


REFUSED = [
    ("nonsense", "must be JSON"),
    ("[]", "must be an object"),
    ('{"type": "stop"}', "start, end, cancel"),
    ('{"type": "start", "format": "mp3"}', "f32le"),
    ('{"type": "start", "sample_rate": 7}', "sample_rate"),
    ('{"type": "start", "sample_rate": 1e99}', "sample_rate"),
    ('{"type": "start", "langauge": "en"}', "did you mean 'language'"),
    ('{"type": "start", "model": "tiny"}', "known: scripted"),
    ('{"type": "start", "language": "xx"}', "unknown language"),
    (json.dumps({"type": "start", "prompt": "a" * 10_000}), "prompt"),
    ("[" * 60_000, "must be JSON"),
    ('"' + "a" * 70_000 + '"', "characters"),
]


@pytest.mark.parametrize(("text", "remedy"), REFUSED)
async def test_what_makes_no_sense_is_refused(doors: Doors, text: str, remedy: str) -> None:
    async with doors.socket() as socket:
        await socket.send(text)
        (error,) = await messages(socket)
        assert socket.close_code == 1008
    assert remedy in error["error"]["message"]
    await doors.nothing_left()


async def test_a_late_start_and_a_bad_query(doors: Doors) -> None:
    async with doors.socket() as socket:
        await socket.send(floats(silence(0.1)))
        await socket.send(json.dumps({"type": "start"}))
        (error,) = await messages(socket)
    assert "before everything else" in error["error"]["message"]
    answer = await doors.http.get("/ws/transcribe")
    assert answer.status_code == 426
    assert "ws://" in answer.json()["error"]["message"]
    with pytest.raises(Exception, match="HTTP 400"):
        async with doors.socket("?channels=9"):
            pass
    await doors.nothing_left()


async def test_more_than_may_be_held() -> None:
    async with scripted(ScriptedEngine(), max_audio_s=2, no_vad_gate=True) as doors:
        async with doors.socket() as socket:
            await socket.send(floats(silence(2.5)))
            (error,) = await messages(socket)
        assert "--max-audio-s" in error["error"]["message"]
        await doors.nothing_left()


async def test_without_a_voice_detector_the_client_says_where_it_ends() -> None:
    async with scripted(ScriptedEngine("yes"), no_vad_gate=True) as doors:
        async with doors.socket() as socket:
            await socket.send(floats(said(LIGHT)))
            await socket.send(END)
            assert texts(await messages(socket)) == ["yes"]
        async with doors.socket("?endpointing=true") as socket:
            await socket.send(END)
            (error,) = await messages(socket)
        assert "voice detector" in error["error"]["message"]


async def test_who_says_nothing_is_let_go() -> None:
    async with scripted(ScriptedEngine(), idle_timeout_s=0.05) as doors, doors.socket() as socket:
        (error,) = await messages(socket)
        assert error["error"]["code"] == "too-slow"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
