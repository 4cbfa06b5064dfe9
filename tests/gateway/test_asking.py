"""Questions over plain HTTP, with the real servers."""

import asyncio
import contextlib
import io
import wave
from typing import Any
from urllib.parse import unquote

import httpx
import numpy as np
import pytest

from tests.asr.speech import said
from tests.gateway.conftest import gateway, settings
from tests.gateway.page import Browser
from tests.handle.talking import served
from tests.llama_swap import Do, FakeLlamaSwap, Reply, delta
from tests.satellite.standalone.wyoming_servers import FakeAsr, FakeHandle, FakeTts
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import UpstreamError
from wyoming_voice.gateway.asking import Asker
from wyoming_voice.gateway.questions import AskBody, Asked, SayBody
from wyoming_voice.gateway.server import serving
from wyoming_voice.gateway.services import Services
from wyoming_voice.handle.own_words import Own, in_words
from wyoming_voice.media.decoding import Media

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "What time is it?"
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"headers": {"content-type": "application/json"}}


def recording() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16_000)
        wav.writeframes(to_pcm16(said(QUESTION)))
    return file.getvalue()


def seconds_of(body: bytes) -> float:
    with Media(io.BytesIO(body)) as media:
        loud = [block for block in media.blocks() if np.abs(block).max() > 0.1]
        assert loud
        return media.heard_s


async def ask(browser: Browser, **request: object) -> httpx.Response:
    async with httpx.AsyncClient(base_url=browser.url, timeout=30) as client:
        return await client.post("/ask", **request)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("opus", "audio/ogg"), ("flac", "audio/flac")],
)
async def test_sound_in_sound_out(browser: Browser, kind: str, media_type: str) -> None:
    form = {"files": {"file": ("q.bin", recording())}, "data": {"format": kind}}
    answer = await ask(browser, **form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-transcript"] == "What%20time%20is%20it%3F"
    assert unquote(answer.headers["x-answer"]).startswith("It is")
    assert seconds_of(answer.content) > 0.8


async def test_text_in_text_out(browser: Browser) -> None:
    answer = await ask(browser, json={"text": QUESTION, "format": "json"})
    told = answer.json()
    assert told["transcript"] == QUESTION
    assert told["answer"].startswith("It is")


async def test_sound_in_text_out(browser: Browser) -> None:
    form = {"files": {"file": ("q.wav", recording())}, "data": {"format": "json"}}
    told = (await ask(browser, **form)).json()
    assert told["transcript"] == QUESTION
    assert told["answer"].startswith("It is")


async def test_what_nobody_can_answer_is_told_in_the_language_of_the_question(
    browser: Browser,
) -> None:
    asked = {"text": "warum ist der Himmel blau", "language": "de", "format": "json"}
    told = (await ask(browser, json=asked)).json()
    assert told["answer"] == in_words(Own.NO_MODEL_CONFIGURED, "de")


async def test_a_recording_is_answered_in_the_language_that_was_heard() -> None:
    asr, handle, tts = FakeAsr(language="de"), FakeHandle("Ja."), FakeTts()
    form = {"files": {"file": ("q.wav", recording())}, "data": {"format": "json"}}
    async with contextlib.AsyncExitStack() as stack:
        uris = {
            server.kind: await stack.enter_async_context(server.listening())
            for server in (asr, handle, tts)
        }
        assert (await ask(await stack.enter_async_context(gateway(uris)), **form)).json() == {
            "transcript": asr.text,
            "answer": "Ja.",
        }
    questions = [event for event in handle.seen if event.type == "transcript"]
    assert [question.data.get("language") for question in questions] == ["de"]


async def test_text_in_sound_out(browser: Browser) -> None:
    answer = await ask(browser, data={"text": QUESTION})
    assert answer.headers["x-transcript"] == "What%20time%20is%20it%3F"
    assert seconds_of(answer.content) > 0.8


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"json": {}}, 400, "bad-request"),
        ({"json": {"text": " "}}, 400, "bad-request"),
        ({"content": rb'{"text": "\ud800", "voice": "\ud800"}', **JSON}, 400, "unknown-voice"),
        ({"json": {"text": "hi", "voice": "nobody"}}, 400, "unknown-voice"),
        ({"json": {"text": "hi", "format": "tape"}}, 400, "bad-request"),
        ({"json": {"text": 7}}, 400, "bad-request"),
        ({"content": rb'{"\ud800": 1}', **JSON}, 400, "bad-request"),
        ({"json": {"text": "x" * 5001}}, 413, "too-large"),
        ({"json": {"text": "x" * 100_000}}, 413, "too-large"),
        ({"content": b"{", **JSON}, 400, "bad-request"),
        ({"content": b"[]", **JSON}, 400, "bad-request"),
        ({"content": b"hello"}, 415, "unsupported-media-type"),
        ({"files": {"file": b"PK\3\4 no sound"}}, 400, "bad-audio"),
        ({"files": {"file": b"RIFF"}, "data": {"text": "both"}}, 400, "bad-request"),
        ({"data": {"file": "a text"}}, 400, "bad-request"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    browser: Browser, request_: dict[str, object], status: int, code: str
) -> None:
    answer = await ask(browser, **request_)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), answer.text
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "request_", "near"),
    [
        ("/ask", {"json": {"txt": "hi"}}, "text"),
        ("/ask", {"content": b'{"txt": "hi"}', "headers": FORM}, "text"),
        ("/ask", {"data": {"txt": "hi"}}, "text"),
        ("/ask", {"files": {"file": b"RIFF"}, "data": {"languge": "en"}}, "language"),
        ("/ask", {"files": {"fil": b"RIFF"}}, "file"),
        ("/say", {"json": {"txt": "hi"}}, "text"),
    ],
)
async def test_a_slip_of_the_pen_is_named(
    browser: Browser, path: str, request_: dict[str, Any], near: str
) -> None:
    async with httpx.AsyncClient(base_url=browser.url) as client:
        error = (await client.post(path, **request_)).json()["error"]
    assert f"did you mean '{near}'?" in error["message"], error


async def test_where_no_server_was_ever_found_it_is_said_what_to_do() -> None:
    nobody = Services({})  # and never looks for any
    asker = Asker(settings({}), nobody)
    asked = Asked(AskBody(text="hi", format="json"))
    with pytest.raises(UpstreamError, match=r"start one, or name it \(--handle-uri\)"):
        await asker.written(asked, TurnRecord("ask"))
    with pytest.raises(UpstreamError, match=r"start one, or name it \(--tts-uri\)"):
        async with contextlib.aclosing(asker.said(SayBody(text="hi"), TurnRecord("say"))) as said_:
            await anext(said_)
    asker.close()


async def test_a_recording_without_speech_is_told_so(browser: Browser) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, 16_000, 0, "NONE", ""))
        wav.writeframes(bytes(32_000))
    answer = await ask(browser, files={"file": file.getvalue()})
    assert answer.status_code == 400
    assert "nothing was understood" in answer.json()["error"]["message"]


async def test_half_a_recording_is_told_so(browser: Browser) -> None:
    whole = recording() + bytes(64_000)
    declared = whole[:40] + (len(whole) - 44).to_bytes(4, "little")
    answer = await ask(browser, files={"file": ("q.wav", declared + whole[44:30_000])})
    assert answer.status_code == 400
    assert "cut off" in answer.json()["error"]["message"]


async def test_whoever_leaves_hangs_up_on_everybody(servers: dict[str, str]) -> None:
    stalls = Reply([delta(role="assistant", content="It is"), Do.STALL])
    async with (
        FakeLlamaSwap(stalls) as llm,
        served(llm_url=llm.url) as handle,
        serving(settings({**servers, "handle": handle})) as (gateway, address),
    ):
        for kind in ("wav", "json"):
            llm.stalled.clear()
            llm.hung_up.clear()
            asking = asyncio.create_task(
                ask(Browser(gateway, address), json={"text": QUESTION, "format": kind})
            )
            await llm.stalled.wait()
            asking.cancel()
            await llm.hung_up.wait()


async def test_the_field_that_is_refused_is_named(browser: Browser) -> None:
    for field, value in (("text", "x" * 5001), ("voice", "nobody")):
        answer = await ask(browser, json={"text": "hi", field: value})
        assert answer.json()["error"]["param"] == field


async def test_a_recording_that_is_too_long_is_refused(servers: dict[str, str]) -> None:
    async with serving(settings(servers, max_question_s=0.5)) as (gateway, address):
        answer = await ask(Browser(gateway, address), files={"file": recording()})
    assert answer.status_code == 413
    assert "--max-question-s" in answer.json()["error"]["message"]
    assert answer.json()["error"]["param"] == "file"


async def test_say_and_voices(browser: Browser) -> None:
    async with httpx.AsyncClient(base_url=browser.url, timeout=30) as client:
        voices = (await client.get("/voices")).json()["voices"]
        british = next(voice for voice in voices if voice["language"] == "en-GB")
        said_ = [
            (await client.post("/say", json={"text": "Good morning.", "voice": name})).content
            for name in ("", british["name"])
        ]
        empty = await client.post("/say", json={"text": ""})
    assert said_[0] != said_[1]
    assert all(seconds_of(one) > 0.4 for one in said_)
    assert empty.status_code == 400


async def test_the_description_is_there(browser: Browser) -> None:
    async with httpx.AsyncClient(base_url=browser.url) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert {"/ask", "/say", "/voices", "/health", "/ready", "/metrics"} <= set(paths)
