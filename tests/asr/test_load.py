"""Many sessions at one ASR server: nothing is lost, who waits goes in order, and nobody pays for another."""

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import re
from collections.abc import AsyncIterator

import pytest
from wyoming.event import Event
from wyoming.info import Describe

from tests.asr.fakes import ScriptedEngine, soon
from tests.asr.speech import COMMAND_MODEL, said, silence, utterance
from tests.wire_client import WireClient, client_of
from wyoming_voice.asr.server import AsrProgram, AsrSettings, build
from wyoming_voice.asr.whisper.batches import Batches
from wyoming_voice.asr.whisper.whisper import Whisper
from wyoming_voice.service import serving
from wyoming_voice.wire import Address

SESSIONS = 16
SENTENCES = (
    "Turn on the kitchen light.",
    "Set a timer for ten minutes.",
    "What time is it?",
    "Stop the music.",
)
VOICES = ("en-us", "en-gb-scotland")
LIGHT = SENTENCES[0]


def settings(**changed: object) -> AsrSettings:
    values = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True, "speculate_after_ms": 0}
    return AsrSettings.model_validate({**values, **changed})


@contextlib.asynccontextmanager
async def blocked(
    *, threads: int = 1, **changed: object
) -> AsyncIterator[tuple[ScriptedEngine, AsrProgram, Address]]:
    """A server whose engine stops in the middle of each decode, until the test lets it go on."""
    engine, asked = ScriptedEngine(held=True), settings(**changed)
    program = AsrProgram(asked, [engine])
    async with serving(program, asked) as address:
        program.worker.threads = threads
        try:
            yield engine, program, address
        finally:
            engine.may_go_on.set()


async def asking(program: AsrProgram, client: WireClient, *events: Event) -> None:
    """Send an utterance, and wait until it is one of those that want the engine."""
    before = program.worker.requests
    await client.send(*events)
    while program.worker.requests == before:  # noqa: ASYNC110  (the worker tells nobody)
        await asyncio.sleep(0)


def speech(number: int = 0) -> list[Event]:
    """An utterance that the number makes longer than those before."""
    return utterance(said(LIGHT), chunk_ms=1000, context={"turn_id": f"n{number}"})


async def test_sixteen_sessions_get_each_its_own_transcript() -> None:
    asked = settings(model=[str(COMMAND_MODEL)], device="cpu", cpu_threads=1)
    spoken = list(itertools.islice(itertools.cycle(itertools.product(SENTENCES, VOICES)), SESSIONS))

    async def session(address: Address, sentence: str, voice: str) -> tuple[str, list[str]]:
        async with client_of(address) as client:
            texts = []
            for _ in range(2):
                await client.send(*utterance(said(sentence, voice), chunk_ms=100, language="en"))
                texts.append((await client.read_until("transcript"))[-1].data["text"])
            return sentence, texts

    async with serving(build(asked), asked) as address:
        heard = await asyncio.gather(*(session(address, *one) for one in spoken))
    assert len(heard) == SESSIONS
    assert all(texts == [sentence, sentence] for sentence, texts in heard)


async def test_answers_come_in_the_order_in_which_the_audio_stopped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One thread, one decode each: by the time of `audio-stop`, which all deadlines are counted from."""
    caplog.set_level(logging.INFO, "wyoming_voice.outcome")
    async with blocked() as (engine, program, address), contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(address)) for _ in range(SESSIONS)]
        order = [7, 3, 12, 0, 15, 4, 8, 1, 14, 2, 9, 5, 13, 6, 11, 10]
        for number in order:
            await clients[number].send(*speech(number)[:-1])  # all but the `audio-stop`
        for number in order:
            await asking(program, clients[number], speech(number)[-1])
        await soon(engine.begun)
        engine.may_go_on.set()
        answers = await asyncio.gather(*(client.read() for client in clients))
    assert all(answer is not None and answer.type == "transcript" for answer in answers)
    assert re.findall(r"turn=n(\d+) .* outcome=ok", caplog.text) == [str(n) for n in order]
    assert engine.finished == SESSIONS


async def test_with_batches_too_nobody_is_overtaken_by_more_than_a_batch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Five are inside at a time, in batches of up to four; two have hung up, one of them inside."""
    caplog.set_level(logging.INFO, "wyoming_voice.outcome")
    asked = settings(
        model=[str(COMMAND_MODEL)],
        **{"device": "cpu", "cpu_threads": 1, "workers": 1, "batch": 4, "audio_context": "auto"},
    )
    program = build(asked)
    assert isinstance(program, AsrProgram)
    async with serving(program, asked) as address, contextlib.AsyncExitStack() as stack:
        (engine,) = program._engines.values()
        assert isinstance(engine, Whisper)
        batches = batches_of(engine)
        batches._free = 0
        clients = [await stack.enter_async_context(client_of(address)) for _ in range(SESSIONS)]
        for number, client in enumerate(clients):
            await asking(program, client, *speech(number))
        while batches.waiting < engine.at_once:  # noqa: ASYNC110  (it tells nobody)
            await asyncio.sleep(0)
        gone = (2, 10)
        for number in gone:
            await clients[number].hang_up()
        while program.worker.requests > SESSIONS - len(gone):  # noqa: ASYNC110
            await asyncio.sleep(0)
        with batches._lock:
            batches._free = 1
            batches._give_turns()
        kept = [client for number, client in enumerate(clients) if number not in gone]
        answers = await asyncio.gather(*(client.read() for client in kept))
    assert all(answer is not None and answer.data["text"] == LIGHT for answer in answers)
    order = [int(number) for number in re.findall(r"turn=n(\d+) .* outcome=ok", caplog.text)]
    assert sorted(order) == [number for number in range(SESSIONS) if number not in gone]
    places = [sorted(order).index(number) - place for place, number in enumerate(order)]
    assert max(map(abs, places)) <= engine.at_once, order


def batches_of(engine: Whisper) -> Batches:
    """Where its requests wait for each other; without room (`_free`) they all do."""
    assert engine._model is not None
    batches: Batches = engine._model.model._batches
    return batches


@pytest.mark.parametrize("threads", [1, 2])
async def test_describe_is_answered_while_every_thread_is_in_an_item(threads: int) -> None:
    async with (
        blocked(threads=threads) as (engine, program, address),
        contextlib.AsyncExitStack() as stack,
    ):
        for number in range(SESSIONS):
            client = await stack.enter_async_context(client_of(address))
            await asking(program, client, *speech(number))
        for _ in range(threads):
            await soon(engine.begun)
        assert len(program.worker._running) == threads
        other = await stack.enter_async_context(client_of(address))
        for _ in range(20):
            info = await other.ask(Describe().event())
            assert info is not None
            assert info.type == "info"
        assert engine.finished == 0


async def test_a_hang_up_makes_room_for_the_next_after_the_item_in_progress() -> None:
    async with blocked() as (engine, program, address), contextlib.AsyncExitStack() as stack:
        first, second, third = [
            await stack.enter_async_context(client_of(address)) for _ in range(3)
        ]
        for number, client in enumerate((first, second, third)):
            await asking(program, client, *speech(number))
        await soon(engine.begun)
        await first.hang_up()  # while its decode is in progress
        await second.hang_up()  # while it waits
        while program.worker.requests > 1:  # noqa: ASYNC110  (the worker tells nobody)
            await asyncio.sleep(0)
        engine.may_go_on.set()
        assert (await third.read_until("transcript"))[-1].data["text"] == "hello"
    assert engine.finished == 1  # of the first decode, nothing but the item in progress was made
    assert len(engine.calls) == 2


async def test_a_full_queue_is_told_while_the_engine_is_blocked() -> None:
    async with (
        blocked(max_queue=2) as (engine, program, address),
        contextlib.AsyncExitStack() as stack,
    ):
        kept = [await stack.enter_async_context(client_of(address)) for _ in range(2)]
        for number, client in enumerate(kept):
            await asking(program, client, *speech(number))
        for number in range(SESSIONS - 2):
            async with client_of(address) as late:
                await late.send(*speech(number))
                (error,) = await late.read_to_end()
                assert error.data["code"] == "busy"
                assert error.data["text"] == "asr serves 2 requests already; try again later"
        assert engine.finished == 0
        engine.may_go_on.set()
        for client in kept:
            assert (await client.read_until("transcript"))[-1].data["text"] == "hello"


async def test_a_guess_of_one_session_neither_delays_nor_refuses_another() -> None:
    async with blocked(threads=2, max_queue=1, speculate_after_ms=200) as (
        engine,
        program,
        address,
    ):
        program.house = dataclasses.replace(program.house, clock=itertools.count(0, 10).__next__)
        async with client_of(address) as guessed, client_of(address) as other:
            pause = utterance(silence(1.0), chunk_ms=100)[2:-1]
            await guessed.send(*utterance(said(LIGHT), chunk_ms=100)[:-1], *pause)
            await soon(engine.begun)  # the guess, which stays in the middle of its item
            await other.send(*speech(1))
            await soon(engine.begun)
            assert program.worker.requests == 2
            engine.may_go_on.set()
            assert (await other.read_until("transcript"))[-1].data["text"] == "hello"
            await guessed.send(utterance(silence(0.1))[-1])
            assert (await guessed.read_until("transcript"))[-1].data["text"] == "hello"
