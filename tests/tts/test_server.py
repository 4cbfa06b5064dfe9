"""The TTS server over real sockets, with scripted engines: the order of events, and what goes wrong."""

import asyncio
import logging
import re

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
    MADE_BY,
    RATE_HZ,
    Beeper,
    Stuck,
    caller,
    heard,
    kinds,
    served,
    sound,
    stream,
)
from wyoming_voice.engine_versions import installed
from wyoming_voice.errors import BadEvent, ConfigError
from wyoming_voice.tts import espeak
from wyoming_voice.tts.cache import CachingEngine, openers
from wyoming_voice.tts.server import TtsProgram, build
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.tts.voices import KOKORO_VOICES, BlendingCatalogue
from wyoming_voice.wire import Connection, connect

GROUP = ["audio-start", "audio-chunk", "audio-stop"]
STREAMED = [*GROUP, "synthesize-stopped"]


async def plain(connection: Connection, text: str, voice: str | None = None) -> list[Event]:
    wish = SynthesizeVoice(name=voice) if voice else None
    await connection.write(Synthesize(text=text, voice=wish).event())
    return await heard(connection, "audio-stop")


def test_info_is_there_before_the_engine() -> None:
    settings = TtsSettings(uri="tcp://127.0.0.1:0", engine="espeak", voice="de")
    (program,) = build(settings).info.tts
    assert program.name == "espeak-ng"
    assert program.version == espeak.version()
    assert program.installed
    assert program.supports_synthesize_streaming
    assert program.attribution.url
    assert program.voices[0].name == "de"
    assert program.voices[0].languages == ["de-DE"]
    assert {"en-US", "en-GB", "fr-FR"} <= {voice.languages[0] for voice in program.voices}


def test_kokoros_info_lists_all_voices_with_the_default_first() -> None:
    pytest.importorskip("huggingface_hub")
    (program,) = build(TtsSettings(voice="bf_emma")).info.tts
    assert program.name == "kokoro"
    assert len(program.voices) == 54
    assert program.voices[0].name == "bf_emma"
    assert build(TtsSettings()).info.tts[0].voices[0].name == "af_heart"


@pytest.mark.parametrize("engine", ["kokoro", "espeak"])
def test_a_default_voice_that_is_unknown_stops_the_start(engine: str) -> None:
    settings = TtsSettings.model_validate({"engine": engine, "voice": "af_hart"})
    with pytest.raises(ConfigError, match=r"--voice: unknown voice 'af_hart'"):
        build(settings)


def test_espeaks_version_is_the_librarys_own() -> None:
    told = espeak.version()
    assert told is not None
    assert re.match(r"1\.\d+", told)
    assert told != installed()["espeakng-loader"]


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


async def test_an_unknown_voice_is_told_with_the_nearest() -> None:
    async with served(Beeper()) as uri:
        async with connect(uri) as connection:
            (error,) = await plain(connection, "Hello.", "af_hart")
        assert error.type == "error"
        assert error.data["code"] == "unknown-voice"
        assert error.data["text"] == "unknown voice 'af_hart'; did you mean 'af_heart'?"
        async with connect(uri) as connection:
            await connection.write(SynthesizeStart(voice=SynthesizeVoice(name="x")).event())
            assert kinds(await heard(connection, "never")) == ["error", "synthesize-stopped"]


async def test_an_engine_that_fails_in_the_middle_is_told_and_ends_the_stream() -> None:
    text = "This is fine. This is broken. This is lost."
    async with served(Beeper(fails_at="broken")) as uri:
        async with connect(uri) as connection:
            await connection.write(Synthesize(text=text).event())
            assert kinds(await heard(connection, "never")) == [*GROUP[:2], "error"]
        async with connect(uri) as connection:
            await connection.write(SynthesizeStart().event())
            await connection.write(SynthesizeChunk(text=text).event())
            events = await heard(connection, "never")
            assert kinds(events) == [*GROUP[:2], "error", "synthesize-stopped"]
            assert events[-2].data["code"] == "engine-failed"
        async with connect(uri) as connection:
            assert kinds(await plain(connection, "All is well.")) == GROUP


@pytest.mark.parametrize(
    "bad",
    [
        Event("synthesize-start"),
        Event("synthesize-chunk"),
        Event("synthesize-chunk", {"text": 7}),
        Event("synthesize-chunk", {"text": "x" * 50}),
    ],
)
async def test_nonsense_in_a_stream_ends_it_with_stopped(bad: Event) -> None:
    async with caller(Beeper(), max_text_chars=40) as connection:
        await connection.write(SynthesizeStart().event())
        await connection.write(bad)
        events = await heard(connection, "never")
    assert kinds(events) == ["error", "synthesize-stopped"]
    assert events[0].data["code"] == ("too-large" if len(str(bad.data)) > 40 else "bad-event")


async def test_an_error_goes_to_the_stream_that_is_open_and_else_to_the_connection() -> None:
    settings = TtsSettings(engine="espeak")
    conversation = build(settings).converse()
    bad = Event("synthesize-chunk", {"text": 7})
    with pytest.raises(BadEvent):
        conversation.push(bad)
    request = conversation.push(SynthesizeStart().event())
    assert request is not None
    assert conversation.push(bad) is None
    with pytest.raises(BadEvent, match="needs 'text', a string"):
        await anext(request.replies)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (Event("synthesize-chunk", {"text": "x"}), "bad-event"),
        (Event("synthesize", {"text": None}), "bad-event"),
        (Event("synthesize", {"text": "x", "voice": "af_sky"}), "bad-event"),
        (Event("synthesize", {"text": "x" * 41}), "too-large"),
    ],
)
async def test_nonsense_outside_a_stream_is_an_error(bad: Event, code: str) -> None:
    async with caller(Beeper(), max_text_chars=40) as connection:
        await connection.write(bad)
        (error,) = await heard(connection, "never")
    assert (error.type, error.data["code"]) == ("error", code)


async def test_a_hang_up_frees_the_engine() -> None:
    engine = Stuck()
    async with served(engine) as uri:
        async with connect(uri) as connection:
            await connection.write(Synthesize(text="This one is stuck.").event())
            assert await asyncio.to_thread(engine.began.wait, 10)
        assert await asyncio.to_thread(engine.left.wait, 10)
        async with connect(uri) as connection:
            assert kinds(await plain(connection, "Next, please.")) == GROUP


async def test_a_deadline_frees_the_engine_too() -> None:
    engine = Stuck()
    async with caller(engine, deadline_s=0.3) as connection:
        await connection.write(Synthesize(text="This one is stuck.").event())
        events = await heard(connection, "never")
    assert events[-1].data["code"] == "timeout"
    assert await asyncio.to_thread(engine.left.wait, 10)


async def test_a_client_that_never_reads_costs_one_piece_ahead() -> None:
    engine = Beeper(sample_rate_hz=16_000_000)
    text = " ".join(f"Sentence number {number} is here." for number in range(200))
    async with served(engine, write_timeout_s=0.5) as uri:
        async with connect(uri) as deaf, connect(uri) as other:
            await deaf.write(Synthesize(text=text).event())
            assert kinds(await plain(other, "Hello.")) == GROUP
            assert kinds(await plain(other, "Hello.")) == GROUP
        # 16 MB a piece: what fills the sockets' buffers, one piece in hand, one ahead
        assert len(engine.texts) < 10


async def test_a_house_that_is_full_refuses_before_the_first_sound() -> None:
    engine = Stuck()
    async with served(engine, max_queue=1) as uri, connect(uri) as first, connect(uri) as second:
        await first.write(Synthesize(text="This one is stuck.").event())
        assert await asyncio.to_thread(engine.began.wait, 10)
        (error,) = await plain(second, "Hello.")
        assert error.data["code"] == "busy"


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


async def test_openers_are_made_when_nobody_wants_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wyoming_voice.tts.server._IDLE_S", 0.0)
    engine = Beeper()
    cache = CachingEngine(engine, 1 << 20)
    catalogue = BlendingCatalogue(KOKORO_VOICES, "af_heart")
    settings = TtsSettings(uri="tcp://127.0.0.1:0")
    wanted = openers("af_heart", "en-US", 1.0)
    program = TtsProgram(settings, engine, catalogue, MADE_BY, cache)
    await program.load()
    assert engine.texts == []
    async with asyncio.timeout(10):
        while not all(map(cache.holds, wanted)):  # noqa: ASYNC110
            await asyncio.sleep(0)
    await program.close()
    assert engine.spoken[2:] == wanted


async def test_ssml_is_read_without_its_tags() -> None:
    engine = Beeper()
    async with caller(engine) as connection:
        ssml = "<speak>Hello <b>you</b> &amp; me.</speak>"
        await connection.write(Synthesize(text=ssml, text_format="ssml").event())
        await heard(connection, "audio-stop")
    assert " ".join(engine.texts) == "Hello you and me."


async def test_a_client_that_leaves_during_its_stream_disturbs_nobody() -> None:
    engine = Beeper()
    async with served(engine) as uri:
        for _ in range(5):
            async with connect(uri) as connection:
                await connection.write(SynthesizeStart().event())
                await connection.write(SynthesizeChunk(text="This is cut off. And so").event())
        async with connect(uri) as connection:
            assert kinds(await plain(connection, "Hello.")) == GROUP


async def test_silence_between_pieces_is_digital_and_short() -> None:
    async with caller(Beeper()) as connection:
        audio = sound(await plain(connection, "One is done. Two is done."))
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    assert loud[0] / RATE_HZ == pytest.approx(0.02, abs=0.005)
    assert (np.diff(loud).max() - 1) / RATE_HZ == pytest.approx(0.32, abs=0.01)
    assert np.abs(np.diff(audio)).max() < 0.06
