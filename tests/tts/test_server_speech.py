"""Text to the TTS server over real sockets, plain and streamed: the order of events, and all of it."""

import asyncio
import logging

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeVoice,
)

from tests.tts.fakes import (
    GROUP,
    MADE_BY,
    RATE_HZ,
    STREAMED,
    Beeper,
    caller,
    heard,
    kinds,
    plain,
    sound,
    stream,
)
from wyoming_voice.tts.server import TtsProgram
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue


async def test_plain_text_is_one_group_of_audio() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        events = await plain(connection, "Hello there. How are you?", "am_adam")
    assert kinds(events) == GROUP
    assert engine.loaded
    assert engine.texts == ["Hello there.", "How are you?"]
    assert {utterance.voice for utterance in engine.spoken[2:]} == {"am_adam"}
    audio_format = {"rate": RATE_HZ, "width": 2, "channels": 1, "timestamp": None}
    assert all(event.data == audio_format for event in events[:-1])
    chunks = [event.payload or b"" for event in events if event.type == "audio-chunk"]
    assert max(map(len, chunks)) == RATE_HZ * 2 // 10
    assert sum(map(len, chunks)) > RATE_HZ * 2 * 0.9


async def test_chunks_are_as_long_as_the_settings_say() -> None:
    async with caller(Beeper(), chunk_ms=25) as connection:
        events = await plain(connection, "Hello there.")
    assert max(len(event.payload or b"") for event in events) == RATE_HZ * 2 // 40


async def test_a_stream_ends_with_stopped() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        assert (
            kinds(await stream(connection, ["Hel", "lo the", "re. How are y", "ou?"])) == STREAMED
        )
    assert engine.texts == ["Hello there.", "How are you?"]


async def test_the_repeated_text_of_a_stream_is_passed_over() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        await connection.write(SynthesizeStart().event())
        await connection.write(SynthesizeChunk(text="Hello.").event())
        await connection.write(Synthesize(text="Hello.").event())
        await connection.write(SynthesizeStop().event())
        assert kinds(await heard(connection, "synthesize-stopped")) == STREAMED
    assert engine.texts == ["Hello."]


async def test_audio_comes_while_the_text_is_still_coming() -> None:
    async with caller(Beeper()) as connection:
        await connection.write(SynthesizeStart().event())
        await connection.write(SynthesizeChunk(text="This is the first. And then").event())
        assert kinds(await heard(connection, "audio-chunk")) == GROUP[:2]
        await connection.write(SynthesizeChunk(text=" comes the second.").event())
        await connection.write(SynthesizeStop().event())
        assert kinds(await heard(connection, "synthesize-stopped")) == STREAMED[1:]


async def test_a_sentence_does_not_wait_for_ever_for_the_next_word() -> None:
    async with caller(Beeper()) as connection:
        await connection.write(SynthesizeStart().event())
        await connection.write(SynthesizeChunk(text="One moment.").event())
        assert kinds(await heard(connection, "audio-chunk")) == GROUP[:2]


@pytest.mark.parametrize("text", ["", "  \n ", "**", "\U0001f600", "..."])
async def test_blank_text_is_a_little_silence(text: str) -> None:
    async with caller(Beeper()) as connection:
        for events in (await plain(connection, text), await stream(connection, [text])):
            assert kinds(events)[:3] == GROUP
            assert 0.05 <= len(sound(events)) / RATE_HZ <= 0.1
            assert not sound(events).any()


async def test_a_stream_without_chunks_and_a_stop_without_a_start_are_answered() -> None:
    async with caller(Beeper()) as connection:
        assert kinds(await stream(connection, [])) == STREAMED
        await connection.write(SynthesizeStop().event())
        assert kinds(await heard(connection, "synthesize-stopped")) == STREAMED


async def test_one_connection_asks_many_times() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        for _ in range(3):
            assert kinds(await plain(connection, "Again and again.")) == GROUP
            assert kinds(await stream(connection, ["Once more."])) == STREAMED
    assert len(engine.texts) == 6


async def test_requests_that_were_sent_together_are_answered_in_order() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        for text in ("First one.", "Second one."):
            await connection.write(SynthesizeStart().event())
            await connection.write(SynthesizeChunk(text=text).event())
            await connection.write(SynthesizeStop().event())
        for _ in range(2):
            assert kinds(await heard(connection, "synthesize-stopped")) == STREAMED
    assert engine.texts == ["First one.", "Second one."]


@pytest.mark.parametrize("size", [1, 3, 8])
async def test_chunk_borders_change_nothing_that_is_said(size: int) -> None:
    text = "It's **20 km/h**, see [this](http://x.org/a). Costs $5.20! \U0001f600 Dr. Who's at 7:05 pm."
    said = []
    for chunks in ([text], [text[at : at + size] for at in range(0, len(text), size)]):
        engine = Beeper()
        async with caller(engine) as connection:
            await stream(connection, chunks)
        said.append(" ".join(engine.texts))
    assert said[0] == said[1]
    assert "*" not in said[0]


async def test_a_voice_by_language() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        voice = SynthesizeVoice(language="en-GB")
        await connection.write(Synthesize(text="Hello.", voice=voice).event())
        await heard(connection, "audio-stop")
    assert engine.spoken[-1].voice == "bf_alice"


async def test_the_loop_is_free_between_the_chunks_of_a_piece() -> None:
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    program = TtsProgram(TtsSettings(chunk_ms=10), Beeper(), catalogue, MADE_BY)
    request = program.converse().push(Synthesize(text="Hello.").event())
    assert request is not None
    turn = 0

    async def count() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    chunks_at = [turn async for event in request.replies if event.type == "audio-chunk"]
    counting.cancel()
    await program.close()
    assert len(chunks_at) > 40
    assert len(set(chunks_at)) == len(chunks_at)


async def test_a_hundred_thousand_characters_are_all_spoken() -> None:
    engine = Beeper()
    sentence = "The quick brown fox jumps over the lazy dog again and again. "
    text = (sentence * (100_000 // len(sentence) + 1))[:100_000]
    async with caller(engine) as connection:
        assert kinds(await plain(connection, text)) == GROUP
    assert " ".join(engine.texts).split() == text.split()
    assert max(map(len, engine.texts)) <= 250


async def test_one_endless_word_is_spoken_in_parts() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        assert kinds(await plain(connection, "a" * 5_000)) == GROUP
    assert "".join(engine.texts) == "a" * 5_000


async def test_the_log_tells_figures_and_no_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with caller(Beeper()) as connection:
        await connection.write(
            Event("synthesize", {"text": "Rhinoceros. Zebra.", "context": {"turn_id": "t-17"}})
        )
        await heard(connection, "audio-stop")
    line = next(line for line in caplog.messages if "turn=t-17" in line)
    for fact in ("kind=tts", "voice=af_heart", "chars=17", "pieces=2", "audio_ms=", "rtf="):
        assert fact in line
    assert "first_audio=" in line
    assert "outcome=ok" in line
    assert "hinoceros" not in caplog.text


async def test_ssml_is_read_without_its_tags() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        ssml = "<speak>Hello <b>you</b> &amp; me.</speak>"
        await connection.write(Synthesize(text=ssml, text_format="ssml").event())
        await heard(connection, "audio-stop")
    assert " ".join(engine.texts) == "Hello you and me."


async def test_silence_between_pieces_is_digital_and_short() -> None:
    async with caller(Beeper()) as connection:
        audio = sound(await plain(connection, "One is done. Two is done."))
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    assert loud[0] / RATE_HZ == pytest.approx(0.02, abs=0.005)
    assert (np.diff(loud).max() - 1) / RATE_HZ == pytest.approx(0.32, abs=0.01)
    assert np.abs(np.diff(audio)).max() < 0.06
