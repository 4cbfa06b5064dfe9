"""What is decoded before the end of an utterance, and what becomes of it."""

import asyncio
from collections.abc import Callable

import numpy as np
from wyoming.ping import Ping

from tests.asr.driving import (
    LIGHT,
    PAUSE,
    WANTED,
    all_done,
    answer,
    program_of,
    served,
    speech,
    transcript,
    until,
)
from tests.asr.fakes import ScriptedEngine, soon
from tests.asr.speech import chunk, said, stop
from tests.wire_client import client_of
from wyoming_voice.asr.ahead import Ahead
from wyoming_voice.asr.recognition import Take
from wyoming_voice.asr.session import Wish
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import EngineError
from wyoming_voice.service import serving


async def test_what_was_decoded_in_the_pause_is_the_transcript(
    lines: Callable[[], list[str]],
) -> None:
    engine = ScriptedEngine("first", "second")
    async with served(program_of(engine)) as (_, client):
        supposed = await answer(client, *speech(**WANTED))
        assert supposed.type == "speculative-transcript"
        assert (supposed.data["text"], supposed.data["language"]) == ("first", "en")
        assert 0 < supposed.data["audio_ms"] <= 1000 * len(said(LIGHT)) / 16_000
        engine.failure = EngineError("nothing may be decoded any more")
        assert await transcript(client, stop()) == "first"
    assert len(engine.calls) == 1
    (line,) = lines()
    assert "speculation=hit speculated=1 " in line
    assert " saved=" in line
    assert " decode=" not in line
    assert " wasted=" not in line


async def test_an_end_right_behind_a_chunk_needs_no_thread() -> None:
    program = program_of(ScriptedEngine("first", "second"))
    conversation = program.converse()
    (request,) = [found for event in speech() if (found := conversation.push(event))]
    task = asyncio.create_task(anext(request.replies))
    await asyncio.sleep(0)
    while others := asyncio.all_tasks() - {asyncio.current_task(), task}:
        await asyncio.wait(others)
    for event in (PAUSE, stop()):
        conversation.push(event)
    assert (await task).data["text"] == "first"
    assert request.record.facts["speculation"] == "hit"
    assert "work" not in request.record.stages_ms
    await request.replies.aclose()
    await program.close()


async def test_more_silence_changes_nothing() -> None:
    engine = ScriptedEngine("first", "second")
    async with served(program_of(engine)) as (_, client):
        await answer(client, *speech(**WANTED))
        assert await transcript(client, *[PAUSE] * 20, stop()) == "first"
    assert len(engine.calls) == 1


async def test_nobody_is_told_who_has_not_asked() -> None:
    engine = ScriptedEngine()
    async with served(program_of(engine)) as (_, client):
        await client.send(*speech())
        await soon(engine.closed)
        assert await transcript(client, stop()) == "hello"
        await client.send(*speech(context={"speculative": "yes"}))
        assert await transcript(client, stop()) == "hello"


async def test_speech_that_goes_on_is_decoded_anew(lines: Callable[[], list[str]]) -> None:
    engine = ScriptedEngine("first", "second")
    async with served(program_of(engine)) as (_, client):
        await answer(client, *speech(**WANTED))
        rest = speech()[2:6]
        assert await transcript(client, *rest, stop()) == "second"
    (supposed_s, _), (final_s, _) = engine.calls
    assert final_s > supposed_s + 0.3
    (line,) = lines()
    assert "speculation=miss speculated=1 " in line
    assert " wasted=" in line
    assert " saved=" not in line


async def test_speech_that_goes_on_drops_the_decode_within_one_item() -> None:
    engine = ScriptedEngine("first", "second", held=True)
    program = program_of(engine)
    async with served(program) as (_, client):
        await client.send(*speech(**WANTED))
        await soon(engine.begun)
        await client.ask(Ping().event())
        await client.send(*speech()[2:9])
        await client.ask(Ping().event())
        assert program.worker.requests == 0
        engine.may_go_on.set()
        await soon(engine.closed)
        assert engine.finished == 0
        assert await transcript(client, stop()) == "second"


async def test_each_pause_is_told_of(lines: Callable[[], list[str]]) -> None:
    engine = ScriptedEngine("one", "one two", "one two three")
    async with served(program_of(engine)) as (_, client):
        first = await answer(client, *speech(**WANTED))
        second = await answer(client, *speech()[2:])
        third = await answer(client, *speech()[2:])
        assert await transcript(client, stop()) == "one two three"
    texts = [event.data["text"] for event in (first, second, third)]
    assert texts == ["one", "one two", "one two three"]
    assert "speculation=hit speculated=3 " in lines()[0]


async def test_the_end_finds_the_decode_in_progress(lines: Callable[[], list[str]]) -> None:
    engine = ScriptedEngine("first", "second", held=True)
    program = program_of(engine)
    async with served(program) as (_, client):
        await client.send(*speech())
        await soon(engine.begun)
        await client.send(stop())
        await client.ask(Ping().event())
        engine.may_go_on.set()
        assert await transcript(client) == "first"
    assert len(engine.calls) == 1
    (line,) = lines()
    assert "speculation=late speculated=1" in line
    assert " saved=" in line
    assert " decode=" in line
    assert " wasted=" not in line


async def test_an_end_that_needs_something_else_drops_the_decode() -> None:
    engine = ScriptedEngine("first", "second", held=True)
    program = program_of(engine)
    async with served(program) as (_, client):
        await client.send(*speech())
        await soon(engine.begun)
        long = chunk(to_pcm16(np.tile(said(LIGHT), 2)))  # too long for the event loop: it waits
        await client.send(long, stop())
        await client.ask(Ping().event())
        engine.may_go_on.set()
        assert await transcript(client) == "second"
    assert engine.finished == 1


async def test_an_utterance_that_begins_anew_knows_nothing_of_the_decode() -> None:
    engine = ScriptedEngine("old", "new", held=True)
    program = program_of(engine)
    async with served(program) as (_, client):
        await client.send(*speech())
        await soon(engine.begun)
        again = speech(**WANTED)
        await client.send(*again[:-1])
        await client.ask(Ping().event())
        assert program.worker.requests == 0
        engine.may_go_on.set()
        await soon(engine.closed)
        supposed = await answer(client, again[-1], PAUSE)
        assert supposed.data["text"] == "new"
        assert await transcript(client, stop()) == "new"


async def test_what_was_in_vain_is_told_of_who_begins_anew(lines: Callable[[], list[str]]) -> None:
    async with served(program_of(ScriptedEngine("old", "new"))) as (_, client):
        await answer(client, *speech(**WANTED))
        await answer(client, *speech(**WANTED))
        assert await transcript(client, stop()) == "new"
    (line,) = lines()
    assert "speculation=hit speculated=2" in line
    assert " wasted=" in line


async def test_what_was_in_vain_is_told_of_who_hangs_up(lines: Callable[[], list[str]]) -> None:
    program = program_of(ScriptedEngine())
    async with serving(program, program.settings) as address:
        async with client_of(address) as leaver:
            await answer(leaver, *speech(**WANTED))
        await until(lambda: bool(lines()))
    (line,) = lines()
    assert "speculation=miss speculated=1" in line
    assert " wasted=" in line


async def test_what_fails_ahead_is_tried_again_at_the_end() -> None:
    engine = ScriptedEngine("ahead", "at the end")
    engine.failure = EngineError("out of memory")
    async with served(program_of(engine)) as (_, client):
        await client.send(*speech())
        await soon(engine.closed)
        await client.ask(Ping().event())
        await client.send(PAUSE, PAUSE)
        await client.ask(Ping().event())
        assert len(engine.calls) == 1
        engine.failure = None
        assert await transcript(client, stop()) == "at the end"


async def test_partials_and_what_is_supposed_live_together() -> None:
    engine = ScriptedEngine("Turn on", "Turn on the", "Turn on the light.")
    program = program_of(engine, partials=True)
    async with served(program) as (_, client):
        await client.send(*speech(**WANTED))
        await client.read()
        await all_done(program, client)
        await client.send(PAUSE)
        events = await client.read_until("speculative-transcript")
        await client.send(stop())
        events += await client.read_until("transcript-stop")
    assert events[-2].type == "transcript"
    chunks = [event.data["text"] for event in events if event.type == "transcript-chunk"]
    assert "".join(chunks) == events[-2].data["text"]


async def test_a_partial_in_progress_gives_way_to_a_pause() -> None:
    engine = ScriptedEngine("partial", "supposed", held=True)
    talk = speech(**WANTED)
    async with served(program_of(engine, partials=True)) as (_, client):
        await client.send(*talk[:-6])
        await soon(engine.begun)
        await client.send(*talk[-6:])
        await client.ask(Ping().event())
        await client.ask(Ping().event())
        engine.may_go_on.set()
        await soon(engine.closed)
        assert engine.finished == 0
        await client.send(PAUSE)
        events = await client.read_until("speculative-transcript")
    assert events[-1].data["text"] == "supposed"


async def test_a_supposition_that_is_overtaken_as_it_is_made_is_not_told() -> None:
    program = program_of(ScriptedEngine())
    take = Take(program.choice(Wish()), program.gate, None)
    ahead = Ahead(take, program.house, None, lambda: None)
    heard = [event.payload or b"" for event in speech()[2:]]
    for pcm in heard:
        take.recording.hear(SPEECH, pcm)
        assert ahead.follow() is None
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
    assert not take.missing()
    take.recording.hear(SPEECH, heard[4])
    assert ahead.follow() is None
    await program.close()
