"""What goes wrong at the TTS server: nonsense, engines that fail or hang, clients that leave."""

import asyncio

import pytest
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeVoice

from tests.tts.fakes import GROUP, Beeper, Stuck, caller, heard, kinds, plain, served
from wyoming_voice.errors import BadEvent
from wyoming_voice.tts.server import build
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.wire import connect


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


async def test_a_client_that_leaves_during_its_stream_disturbs_nobody() -> None:
    engine = Beeper()
    async with served(engine) as uri:
        for _ in range(5):
            async with connect(uri) as connection:
                await connection.write(SynthesizeStart().event())
                await connection.write(SynthesizeChunk(text="This is cut off. And so").event())
        async with connect(uri) as connection:
            assert kinds(await plain(connection, "Hello.")) == GROUP
