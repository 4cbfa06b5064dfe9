"""All clients together have so much memory for audio, and it comes back however a request ends."""

import asyncio
import contextlib

import pytest
from wyoming.event import Event

from tests.asr.fakes import ScriptedEngine, soon
from tests.asr.speech import chunk, said, start, stop, utterance
from tests.wire_client import client_of
from wyoming_voice.asr.budget import AudioBudget, Share
from wyoming_voice.asr.conversation import AsrConversation
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import Busy, EngineError, VoiceError
from wyoming_voice.program import Request
from wyoming_voice.service import serving

SECOND = chunk(bytes(SPEECH.size_bytes(1000)))
TALK = utterance(said("Turn on the kitchen light."), chunk_ms=100)


def settings(**changed: object) -> AsrSettings:
    values = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True, "max_audio_mb": 1}
    return AsrSettings.model_validate({**values, **changed})


def begun(conversation: AsrConversation, *events: Event) -> Request:
    """The request that the events begin, and the rest of them heard."""
    (request,) = [found for event in events if (found := conversation.push(event)) is not None]
    return request


async def answered(request: Request) -> list[str]:
    """As a connection asks for the replies: closed in any case."""
    async with contextlib.aclosing(request.replies) as replies:
        return [event.type async for event in replies]


def test_a_budget_gives_what_it_has_and_takes_it_back() -> None:
    budget = AudioBudget(1_000_000)
    budget.take(600_000)
    with pytest.raises(Busy, match=r"more than 1 MB; try again later, .* --max-audio-mb"):
        budget.take(400_001)
    budget.take(400_000)
    budget.give_back(600_000)
    assert budget.held_bytes == 400_000
    budget.take(600_000)


def test_a_share_holds_the_difference_and_nothing_once_forgotten() -> None:
    budget = AudioBudget(100)
    share, other = Share(budget), Share(budget)
    share.hold(60)
    other.hold(30)
    with pytest.raises(Busy):
        share.hold(80)
    share.hold(70)
    assert budget.held_bytes == 100
    share.hold(10)
    assert budget.held_bytes == 40
    del share
    assert budget.held_bytes == 30


@pytest.mark.parametrize("partials", [False, True])
@pytest.mark.parametrize("failure", [None, EngineError("out of memory")])
async def test_a_request_that_ends_gives_back(partials: bool, failure: EngineError | None) -> None:
    engine = ScriptedEngine()
    engine.failure = failure
    program = AsrProgram(settings(partials=partials), [engine])
    conversation = program.converse()
    request = begun(conversation, *TALK)
    assert program.audio.held_bytes > 100_000
    with contextlib.suppress(EngineError) if failure else contextlib.nullcontext():
        assert "transcript" in await answered(request)
    assert program.audio.held_bytes == 0
    await program.close()


async def test_a_request_that_is_refused_by_the_queue_gives_back() -> None:
    engine = ScriptedEngine(held=True)
    program = AsrProgram(settings(max_queue=1), [engine])
    first, second = program.converse(), program.converse()
    task = asyncio.create_task(answered(begun(first, *TALK)))
    await soon(engine.begun)
    alone_bytes = program.audio.held_bytes
    with pytest.raises(Busy, match="requests already"):
        await answered(begun(second, *TALK))
    assert program.audio.held_bytes == alone_bytes
    engine.may_go_on.set()
    assert await task == ["transcript"]
    await program.close()


async def test_a_request_that_nobody_asked_about_gives_back() -> None:
    program = AsrProgram(settings(), [ScriptedEngine()])
    conversation = program.converse()
    request = begun(conversation, start(), SECOND, stop())
    assert program.audio.held_bytes == 64_000
    await request.replies.aclose()
    assert program.audio.held_bytes == 0


@pytest.mark.parametrize("partials", [False, True])
async def test_a_hang_up_gives_back_and_what_comes_after_it_takes_nothing(partials: bool) -> None:
    program = AsrProgram(settings(partials=partials), [ScriptedEngine()])
    conversation = program.converse()
    task = asyncio.create_task(answered(begun(conversation, start(), SECOND)))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert program.audio.held_bytes == 0
    conversation.push(SECOND)
    assert program.audio.held_bytes == 0


async def test_an_utterance_that_begins_anew_gives_back() -> None:
    program = AsrProgram(settings(), [ScriptedEngine()])
    conversation = program.converse()
    request = begun(conversation, start(), SECOND, SECOND, Event("transcribe"))
    assert program.audio.held_bytes == 0
    conversation.push(SECOND)
    assert program.audio.held_bytes == 64_000
    await request.replies.aclose()


async def test_a_request_that_begins_with_too_much_leaves_nothing_taken() -> None:
    program = AsrProgram(settings(), [ScriptedEngine()])
    with pytest.raises(VoiceError):
        program.converse().push(chunk(bytes(SPEECH.size_bytes(20_000))))
    assert program.audio.held_bytes == 0


async def test_audio_that_all_clients_hold_together_is_bounded() -> None:
    asked = settings()
    program = AsrProgram(asked, [ScriptedEngine()])
    async with (
        serving(program, asked) as address,
        client_of(address) as first,
        client_of(address) as second,
    ):
        await first.send(start(), *[SECOND] * 10, Event("ping"))
        assert await first.read() == Event("pong", {"text": None})
        await second.send(start(), *[SECOND] * 6)
        (error,) = await second.read_to_end()
        assert (error.type, error.data["code"]) == ("error", "busy")
        await first.send(stop())
        assert [event.type for event in [await first.read()] if event] == ["transcript"]
        async with client_of(address) as third:
            await third.send(start(), *[SECOND] * 15, stop())
            assert [event.type for event in [await third.read()] if event] == ["transcript"]
