"""A server that may decode ahead: over a socket, or without a network and step by step.

To `program_of`'s server all audio seems to come at the pace of a microphone, however fast it comes.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace

from wyoming.event import Event
from wyoming.ping import Ping

from tests.asr.fakes import ScriptedEngine
from tests.asr.speech import chunk, said, silence, start, stop, utterance
from tests.wire_client import WireClient, client_of
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.audio import to_pcm16
from wyoming_voice.program import Request
from wyoming_voice.service import serving
from wyoming_voice.wire import Address

LIGHT = "Turn on the kitchen light."
WANTED = {"context": {"speculative": True}}
PAUSE = chunk(to_pcm16(silence(0.3)))


def program_of(engine: ScriptedEngine, **changed: object) -> AsrProgram:
    values = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True}
    program = AsrProgram(AsrSettings.model_validate({**values, **changed}), [engine])
    return at_clock(program, itertools.count().__next__)


def at_clock(program: AsrProgram, clock: Callable[[], float]) -> AsrProgram:
    program.house = replace(program.house, clock=clock)
    return program


@contextlib.asynccontextmanager
async def served(program: AsrProgram) -> AsyncIterator[tuple[Address, WireClient]]:
    async with serving(program, program.settings) as address, client_of(address) as client:
        yield address, client


def speech(**asked: object) -> list[Event]:
    """An utterance that has not ended, with 0.4 s of silence behind what is said."""
    return utterance(said(LIGHT), chunk_ms=100, **asked)[:-1]


async def answer(client: WireClient, *events: Event) -> Event:
    await client.send(*events)
    event = await client.read()
    assert event is not None
    return event


async def transcript(client: WireClient, *events: Event) -> str:
    reply = await answer(client, *events)
    assert reply.type == "transcript", reply
    return str(reply.data["text"])


async def until(state: Callable[[], bool]) -> None:
    """Let the server, which runs in the same loop, come to a state."""
    async with asyncio.timeout(10):
        while not state():  # noqa: ASYNC110  (it is no event of anybody's)
            await asyncio.sleep(0)


async def all_done(program: AsrProgram, client: WireClient) -> None:
    """What was sent has been heard, and nobody is at work over it."""
    for _ in range(2):
        await client.ask(Ping().event())
    await until(lambda: program.worker.idle)


async def text_of(program: AsrProgram, chunks: Iterable[Event]) -> str:
    """What a loaded server hears in chunks that seem to come at a microphone's pace.

    After each chunk its threads end what they have begun.
    """
    at_clock(program, itertools.count().__next__)
    conversation = program.converse()
    request = conversation.push(start())
    assert request is not None
    task = asyncio.create_task(_transcript(request))
    for event in chunks:
        conversation.push(event)
        await asyncio.sleep(0)
        await _others(task)
    conversation.push(stop())
    return await task


async def _others(task: asyncio.Task[str]) -> None:
    """What the task has begun comes to its end."""
    this = asyncio.current_task()
    while others := {other for other in asyncio.all_tasks() if other not in (task, this)}:
        await asyncio.wait(others)
        await asyncio.sleep(0)


async def _transcript(request: Request) -> str:
    async with contextlib.aclosing(request.replies) as replies:
        events = [event async for event in replies]
    (text,) = [event.data["text"] for event in events if event.type == "transcript"]
    return str(text)
