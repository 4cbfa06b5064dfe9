"""`/v1`, asked by OpenAI's own client: what it asks, what it hears, and what it makes of mistakes."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from tests.tts.fakes import RATE_HZ, Beeper
from tests.tts.http.door import opened
from wyoming_voice.tts.http.openai import VOICES
from wyoming_voice.tts.voices import KOKORO_VOICES

TEXT = "Hello there. How are you?"


@asynccontextmanager
async def client(engine: Beeper | None = None, **changes: object) -> AsyncIterator[Any]:
    async with opened(engine, **changes) as door:
        url = f"http://{door.host}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as asking:
            yield asking


async def test_mp3_is_what_comes_when_nothing_else_is_said() -> None:
    engine = Beeper(sample_rate_hz=24_000)
    async with client(engine) as asking:
        answer = await asking.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)
    assert answer.response.headers["content-type"] == "audio/mpeg"
    assert answer.content.startswith((b"\xff", b"ID3"))
    assert {(said.voice, said.speed) for said in engine.spoken[2:]} == {("af_alloy", 1.0)}


async def test_every_format_can_be_streamed() -> None:
    async with client(Beeper()) as asking:
        for kind in ("mp3", "opus", "aac", "flac", "wav", "pcm"):
            request = asking.audio.speech.with_streaming_response.create(
                model="gpt-4o-mini-tts",
                voice="nova",
                input=TEXT,
                response_format=kind,
                instructions="Whisper.",
            )
            async with request as answer:
                parts = [part async for part in answer.iter_bytes()]
            assert sum(map(len, parts)) > 1_000, kind


async def test_pcm_is_at_24_khz_whatever_the_engine_makes() -> None:
    async with client(Beeper()) as asking:
        asked = {"model": "tts-1", "voice": "echo", "input": "Hello.", "response_format": "pcm"}
        answer = await asking.audio.speech.create(**asked)
        wav = await asking.audio.speech.create(**{**asked, "response_format": "wav"})
    assert answer.response.headers["content-type"] == "audio/pcm;rate=24000;channels=1"
    assert answer.response.headers["x-sample-rate"] == "24000"
    own = (len(wav.content) - 44) / RATE_HZ
    assert len(answer.content) / 24_000 == pytest.approx(own, rel=0.01)


@pytest.mark.parametrize(("asked", "spoken"), [(0.25, 0.5), (1.25, 1.25), (4.0, 2.0)])
async def test_speeds_that_no_voice_has_are_the_nearest_one(asked: float, spoken: float) -> None:
    engine = Beeper()
    async with client(engine) as asking:
        await asking.audio.speech.create(
            model="tts-1-hd", voice="onyx", input="Hello.", speed=asked, response_format="pcm"
        )
    assert engine.spoken[2].speed == spoken


def test_each_of_openais_voices_stands_for_one_of_kokoros() -> None:
    assert set(VOICES.values()) <= {voice.name for voice in KOKORO_VOICES}
    assert len(set(VOICES.values())) == len(VOICES)


@pytest.mark.parametrize("voice", ["bf_emma", {"id": "bf_emma"}, "af_bella(2)+af_sky(1)"])
async def test_our_own_voices_can_be_asked_for(voice: Any) -> None:
    engine = Beeper()
    async with client(engine) as asking:
        await asking.audio.speech.create(
            model="tts-1", voice=voice, input="Hello.", response_format="pcm"
        )
    assert engine.spoken[2].voice == (voice["id"] if isinstance(voice, dict) else voice)


async def test_openais_voices_are_the_default_one_where_there_is_no_other() -> None:
    async with client(voice="de") as asking:
        answer = await asking.audio.speech.create(
            model="espeak-ng", voice="shimmer", input="Hallo.", response_format="wav"
        )
    assert answer.content.startswith(b"RIFF")


MISTAKES: list[tuple[dict[str, Any], type[openai.APIStatusError], str]] = [
    ({"voice": "shimer"}, openai.BadRequestError, "unknown voice 'shimer'; did you mean"),
    ({"voice": {"id": "af_hart"}}, openai.BadRequestError, "did you mean 'af_heart'"),
    ({"voice": "japanese"}, openai.BadRequestError, "did you mean 'jf_alpha'"),
    ({"voice": {"name": "af_sky"}}, openai.BadRequestError, "voice: Input should be"),
    ({"model": "tts-9"}, openai.NotFoundError, "unknown model 'tts-9'; did you mean 'tts-1'"),
    ({"input": ""}, openai.BadRequestError, "input: "),
    ({"speed": 4.5}, openai.BadRequestError, "less than or equal to 4"),
    ({"response_format": "ogg"}, openai.BadRequestError, "'opus'"),
    ({"stream_format": "both"}, openai.BadRequestError, "'sse'"),
    ({"input": "a" * 200_000}, openai.APIStatusError, "at most 100000"),
]


async def test_mistakes_are_what_the_client_knows_as_its_own() -> None:
    async with client(Beeper()) as asking:
        for change, kind, remedy in MISTAKES:
            wish = {"model": "tts-1", "voice": "alloy", "input": "Hello.", **change}
            with pytest.raises(kind) as caught:
                await asking.audio.speech.create(**wish)
            assert remedy in caught.value.message, change.keys()
            assert caught.value.param in change
            assert caught.value.type == "invalid_request_error"
            assert caught.value.request_id


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(part.removeprefix("data: ")) for part in text.split("\n\n") if part]


async def test_events_hold_the_same_audio() -> None:
    wish = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": TEXT, "response_format": "pcm"}
    async with opened(Beeper(sample_rate_hz=24_000)) as door:
        plain = await door.http.post("/v1/audio/speech", json=wish)
        answer = await door.http.post("/v1/audio/speech", json={**wish, "stream_format": "sse"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *deltas, done = events(answer.text)
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    assert b"".join(base64.b64decode(delta["audio"]) for delta in deltas) == plain.content
    assert done["type"] == "speech.audio.done"
    usage = done["usage"]
    assert usage["input_tokens"] == len(TEXT)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens"] == pytest.approx(len(plain.content) / 48_000 * 20, abs=10)


async def test_what_fails_midway_is_the_last_event() -> None:
    wish = {"model": "tts-1", "voice": "alloy", "stream_format": "sse"}
    async with opened(Beeper(fails_at="Now")) as door:
        whole = {**wish, "input": "It goes well. Now it fails."}
        *deltas, error = events((await door.http.post("/v1/audio/speech", json=whole)).text)
        assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
        assert error["error"]["code"] == "engine-failed"
        at_once = {**wish, "input": "Now it fails."}
        assert (await door.http.post("/v1/audio/speech", json=at_once)).status_code == 500


async def test_the_models_are_listed_with_the_engine_first() -> None:
    async with client() as asking:
        names = [model.id async for model in asking.models.list()]
        assert names[:2] == ["espeak-ng", "tts-1"]
        assert (await asking.models.retrieve("tts-1-hd")).id == "tts-1-hd"
        with pytest.raises(openai.NotFoundError, match="did you mean 'tts-1'"):
            await asking.models.retrieve("tts-2")
