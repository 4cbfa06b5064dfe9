"""Decoding ahead costs nobody else anything: when nothing is begun, and who goes first."""

import asyncio
import contextlib
from collections.abc import Callable

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping

from tests.asr.driving import (
    LIGHT,
    PAUSE,
    WANTED,
    all_done,
    answer,
    at_clock,
    program_of,
    served,
    speech,
    transcript,
    until,
)
from tests.asr.fakes import LoneEngine, ScriptedEngine, soon
from tests.asr.speech import chunk, said, stop
from tests.wire_client import client_of
from wyoming_voice.asr.server import AsrProgram
from wyoming_voice.audio import to_pcm16
from wyoming_voice.describing import Description
from wyoming_voice.service import serving


async def test_nothing_is_begun_while_others_are_served() -> None:
    engine = ScriptedEngine(held=True)
    program = program_of(engine)
    async with served(program) as (address, first), client_of(address) as second:
        await first.send(*speech(), stop())
        await soon(engine.begun)
        await second.send(*speech())
        await second.ask(Ping().event())
        assert program.worker.requests == 1
        engine.may_go_on.set()
        await first.read()
        await second.send(PAUSE)
        await soon(engine.begun)


async def test_of_two_who_pause_at_once_one_is_decoded() -> None:
    """Neither has asked the engine yet when the other looks whether it is free."""
    engine = ScriptedEngine()
    program = program_of(engine)
    tasks = []
    for _ in range(2):
        conversation = program.converse()
        (request,) = [found for event in speech() if (found := conversation.push(event))]
        tasks.append(asyncio.create_task(anext(request.replies)))
    await soon(engine.begun)
    await until(lambda: program.house.free)
    assert len(engine.calls) == engine.finished == 1
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await program.close()


async def test_nothing_is_begun_while_audio_waits_to_be_heard() -> None:
    engine = ScriptedEngine(held=True)
    program = program_of(engine)
    async with served(program) as (address, first), client_of(address) as second:
        await first.send(*speech(), stop())
        await soon(engine.begun)
        await second.send(*speech(), chunk(to_pcm16(np.tile(said(LIGHT), 2))))
        await second.ask(Ping().event())
        engine.may_go_on.set()
        await first.read()
        await second.send(PAUSE)
        await all_done(program, second)
    assert len(engine.calls) == 1


async def test_what_is_supposed_keeps_nobody_out() -> None:
    engine = ScriptedEngine("supposed", "final", held=True)
    program = program_of(engine, max_queue=1)
    async with served(program) as (address, first), client_of(address) as second:
        await first.send(*speech())
        await soon(engine.begun)
        await second.send(*speech(), stop())
        await soon(engine.begun)
        engine.may_go_on.set()
        reply = await second.read()
        assert reply is not None
        assert reply.data["text"] == "final"


async def test_who_comes_meanwhile_waits_for_one_item(lines: Callable[[], list[str]]) -> None:
    engine = LoneEngine("supposed", "others", "final", held=True)
    program = program_of(engine)
    async with served(program) as (address, first), client_of(address) as second:
        await first.send(*speech())
        await soon(engine.begun)
        await second.send(*speech(), stop())
        await until(lambda: program.worker.requests == 2)
        engine.may_go_on.set()
        assert await transcript(second) == "others"
        assert engine.finished == 1
        assert await transcript(first, stop()) == "final"
    assert " wasted=" in lines()[-1]


async def test_a_hit_needs_no_place_in_a_full_house() -> None:
    engine = ScriptedEngine("first", "second")
    program = program_of(engine, max_queue=1)
    async with served(program) as (address, first), client_of(address) as second:
        await answer(first, *speech(**WANTED))
        engine.may_go_on.clear()
        await second.send(*speech(), stop())
        for _ in range(2):
            await soon(engine.begun)
        assert await transcript(first, stop()) == "first"
        engine.may_go_on.set()


async def test_who_waits_for_the_end_goes_before_what_others_suppose() -> None:
    """The decode in progress was begun at the rank of a supposition; from the end on it is a request."""
    engine = ScriptedEngine(held=True)
    program = program_of(engine, max_queue=1)
    async with served(program) as (address, first), client_of(address) as second:
        await first.send(*speech())
        await soon(engine.begun)
        await first.send(stop())
        await first.ask(Ping().event())
        busy = await answer(second, *speech(), stop())
        assert busy.data["code"] == "busy"
        engine.may_go_on.set()
        assert await transcript(first) == "hello"


@pytest.mark.parametrize("end", [[], [stop()]], ids=["in the pause", "after the end"])
async def test_a_hang_up_drops_the_decode(end: list[Event]) -> None:
    engine = ScriptedEngine(held=True)
    program = program_of(engine)
    async with serving(program, program.settings) as address:
        async with client_of(address) as leaver:
            await leaver.send(*speech())
            await soon(engine.begun)
            await leaver.send(*end)
            await leaver.ask(Ping().event())
        await until(lambda: not program.worker.requests)
        engine.may_go_on.set()
        await soon(engine.closed)
        async with client_of(address) as client:
            assert await transcript(client, *speech(), stop()) == "hello"
        assert program.worker.requests == 0
        assert program.audio.held_bytes == 0
    assert engine.finished == 1


@pytest.mark.parametrize(
    "program",
    [
        program_of(ScriptedEngine(), speculate_after_ms=0),
        program_of(ScriptedEngine(), speculate_after_ms=700),
        program_of(ScriptedEngine(), no_vad_gate=True),
        at_clock(program_of(ScriptedEngine()), lambda: 0.0),
    ],
    ids=["off", "a longer pause", "no detector", "a burst"],
)
async def test_nothing_is_decoded_ahead(
    program: AsrProgram, lines: Callable[[], list[str]]
) -> None:
    async with served(program) as (_, client):
        await client.send(*speech())
        await client.ask(Ping().event())
        assert program.worker.idle
        assert await transcript(client, stop()) == "hello"
    assert "speculation=none speculated=0 " in lines()[0]


async def test_info_names_the_extension() -> None:
    for changed, names in (
        ({}, {"speculative-transcript"}),
        ({"speculate_after_ms": 0}, set()),
        ({"no_vad_gate": True}, set()),
        ({"endpointing": True}, {"speculative-transcript", "own-endpoint"}),
    ):
        async with served(program_of(ScriptedEngine(), **changed)) as (_, client):
            info = Description.of(await answer(client, Describe().event()))
        assert info.extensions - {"status", "pongs"} == names


async def test_pauses_of_long_speech_leave_little_for_the_end() -> None:
    engine = ScriptedEngine(*(f"part {number}" for number in range(20)))
    program = program_of(engine, speculate_after_ms=0)
    sentence = [*speech()[2:], PAUSE]
    async with served(program) as (_, client):
        await client.send(*speech()[:2])
        for _ in range(30):
            await client.send(*sentence)
            await all_done(program, client)
        before_s = sum(duration_s for duration_s, _ in engine.calls)
        text = await transcript(client, *speech()[2:8], stop())
    after_s = sum(duration_s for duration_s, _ in engine.calls) - before_s
    assert before_s > 35
    assert after_s < 15
    assert text == " ".join(f"part {number}" for number in range(len(engine.calls)))


async def test_the_clean_up_of_a_request_waits_for_no_thread() -> None:
    engine = ScriptedEngine(held=True)
    program = program_of(engine)
    conversation = program.converse()
    (request,) = [found for event in speech() if (found := conversation.push(event))]
    task = asyncio.create_task(anext(request.replies))
    await soon(engine.begun)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await request.replies.aclose()
    await asyncio.sleep(0)
    assert program.worker.requests == 0
    assert engine.finished == 0
    engine.may_go_on.set()
    await program.close()
