"""A handle server in this process and a client of it, for the tests of what goes over the wire."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from wyoming.event import Event

from tests.llama_swap import FakeLlamaSwap
from wyoming_voice.handle.server import build
from wyoming_voice.handle.settings import HandleSettings
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
