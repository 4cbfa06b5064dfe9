"""A handle server in this process and a client of it, for the tests of what goes over the wire."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from wyoming.event import Event
from wyoming.ping import Ping

from tests.llama_swap import FakeLlamaSwap
from wyoming_voice.handle.building import parts_of
from wyoming_voice.handle.fast.path import FastPath
from wyoming_voice.handle.server import HandleProgram, build
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.handle.tools.toolbox import Toolbox
from wyoming_voice.handle.tools.toolboxes import Toolboxes
from wyoming_voice.service import serving
from wyoming_voice.wire import Connection, connect


def settings(**values: Any) -> HandleSettings:
    return HandleSettings(uri="tcp://127.0.0.1:0", **values)


@contextlib.asynccontextmanager
async def served(**values: Any) -> AsyncIterator[str]:
    """A handle server; the URI at which it is."""
    given = settings(**values)
    async with serving(build(given), given) as address:
        yield str(address)


@contextlib.asynccontextmanager
async def equipped(
    fake: FakeLlamaSwap, box: Toolbox, fast: FastPath | None = None, **values: Any
) -> AsyncIterator[str]:
    """A handle server that asks `fake`, with the tools of `box`; its URI."""
    given = settings(**{"llm_url": fake.url, **values})
    parts = parts_of(given, datetime.now)
    toolbox = Toolboxes([box], tool_timeout_s=given.tool_timeout_s)
    parts = replace(parts, toolbox=toolbox, fast=fast or parts.fast)
    async with serving(HandleProgram(given, parts), given) as address:
        yield str(address)


@contextlib.asynccontextmanager
async def talking(fake: FakeLlamaSwap, **values: Any) -> AsyncIterator[Connection]:
    """A connection to a handle server that asks `fake`."""
    async with served(llm_url=fake.url, **values) as uri, connect(uri) as client:
        yield client


async def ask(client: Connection, text: str = "what time is it", **data: Any) -> list[Event]:
    """One question and all that comes back, up to its last event."""
    await say(client, text, **data)
    return await rest(client)


async def say(client: Connection, text: str, **data: Any) -> None:
    await client.write(Event(type="transcript", data={"text": text, **data}))


async def rest(client: Connection) -> list[Event]:
    events = []
    async for event in client:
        events.append(event)
        if event.type in ("handled-stop", "not-handled", "error"):
            break
    return events


async def kinds(client: Connection, count: int) -> list[str]:
    """The types of the next `count` events."""
    events = [await client.read() for _ in range(count)]
    return [event.type for event in events if event is not None]


def texts(events: list[Event], kind: str) -> list[str]:
    return [event.data["text"] for event in events if event.type == kind]


async def ping(client: Connection) -> None:
    """The server has read what was sent before."""
    await client.write(Ping().event())
    assert await kinds(client, 1) == ["pong"]


async def nothing_more(client: Connection) -> None:
    """What the server has to do for now is done, and it says nothing of it."""
    for _ in range(20):
        await ping(client)


def results(fake: FakeLlamaSwap, number: int = -1) -> list[str]:
    return [m["content"] for m in fake.chats[number]["messages"] if m["role"] == "tool"]
