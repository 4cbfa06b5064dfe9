"""`POST /transcribe`: what is asked for is done, and what is told is so."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.asr.driving import until
from tests.asr.fakes import ScriptedEngine, soon
from tests.asr.http.doors import commands, named, scripted, wav
from tests.asr.speech import noise, said, silence
from wyoming_voice.asr.engine import Audio, DecodeOptions, Evidence, Segment
from wyoming_voice.asr.http.answers import Transcript
from wyoming_voice.errors import EngineError

LIGHT, TIME = "Turn on the kitchen light.", "What time is it?"


async def test_words_and_segments_have_their_times() -> None:
    audio = np.concatenate((said(LIGHT), silence(1.0), said(TIME)))
    async with commands() as doors:
        asked = {"word_timestamps": "true", "language": "en-GB"}
        answer = await doors.http.post("/transcribe", files=named(wav(audio)), data=asked)
    heard = Transcript.model_validate(answer.json())
    assert heard.text == f"{LIGHT} {TIME}"
    assert heard.language == "en"
    assert heard.duration == pytest.approx(len(audio) / 16_000, abs=0.001)
    assert [segment.text for segment in heard.segments] == [LIGHT, TIME]
    assert [segment.id for segment in heard.segments] == [0, 1]
    words = [word for segment in heard.segments for word in segment.words or ()]
    assert words == heard.words
    assert [word.word for word in words] == heard.text.split()
    assert 0.1 < heard.segments[0].start < heard.segments[0].end <= heard.segments[1].start


async def test_options_reach_the_engine(lines: Callable[[], list[str]]) -> None:
    engine = ScriptedEngine("Guten Tag.", languages=("en", "de"))
    form = {
        "language": "de",
        "task": "translate",
        "initial_prompt": "Im Haus.",
        "hotwords": "Zigbee, Ankara",
        "beam_size": "5",
        "model": "",
        "word_timestamps": "1",
    }
    async with scripted(engine) as doors:
        answer = await doors.http.post("/transcribe", files=named(wav(said(TIME))), data=form)
        assert answer.status_code == 200, answer.text
    ((_, options),) = engine.calls
    assert (options.language, options.task, options.beam_size) == ("de", "translate", 5)
    assert (options.names, options.initial_prompt) == (("Zigbee", "Ankara"), "Im Haus.")
    assert options.want_words
    (line,) = lines()
    assert f"turn={answer.headers['x-request-id']}" in line
    for fact in ("rank=final", "model=scripted", "language=de", "audio_ms=", "upload=", "total="):
        assert fact in line
    assert "outcome=ok" in line


class Sure(ScriptedEngine):
    """Finds the language."""

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        for segment in super().transcribe(audio, options):
            yield segment and replace(segment, evidence=Evidence(language=0.9371))


@pytest.mark.parametrize(("engine", "expected"), [(Sure(), 0.937), (ScriptedEngine(), None)])
async def test_how_sure_the_language_is(engine: ScriptedEngine, expected: float | None) -> None:
    async with scripted(engine) as doors:
        answer = await doors.http.post("/transcribe", content=wav(said(TIME)))
    assert answer.json()["language_probability"] == expected


async def test_the_body_may_be_the_file_and_the_query_the_form() -> None:
    engine = ScriptedEngine("yes")
    async with scripted(engine) as doors:
        for kind in ("audio/wav", "application/x-www-form-urlencoded", "text/html"):
            answer = await doors.http.post(
                "/transcribe?beam_size=3",
                content=wav(said(TIME)),
                headers={"Content-Type": kind},
            )
            assert answer.json()["text"] == "yes"
    assert {options.beam_size for _, options in engine.calls} == {3}


async def test_a_stream_tells_as_it_hears() -> None:
    audio = np.concatenate([said(LIGHT), silence(0.8)] * 8)
    async with scripted(ScriptedEngine("one", "two", "three")) as doors:
        answer = await doors.http.post(
            "/transcribe", files=named(wav(audio)), headers={"Accept": "application/x-ndjson"}
        )
        assert answer.headers["content-type"] == "application/x-ndjson"
    told = [json.loads(line) for line in answer.text.splitlines()]
    segments = [one for one in told if one["type"] == "segment"]
    assert [segment["text"] for segment in segments] == ["one", "two"]
    assert [segment["id"] for segment in segments] == [0, 1]
    heard = [one["heard"] for one in told if one["type"] == "progress"]
    assert heard == sorted(heard)
    assert heard[-1] == told[-1]["duration"]
    assert told[-1]["type"] == "done"
    assert told[-1]["text"] == "one two"


class FailingLater(ScriptedEngine):
    """Hears one window, and no more."""

    def transcribe(self, audio: Audio, options: DecodeOptions) -> Iterator[Segment | None]:
        self.failure = EngineError("broken on purpose") if self.calls else None
        return super().transcribe(audio, options)


async def test_a_failure_is_the_last_line_of_a_stream(lines: Callable[[], list[str]]) -> None:
    audio = np.concatenate([said(LIGHT), silence(0.8)] * 8)
    async with scripted(FailingLater("one")) as doors:
        answer = await doors.http.post("/transcribe?stream=1", content=wav(audio))
        await doors.nothing_left()
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert told[0]["text"] == "one"
    assert told[-1]["type"] == "error"
    assert told[-1]["error"]["code"] == "engine-failed"
    assert told[-1]["error"]["request_id"] == answer.headers["x-request-id"]
    (line,) = lines()
    assert "outcome=engine-failed" in line


async def test_a_failure_before_anything_is_told_is_a_status() -> None:
    engine = ScriptedEngine()
    engine.failure = EngineError("broken on purpose")
    async with scripted(engine) as doors:
        for query in ("", "?stream=1"):
            answer = await doors.http.post(f"/transcribe{query}", content=wav(said(TIME)))
            assert answer.status_code == 500
            assert answer.json()["error"]["code"] == "engine-failed"
        await doors.nothing_left()


async def test_no_segment_ends_after_its_file() -> None:
    audio = said(TIME)[:10_100]  # in the midst of a word, and of a frame
    async with scripted(ScriptedEngine("What")) as doors:
        answer = await doors.http.post("/transcribe", content=wav(audio))
        lines = (await doors.http.post("/transcribe?stream=1", content=wav(audio))).text
    heard = Transcript.model_validate(answer.json())
    assert heard.segments[-1].end == heard.duration
    assert json.loads(lines.splitlines()[0])["end"] == heard.duration


@pytest.mark.parametrize("query", ["", "?stream=1"])
async def test_who_leaves_is_not_decoded_for(lines: Callable[[], list[str]], query: str) -> None:
    engine = ScriptedEngine(held=True)
    async with scripted(engine) as doors:
        post = doors.http.post(f"/transcribe{query}", content=wav(said(TIME)))
        leaving = asyncio.create_task(post)
        await soon(engine.begun)
        leaving.cancel()
        await until(lambda: any("outcome=gone" in line for line in lines()))
        engine.may_go_on.set()
        await soon(engine.closed)
        await doors.nothing_left()
    assert engine.finished == 0


async def test_a_long_file_lets_a_command_go_first(lines: Callable[[], list[str]]) -> None:
    engine = ScriptedEngine("yes")
    async with scripted(engine) as doors:
        long = np.concatenate((said(TIME), silence(31)))
        await doors.http.post("/transcribe", content=wav(long))
        await doors.http.post("/transcribe", content=wav(said(TIME)))
    slow, quick = lines()
    assert "rank=batch" in slow
    assert "rank=final" in quick


async def test_a_file_that_is_too_long() -> None:
    async with scripted(ScriptedEngine(), max_duration_s=2) as doors:
        answer = await doors.http.post("/transcribe", content=wav(noise(2.5)))
        assert answer.status_code == 413
        assert "--max-duration-s" in answer.json()["error"]["message"]
        assert answer.json()["error"]["param"] == "file"
        await doors.nothing_left()


async def test_no_more_requests_than_there_is_room_for() -> None:
    engine = ScriptedEngine(held=True)
    async with scripted(engine, max_http_requests=1) as doors:
        first = asyncio.create_task(doors.http.post("/transcribe", content=wav(said(TIME))))
        await soon(engine.begun)
        second = await doors.http.post("/transcribe", content=wav(said(TIME)))
        assert second.status_code == 503
        assert second.headers["retry-after"]
        engine.may_go_on.set()
        assert (await first).json()["text"] == "hello"


async def test_the_description_is_true_to_the_fields() -> None:
    async with scripted(ScriptedEngine()) as doors:
        described = (await doors.http.get("/openapi.json")).json()
    own = described["paths"]["/transcribe"]["post"]
    form = own["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert {"language", "task", "word_timestamps", "prompt", "hotwords", "stream"} <= set(
        form["properties"]
    )
    assert form["properties"]["beam_size"]["maximum"] == 20
    theirs = described["paths"]["/v1/audio/transcriptions"]["post"]
    fields = theirs["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert "timestamp_granularities[]" in fields
    socket = described["paths"]["/ws/transcribe"]["get"]
    assert '"type": "partial"' in socket["description"]
    assert "sample_rate" in [parameter["name"] for parameter in socket["parameters"]]
