"""`/synthesize` and `/voices` over real sockets: audio in every form, and a remedy for every mistake."""

import asyncio
import io
import json
import logging
import wave
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import numpy as np
import pytest
import pytest_asyncio
from wyoming.tts import Synthesize

from tests.tts.fakes import RATE_HZ, Beeper, Stuck, heard, tone
from tests.tts.http.door import Door, hear, opened, say
from wyoming_voice.tts.engine import Sound, Utterance, never
from wyoming_voice.wire import connect

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = "Hello there. How are you?"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door() -> AsyncIterator[Door]:
    """For tests that don't look at the engine."""
    async with opened(Beeper(sample_rate_hz=RATE_HZ)) as door:
        yield door


class Chanter(Beeper):
    """Whose every letter has a level of its own."""

    def synthesize(
        self, utterance: Utterance, stopped: Callable[[], bool] = never
    ) -> Iterator[Sound]:
        self.spoken.append(utterance)
        for letter in utterance.text:
            yield Sound(tone(80, amplitude=ord(letter) / 256))


async def test_the_same_text_is_the_same_samples_through_every_door() -> None:
    async with opened(Chanter()) as door:
        plain = (await door.http.post("/synthesize", json={"text": TEXT, "format": "pcm"})).content
        async with connect(door.uri) as connection:
            await connection.write(Synthesize(text=TEXT).event())
            events = await heard(connection, "audio-stop")
        async with door.socket() as socket:
            await say(socket, text=TEXT)
            spoken = await hear(socket, "done")
    wyoming = b"".join(event.payload or b"" for event in events)
    assert len(plain) > RATE_HZ * 2
    assert plain == wyoming
    assert plain == spoken.audio


async def test_wav_is_what_comes_when_nothing_else_is_said(door: Door) -> None:
    answer = await door.http.post("/synthesize", json={"text": TEXT})
    plain = await door.http.post("/synthesize", json={"text": TEXT, "format": "pcm"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
    assert answer.content.endswith(plain.content)


async def test_pcm_says_its_rate(door: Door) -> None:
    answer = await door.http.post("/synthesize", json={"text": TEXT, "format": "pcm"})
    assert answer.headers["content-type"] == f"audio/pcm;rate={RATE_HZ};channels=1"
    assert answer.headers["x-sample-rate"] == str(RATE_HZ)
    assert np.abs(np.frombuffer(answer.content, "<i2")).max() > 5_000


@pytest.mark.parametrize(
    ("kind", "media_type", "start"),
    [
        ("mp3", "audio/mpeg", (b"\xff", b"ID3")),
        ("opus", "audio/ogg", (b"OggS",)),
        ("flac", "audio/flac", (b"fLaC",)),
        ("aac", "audio/aac", (b"\xff\xf1",)),
    ],
)
async def test_audio_is_packed_as_asked(
    door: Door, kind: str, media_type: str, start: tuple[bytes, ...]
) -> None:
    answer = await door.http.post("/synthesize", json={"text": TEXT, "format": kind})
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.content.startswith(start)


async def test_a_wish_is_heard_in_json_and_in_forms() -> None:
    wish = {"text": "Hello.", "voice": "am_adam", "speed": 1.5, "format": "pcm"}
    engine = Beeper()
    async with opened(engine) as door:
        answers = [
            await door.http.post("/synthesize", json=wish),
            await door.http.post("/synthesize", data=wish),
            await door.http.post(
                "/synthesize", files={name: (None, str(value)) for name, value in wish.items()}
            ),
            await door.http.post(  # as `curl -d '{…}'` sends it
                "/synthesize",
                content=json.dumps(wish),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            ),
        ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert {(said.text, said.voice, said.speed) for said in engine.spoken[2:]} == {
        ("Hello.", "am_adam", 1.5)
    }


@pytest.mark.parametrize(
    ("wish", "voice"),
    [
        ({"voice": None, "language": "fr"}, "ff_siwis"),
        ({"voice": "", "language": ""}, "af_heart"),
        ({"voice": "af_bella(2)+af_sky(1)"}, "af_bella(2)+af_sky(1)"),
    ],
)
async def test_voices_are_chosen_as_over_wyoming(wish: dict[str, str | None], voice: str) -> None:
    engine = Beeper()
    async with opened(engine) as door:
        answer = await door.http.post("/synthesize", json={"text": "Hello.", **wish})
    assert answer.status_code == 200
    assert engine.spoken[2].voice == voice


async def test_text_without_words_is_a_little_silence(door: Door) -> None:
    wish = {"text": " … \U0001f600 ", "format": "pcm"}
    answer = await door.http.post("/synthesize", json=wish)
    assert 0.05 <= len(answer.content) / 2 / RATE_HZ <= 0.1
    assert not any(answer.content)


async def test_what_no_voice_can_read_is_passed_over() -> None:
    engine = Beeper()
    async with opened(engine) as door:
        body = b'{"text": "Good\\u0000 \\ud800 morning.", "format": "pcm"}'
        answer = await door.http.post("/synthesize", content=body)
    assert answer.status_code == 200
    assert engine.texts == ["Good morning."]


BAD = [
    (b'{"voice": "af_sky"}', 400, "text", "required"),
    (b'{"text": ""}', 400, "text", "at least 1 character"),
    (b'{"text": 5}', 400, "text", "valid string"),
    (b'{"text": null}', 400, "text", "valid string"),
    (b'{"text": "a", "voice": "af_hart"}', 400, "voice", "did you mean 'af_heart'"),
    (b'{"text": "a", "voice": {"id": "af_sky"}}', 400, "voice", "valid string"),
    (b'{"text": "a", "voice": "af_sky(0)"}', 400, "voice", "more than 0"),
    (b'{"text": "a", "voice": "af_sky+bf_emma"}', 400, "voice", "one language"),
    (b'{"text": "a", "voice": "french"}', 400, "voice", "did you mean 'ff_siwis'"),
    (b'{"text": "a", "language": "xx"}', 400, "language", "unknown language"),
    (b'{"text": "a", "speed": "fast"}', 400, "speed", "valid number"),
    (b'{"text": "a", "speed": true}', 400, "speed", "valid number"),
    (b'{"text": "a", "speed": 0.4}', 400, "speed", "greater than or equal to 0.5"),
    (b'{"text": "a", "speed": 1e400}', 400, "speed", "finite number"),
    (b'{"text": "a", "speed": NaN}', 400, None, "NaN stands for no number"),
    (b'{"text": "a", "speed": -Infinity}', 400, None, "no number"),
    (b'{"text": "a", "speed": ' + b"9" * 5_000 + b"}", 400, None, "no JSON"),
    (b'{"text": "a", "format": "exe"}', 400, "format", "'wav'"),
    (b'[{"text": "a"}]', 415, None, "send JSON"),
    (b'{"text": ' + b"[" * 100_000, 400, None, "nested too deeply"),
    (b'{"text": "a"', 400, None, "no JSON"),
    (b'{"text": "\xff"}', 400, None, "not UTF-8"),
    (b"", 415, None, "send JSON"),
    (b'{"text": "' + b"a" * 200_000 + b'"}', 413, "text", "at most 100000"),
    (b'{"text": "' + b"a" * 2_000_000 + b'"}', 413, None, "shorter text"),
]


async def test_a_mistake_is_told_with_its_remedy(door: Door) -> None:
    for body, status, param, remedy in BAD:
        answer = await door.http.post("/synthesize", content=body)
        error = answer.json()["error"]
        assert answer.status_code == status, body[:60]
        assert error["param"] == param, body[:60]
        assert remedy in error["message"], body[:60]
        assert len(error["message"]) < 300, body[:60]
        assert error["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("body", [b'["Hello"]', b"null", b"7", b'"Hello"'])
async def test_json_that_is_no_object_is_refused(door: Door, body: bytes) -> None:
    answer = await door.http.post(
        "/synthesize", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert "object is needed" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"a: b\r\n" * 5_000),
        ("application/x-www-form-urlencoded", b"\xff\xfe=%ff&text"),
        ("application/x-www-form-urlencoded", b"text=a&speed=nan"),
    ],
)
async def test_a_broken_form_is_refused(door: Door, kind: str, body: bytes) -> None:
    answer = await door.http.post("/synthesize", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_failure_before_the_first_sound_is_a_status_and_after_it_an_end() -> None:
    async with opened(Beeper(fails_at="Now")) as door:
        answer = await door.http.post("/synthesize", json={"text": "Now it fails."})
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "engine-failed"
        with pytest.raises(httpx.RemoteProtocolError):
            await door.http.post("/synthesize", json={"text": "It goes well. Now it fails."})
        assert (await door.http.post("/synthesize", json={"text": "Again."})).status_code == 200


async def test_a_client_that_leaves_frees_the_engine() -> None:
    engine = Stuck()
    async with opened(engine) as door:
        body = {"text": "First. This is stuck.", "format": "pcm"}
        async with door.http.stream("POST", "/synthesize", json=body):
            assert await asyncio.to_thread(engine.began.wait, 10)
        assert await asyncio.to_thread(engine.left.wait, 10)
        assert (await door.http.post("/synthesize", json={"text": "Hello."})).status_code == 200


async def test_a_client_that_leaves_before_the_first_sound_frees_it_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    engine = Stuck()
    async with opened(engine, max_queue=1) as door:
        asking = asyncio.create_task(
            door.http.post("/synthesize", json={"text": "This is stuck.", "format": "flac"})
        )
        assert await asyncio.to_thread(engine.began.wait, 10)
        asking.cancel()
        assert await asyncio.to_thread(engine.left.wait, 10)
        answer = await door.http.post("/synthesize", json={"text": "Hello."})
        assert answer.status_code == 200
    assert "outcome=gone" in caplog.text
    assert "internal-error" not in caplog.text


async def test_it_is_told_of_as_over_wyoming(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with opened(Beeper()) as door:
        await door.http.post("/synthesize", json={"text": TEXT}, headers={"X-Request-ID": "t-17"})
        numbers = (await door.http.get("/metrics")).text
    (line,) = [text for text in caplog.messages if text.startswith("turn=t-17")]
    for part in ("kind=tts", "voice=af_heart", "chars=", "rtf=", "first_audio=", "outcome=ok"):
        assert part in line
    assert 'outcome="ok"' in numbers
    assert "Hello" not in caplog.text


async def test_one_more_than_the_house_holds_is_refused_as_busy() -> None:
    engine = Stuck()
    async with opened(engine, max_queue=1) as door:
        body = {"text": "First. This is stuck.", "format": "pcm"}
        async with door.http.stream("POST", "/synthesize", json=body):
            assert await asyncio.to_thread(engine.began.wait, 10)
            answer = await door.http.post("/synthesize", json={"text": "Hello."})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["error"]["code"] == "busy"


async def test_the_default_voice_comes_first() -> None:
    async with opened(Beeper(), voice="af_heart") as door:
        voices = (await door.http.get("/voices")).json()["voices"]
        assert (await door.http.get("/v1/audio/voices")).json()["voices"] == voices
    assert len(voices) == 54
    assert voices[0] == {
        "id": "af_heart",
        "name": "af_heart",
        "language": "en-US",
        "description": "Heart, US English, female",
    }
