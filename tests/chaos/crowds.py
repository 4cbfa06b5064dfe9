"""Clients that nobody wants: they sit there, read nothing, write a byte now and then, or ask for ever.

Rule: each crowd holds for as long as its block, and has left without a word at the end of it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from wyoming.event import Event
from wyoming.tts import Synthesize

from tests.chaos.codes import MOST, word_of
from tests.chaos.places import End, request
from wyoming_voice.wire import Address, encode

DESCRIBE = encode(Event("describe"))
PING = encode(Event("ping", {"text": "x" * 200}))
LONG = encode(Synthesize(text=f"{word_of(1)} and on it goes. " * 400).event())

Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connections(address: Address, count: int) -> AsyncIterator[list[Opened]]:
    """So many open connections, of which nothing comes."""
    opened: list[Opened] = []
    try:
        for _ in range(count):
            one = await asyncio.open_connection(address.host, address.port)
            opened.append(one)
        yield opened
    finally:
        for _, writer in opened:
            writer.transport.abort()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def flood(address: Address, what: bytes, clients: int) -> AsyncIterator[None]:
    """Clients that write the same again and again, as fast as it is taken, and read nothing."""
    async with connections(address, clients) as opened, _at_work(_pour, opened, what):
        yield


@contextlib.asynccontextmanager
async def askers(address: Address, what: bytes, clients: int) -> AsyncIterator[None]:
    """Clients that write the same again and again, and read what comes."""
    async with (
        connections(address, clients) as opened,
        _at_work(_pour, opened, what),
        _at_work(_drink, opened, b""),
    ):
        yield


@contextlib.asynccontextmanager
async def slow_readers(address: Address, clients: int) -> AsyncIterator[None]:
    """Clients that ask for minutes of speech, and read nothing of it."""
    async with connections(address, clients) as opened:
        for _, writer in opened:
            writer.write(LONG)
        yield


@contextlib.asynccontextmanager
async def slow_writers(address: Address, clients: int, pause_s: float = 1.0) -> AsyncIterator[None]:
    """Clients that write their request byte by byte, with a pause after each."""

    async def dribble(opened: Opened, what: bytes) -> None:
        for byte in what:
            opened[1].write(bytes([byte]))
            await asyncio.sleep(pause_s)

    async with connections(address, clients) as opened, _at_work(dribble, opened, LONG):
        yield


async def latencies_ms(kind: str, address: Address, requests: int) -> tuple[list[float], int]:
    """How long an ordinary client waits for each of its requests, and how many had no result."""
    spent_ms, failed = [], 0
    for number in range(requests):
        begin_s = time.perf_counter()
        end = await request(kind, address, number % MOST, within_s=60)
        spent_ms.append((time.perf_counter() - begin_s) * 1000)
        failed += end is not End.RESULT
    return spent_ms, failed


async def _pour(opened: Opened, what: bytes) -> None:
    _, writer = opened
    while True:
        writer.write(what * 20)
        await writer.drain()
        await asyncio.sleep(0)


async def _drink(opened: Opened, _: bytes) -> None:
    while await opened[0].read(65_536):
        pass


@contextlib.asynccontextmanager
async def _at_work(
    work: Callable[[Opened, bytes], Coroutine[Any, Any, None]], opened: list[Opened], what: bytes
) -> AsyncIterator[None]:
    async def until_gone(one: Opened) -> None:
        with contextlib.suppress(OSError):
            await work(one, what)

    tasks = [asyncio.create_task(until_gone(one)) for one in opened]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
