"""A client that hangs up ends the work that is done for it.

Rule: what is cut off this way answers nothing; it is told of as `gone` and nobody's fault.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from starlette.requests import Request
from starlette.types import Receive
from starlette.websockets import WebSocketDisconnect

from wyoming_voice.wire import PeerGone


class ClientLeft(PeerGone):
    """Whoever asked has hung up: there is nobody to tell anything."""


@contextlib.asynccontextmanager
async def leaving(request: Request) -> AsyncIterator[None]:
    """Within it the work for an answer is done; where the client leaves, it is cancelled.

    For routes that answer in one piece; streams see to it themselves (see `streaming`). Enter it when the
    request has been read to its end, which FastAPI has done with models, forms and files. The work meets a
    CancelledError where it waits; whoever stands outside meets ClientLeft, which a route lets pass. Both are
    the outcome `gone`, so it may stand within `Floor.serving` or around it.
    """
    async with until_gone(request.receive):
        yield


@contextlib.asynccontextmanager
async def until_gone(receive: Receive) -> AsyncIterator[None]:
    """As `leaving`, for whoever has no Request at hand."""
    task = asyncio.current_task()
    assert task is not None
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not gone or task.uncancel() > 0:  # somebody else's, too
            raise
        raise ClientLeft("the client has left") from None
    finally:
        watcher.cancel()
        await asyncio.wait([watcher])


@contextlib.contextmanager
def saying() -> Iterator[None]:
    """Within it something is said on a WebSocket; raises ClientLeft where nobody hears it any more."""
    try:
        yield
    except (WebSocketDisconnect, RuntimeError) as error:  # the latter: closed a moment ago
        raise ClientLeft("the client has left") from error
