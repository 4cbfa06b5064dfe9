"""Asks a Wyoming server what it is: `describe`, and the `info` that comes back.

Rule: whatever answers, the failure names the address that was asked.
"""

import asyncio
import time

from wyoming.event import Event
from wyoming.info import Describe, Info

from wyoming_voice.errors import UpstreamError
from wyoming_voice.wire import Connection, connect


async def describe(uri: str, timeout_s: float = 2.0) -> tuple[Info, float]:
    """What the server at `uri` says of itself, and how long that took in ms, connecting included.

    Raises OSError (TimeoutError among them) when it can't be reached, UpstreamError when it answers
    with something else.
    """
    start_s = time.monotonic()
    async with connect(uri, timeout_s=timeout_s) as connection, asyncio.timeout(timeout_s):
        info = await describe_on(connection, uri)
        return info, (time.monotonic() - start_s) * 1000.0


async def describe_on(connection: Connection, uri: str) -> Info:
    """What the server at the other end of an open connection says of itself, before anything is asked of it.

    Raises OSError when it has gone, UpstreamError when it answers with something else.
    """
    await connection.write(Describe().event())
    async for event in connection:
        if Info.is_type(event.type):
            return _info_in(event, uri)
    raise UpstreamError(f"{uri} closed without describing itself; is it a Wyoming server?")


def _info_in(event: Event, uri: str) -> Info:
    try:
        return Info.from_event(event)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UpstreamError(f"{uri} describes itself in a way that can't be read") from error
