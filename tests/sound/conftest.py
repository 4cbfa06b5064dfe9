"""Real audio: a sound server, our servers, and a satellite between them (`make test-sound`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sound.pulse import SoundServer, obtain
from tests.sound.room import PATIENCE_S, Recording, recording
from wyoming_voice.stack import Plan, Server, running

COMMAND_MODEL = Path(__file__).parents[1] / "models" / "command_whisper"
_LOCAL = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--log-level", "warning")
_WHISPER = ("--model", str(COMMAND_MODEL), "--language", "en", "--cpu-threads", "1")


@pytest.fixture(scope="session")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    """One sound server for all tests; those that break it bring it back."""
    obtain()
    server = SoundServer(tmp_path_factory.mktemp("pulse"))
    server.start()
    yield server
    server.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def loudspeaker(pulse: SoundServer) -> AsyncIterator[Recording]:
    """What the room hears of the satellite."""
    async with recording(pulse.environment, "virt_speaker") as heard:
        yield heard


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[dict[str, str]]:
    """Kind -> URI: the command model, the embedded voice and no language model."""
    async with contextlib.AsyncExitStack() as stack:
        yield await stack.enter_async_context(running(plans(), lambda *_: None))


def plans() -> list[Plan]:
    """What runs when all runs."""
    return [
        Plan("asr", (*_LOCAL, *_WHISPER)),
        Plan("tts", ("--engine", "espeak", *_LOCAL)),
        Plan("handle", ("--llm-url", "none", *_LOCAL)),
    ]


@contextlib.asynccontextmanager
async def recogniser() -> AsyncIterator[Server]:
    """One more ASR server, of which the test may make an end with `process.kill()`."""
    server = Server(plans()[0])
    keeper = asyncio.create_task(server.keep_running())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await server.ready.wait()
        yield server
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
