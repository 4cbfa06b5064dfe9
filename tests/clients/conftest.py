"""The servers that public clients talk to, and the environment in which those clients live.

The servers are the real programs in processes of their own, with the small command model, the embedded
voice and no language model. The clients' environment is `.venv-clients` (`make test-clients` builds it)
or the one that the variable CLIENTS_VENV names.
"""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.clients.programs import Clients
from wyoming_voice.stack import Plan, running

ROOT = Path(__file__).parents[2]
COMMAND_MODEL = ROOT / "tests" / "models" / "command_whisper"

_WHISPER = ("--model", str(COMMAND_MODEL), "--language", "en", "--cpu-threads", "1")
_ARGUMENTS = {
    "asr": ("asr", *_WHISPER),
    "asr-partials": ("asr", *_WHISPER, "--partials"),
    "tts": ("tts", "--engine", "espeak"),
    "handle": ("handle", "--llm-url", "none"),
}


@pytest.fixture(scope="session")
def clients() -> Clients:
    """The public clients; without their environment every test that needs one fails with the remedy."""
    folder = Path(os.environ.get("CLIENTS_VENV") or ROOT / ".venv-clients").absolute()
    if not (folder / "bin" / "python").exists():
        pytest.fail(f"{folder} holds no clients; build it with `make test-clients`")
    return Clients(folder)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[dict[str, str]]:
    """Name -> URI of each server, ready to work; `asr-partials` sends text while it hears."""
    async with contextlib.AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(_served(kind, arguments))
            for name, (kind, *arguments) in _ARGUMENTS.items()
        }


@contextlib.asynccontextmanager
async def _served(kind: str, arguments: list[str]) -> AsyncIterator[str]:
    plan = Plan(kind, ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", *arguments))
    async with running([plan], lambda kind, uri: None) as uris:
        yield uris[kind]
