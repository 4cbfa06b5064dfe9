"""The three real servers in processes of their own, once for all, and a gateway in front of them."""

import contextlib
from collections.abc import AsyncIterator

import pytest_asyncio

from tests.asr.speech import COMMAND_MODEL
from tests.gateway.page import Browser
from tests.satellite.waiting import until
from wyoming_voice.gateway.server import serving
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.stack import Plan, running

_LOCAL = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--log-level", "warning")
PLANS = [
    Plan(
        "asr",
        (
            "--model",
            str(COMMAND_MODEL),
            "--language",
            "en",
            "--cpu-threads",
            "1",
            "--partials",
            *_LOCAL,
        ),
    ),
    Plan("tts", ("--engine", "espeak", *_LOCAL)),
    Plan("handle", ("--llm-url", "none", *_LOCAL)),
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[dict[str, str]]:
    """Kind -> URI: the command model, the embedded voice and no language model."""
    async with running(PLANS, lambda *_: None) as uris:
        yield uris


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(servers: dict[str, str]) -> AsyncIterator[Browser]:
    """Who opens pages of a gateway that knows these servers."""
    async with serving(settings(servers)) as (gateway, address):
        yield Browser(gateway, address)


def settings(uris: dict[str, str], **more: object) -> GatewaySettings:
    """A gateway's settings for servers at these URIs."""
    named = {f"{kind}_uri": [uri] for kind, uri in uris.items()}
    return GatewaySettings.model_validate({"http": "tcp://127.0.0.1:0", **named, **more})


@contextlib.asynccontextmanager
async def gateway(uris: dict[str, str], **more: object) -> AsyncIterator[Browser]:
    """One more gateway, which has found them."""
    async with serving(settings(uris, **more)) as (running, address):
        await until(lambda: not running.services.missing)
        yield Browser(running, address)
