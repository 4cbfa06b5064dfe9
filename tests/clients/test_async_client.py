"""The plain `AsyncClient` of the `wyoming` package, which most programs are built on."""

import io
import wave
from collections.abc import AsyncIterator

import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop, wav_to_chunks
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.info import Describe, Info, SelectProgram
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeVoice,
)

from tests.clients.spoken import COMMANDS, metered

pytestmark = [pytest.mark.clients, pytest.mark.asyncio(loop_scope="session")]


async def replies(client: AsyncClient, last: str) -> list[Event]:
    """All that comes, up to and with the event called `last`."""
    events = [event async for event in _until(client, last)]
    assert events[-1].type == last, [event.type for event in events]
    return events


async def _until(client: AsyncClient, last: str) -> AsyncIterator[Event]:
    while (event := await client.read_event()) is not None:
        yield event
        if event.type == last:
            return


def as_wav(events: list[Event]) -> bytes:
    start = AudioStart.from_event(next(e for e in events if AudioStart.is_type(e.type)))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setframerate(start.rate)
        file.setsampwidth(start.width)
        file.setnchannels(start.channels)
        for event in events:
            if AudioChunk.is_type(event.type):
                file.writeframes(AudioChunk.from_event(event).audio)
    return buffer.getvalue()


async def speech(uri: str, text: str) -> bytes:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Synthesize(text=text).event())
        return as_wav(await replies(client, "audio-stop"))


async def send(client: AsyncClient, wav: bytes) -> None:
    with wave.open(io.BytesIO(wav)) as file:
        for part in wav_to_chunks(file, samples_per_chunk=160, start_event=True, stop_event=True):
            await client.write_event(part.event())


async def test_a_spoken_question_becomes_a_spoken_answer(servers: dict[str, str]) -> None:
    question = await speech(servers["tts"], "What time is it?")
    async with AsyncClient.from_uri(servers["asr"]) as client:
        await client.write_event(Transcribe(language="en").event())
        await send(client, question)
        text = Transcript.from_event((await replies(client, "transcript"))[-1]).text
    assert text == "What time is it?"
    async with AsyncClient.from_uri(servers["handle"]) as client:
        await client.write_event(Transcript(text=text, language="en").event())
        events = await replies(client, "handled-stop")
    answer = Handled.from_event(next(e for e in events if Handled.is_type(e.type))).text
    assert answer is not None
    assert answer.startswith("It is ")
    assert metered(await speech(servers["tts"], answer)).seconds > 1


async def test_a_stream_as_home_assistant_sends_it(servers: dict[str, str]) -> None:
    """The plain `synthesize` in its middle is for old servers; the text must not be spoken twice."""
    text = "Turn on the kitchen light. Play some music."
    once = metered(await speech(servers["tts"], text))
    async with AsyncClient.from_uri(servers["tts"]) as client:
        voice = SynthesizeVoice(name="en-us")
        await client.write_event(SynthesizeStart(voice=voice).event())
        for part in ("Turn on the kit", "chen light. Play", " some music."):
            await client.write_event(SynthesizeChunk(text=part).event())
        await client.write_event(Synthesize(text=text, voice=voice).event())
        await client.write_event(SynthesizeStop().event())
        streamed = metered(as_wav(await replies(client, "synthesize-stopped")))
        await client.write_event(Synthesize(text=COMMANDS[1]).event())
        after = metered(as_wav(await replies(client, "audio-stop")))
    assert streamed.seconds == pytest.approx(once.seconds, rel=0.25)
    assert after.is_speech_of(COMMANDS[1]), "the repeated text was spoken after the stream"


async def test_several_requests_on_one_connection(servers: dict[str, str]) -> None:
    recordings = [await speech(servers["tts"], command) for command in COMMANDS]
    async with AsyncClient.from_uri(servers["asr"]) as client:
        await client.write_event(SelectProgram(name="faster-whisper").event())
        for command, recording in zip(COMMANDS, recordings, strict=True):
            await client.write_event(Transcribe(language="en").event())
            await send(client, recording)
            heard = Transcript.from_event((await replies(client, "transcript"))[-1])
            assert heard.text == command


async def test_silence_is_answered_with_no_text(servers: dict[str, str]) -> None:
    async with AsyncClient.from_uri(servers["asr"]) as client:
        await client.write_event(Transcribe().event())
        await client.write_event(AudioStart(16_000, 2, 1).event())
        await client.write_event(AudioChunk(16_000, 2, 1, bytes(64_000)).event())
        await client.write_event(AudioStop().event())
        assert Transcript.from_event((await replies(client, "transcript"))[-1]).text == ""


async def test_a_ping_and_a_description_are_answered_before_the_text(
    servers: dict[str, str],
) -> None:
    recording = await speech(servers["tts"], COMMANDS[0])
    async with AsyncClient.from_uri(servers["asr"]) as client:
        await client.write_event(Transcribe(language="en").event())
        await send(client, recording)
        await client.write_event(Ping(text="still there?").event())
        await client.write_event(Describe().event())
        events = await replies(client, "transcript")
    assert Pong.from_event(next(e for e in events if Pong.is_type(e.type))).text == "still there?"
    assert Info.from_event(next(e for e in events if Info.is_type(e.type))).asr


async def test_an_unknown_voice_is_an_error_that_names_the_nearest(servers: dict[str, str]) -> None:
    async with AsyncClient.from_uri(servers["tts"]) as client:
        voice = SynthesizeVoice(name="en-uss")
        await client.write_event(Synthesize(text="Hello.", voice=voice).event())
        error = Error.from_event((await replies(client, "error"))[-1])
        assert error.code
        assert "did you mean 'en-us'?" in error.text
        assert await client.read_event() is None
