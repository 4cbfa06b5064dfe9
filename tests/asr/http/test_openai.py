"""OpenAI's own client asks our server, and believes that it is theirs."""

from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pysubs2
import pytest
import pytest_asyncio

from tests.asr.fakes import ScriptedEngine
from tests.asr.http.doors import Doors, commands, scripted, wav
from tests.asr.speech import noise, said, silence

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIGHT = "Turn on the kitchen light."
FILE = ("light.wav", wav(said(LIGHT)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors() -> AsyncIterator[Doors]:
    async with commands() as found:
        yield found


def client_of(doors: Doors, key: str = "any") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"http://{doors.base}/v1", api_key=key, max_retries=0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(doors: Doors) -> AsyncIterator[openai.AsyncOpenAI]:
    async with client_of(doors) as found:
        yield found


async def test_json(client: openai.AsyncOpenAI) -> None:
    heard = await client.audio.transcriptions.create(file=FILE, model="whisper-1", temperature=0)
    assert heard.text == LIGHT
    assert heard.usage is not None
    assert heard.usage.type == "duration"


async def test_verbose_json(client: openai.AsyncOpenAI) -> None:
    heard = await client.audio.transcriptions.create(
        file=FILE,
        model="command_whisper",
        language="en",
        prompt="lights",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert (heard.text, heard.language) == (LIGHT, "english")
    assert heard.words is not None
    assert [word.word for word in heard.words] == LIGHT.split()
    assert heard.segments is not None
    assert heard.segments[0].text.strip() == LIGHT
    assert 0 < heard.segments[0].start < heard.segments[-1].end <= heard.duration
    for before, word in zip(heard.words, heard.words[1:], strict=False):
        assert before.start <= before.end <= word.start


async def test_only_what_was_asked_for_is_told(client: openai.AsyncOpenAI) -> None:
    for granularity in ("word", "segment"):
        heard = await client.audio.transcriptions.create(
            file=FILE,
            model="whisper-1",
            response_format="verbose_json",
            timestamp_granularities=[granularity],
        )
        assert bool(heard.words) == (granularity == "word")
        assert bool(heard.segments) == (granularity == "segment")


@pytest.mark.parametrize("kind", ["srt", "vtt"])
async def test_subtitles_can_be_read(client: openai.AsyncOpenAI, kind: str) -> None:
    text = await client.audio.transcriptions.create(
        file=FILE, model="whisper-1", response_format="srt" if kind == "srt" else "vtt"
    )
    (cue,) = pysubs2.SSAFile.from_string(text, format_=kind)
    assert cue.plaintext == LIGHT
    assert 0 < cue.start < cue.end


async def test_text(client: openai.AsyncOpenAI) -> None:
    text = await client.audio.transcriptions.create(
        file=FILE, model="whisper-1", response_format="text"
    )
    assert text == f"{LIGHT}\n"


async def test_silence_is_empty_in_every_format(client: openai.AsyncOpenAI) -> None:
    file = ("quiet.wav", wav(silence(1.0)))
    plain = await client.audio.transcriptions.create(file=file, model="whisper-1")
    assert plain.text == ""
    verbose = await client.audio.transcriptions.create(
        file=file, model="whisper-1", response_format="verbose_json"
    )
    assert (verbose.text, verbose.segments, verbose.duration) == ("", [], 1.0)


async def test_a_stream_of_deltas_makes_up_the_text(client: openai.AsyncOpenAI) -> None:
    stream = await client.audio.transcriptions.create(
        file=FILE, model="gpt-4o-transcribe", stream=True
    )
    events = [event async for event in stream]
    assert [event.type for event in events][-1] == "transcript.text.done"
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    (text,) = [event.text for event in events if event.type == "transcript.text.done"]
    assert "".join(deltas) == text == LIGHT


async def test_the_models_are_listed(client: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert names == ["command_whisper", "whisper-1"]
    assert (await client.models.retrieve("command_whisper")).owned_by == "wyoming-voice"
    with pytest.raises(openai.NotFoundError, match="did you mean 'command_whisper'"):
        await client.models.retrieve("command_whispr")


async def test_a_model_that_is_not_there(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"known: command_whisper, .*whisper-1") as told:
        await client.audio.transcriptions.create(file=FILE, model="large-v3")
    assert told.value.code == "unknown-model"


async def test_no_translation_where_the_model_can_do_none(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="can't translate; use a multilingual"):
        await client.audio.translations.create(file=FILE, model="whisper-1")


async def test_a_translation() -> None:
    engine = ScriptedEngine("Good morning.", languages=("de", "en"))
    async with scripted(engine) as doors, client_of(doors) as client:
        heard = await client.audio.translations.create(
            file=FILE, model="whisper-1", response_format="verbose_json"
        )
    assert (heard.text, heard.language) == ("Good morning.", "english")
    assert [options.task for _, options in engine.calls] == ["translate"]


async def test_fields_that_make_no_sense(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        await client.audio.transcriptions.create(file=FILE, model="whisper-1", temperature=2.0)
    assert told.value.param == "temperature"
    with pytest.raises(openai.BadRequestError, match="stream goes with"):
        await client.audio.transcriptions.create(
            file=FILE, model="whisper-1", stream=True, response_format="srt"
        )
    with pytest.raises(openai.BadRequestError, match="verbose_json"):
        await client.audio.transcriptions.create(
            file=FILE, model="whisper-1", response_format="diarized_json"
        )


async def test_fields_that_mean_nothing_here_are_passed_over(client: openai.AsyncOpenAI) -> None:
    heard = await client.audio.transcriptions.create(
        file=FILE, model="whisper-1", chunking_strategy="auto", include=["logprobs"]
    )
    assert heard.text == LIGHT


async def test_keywords_are_expected() -> None:
    engine = ScriptedEngine("Zigbee.")
    async with scripted(engine) as doors, client_of(doors) as client:
        await client.audio.transcriptions.create(
            file=FILE, model="gpt-transcribe", keywords=["Zigbee", "Okonkwo"], prompt="At home."
        )
    ((_, options),) = engine.calls
    assert (options.names, options.initial_prompt) == (("Zigbee", "Okonkwo"), "At home.")


async def test_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("a-key-of-some-length\n")
    async with scripted(ScriptedEngine(), api_key_file=path) as doors:
        async with client_of(doors) as stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.models.list()
        async with client_of(doors, "a-key-of-some-length") as friend:
            assert [model.id async for model in friend.models.list()] == ["scripted", "whisper-1"]


async def test_what_is_no_audio(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        await client.audio.transcriptions.create(
            file=("noise.wav", noise(1.0).tobytes()), model="whisper-1"
        )
