"""Asks an MCP server of the tests for its tools, as questions do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.handle.mcp.server import McpServerOnLoopback
from wyoming_voice.handle.mcp.servers import TOKEN_FILE, McpServer
from wyoming_voice.handle.mcp.toolbox import McpToolbox
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import Offer, Toolbox
from wyoming_voice.hass.token import token_in

HASTY = {
    **{"session.LEAST_S": 0.01, "session.LONGEST_S": 0.05, "session.STEADY_S": 0},
    **{"session.TOKEN_LOOK_S": 0.01, "session.TOKEN_PAUSE_S": 30},
    **{"http._BETWEEN_LOOKS_S": 0, "http._FAREWELL_S": 0.1, "toolbox._BETWEEN_CHANGES_S": 0.05},
}
ASKED = Question("turn it on", "c1")
IN_THE_KITCHEN = Question("turn it on", "c1", device_id="kitchen-satellite")
SECRET = "sEcReT-ToKeN-0123456789"


@contextlib.contextmanager
def hasty() -> Iterator[None]:
    """Pauses of milliseconds in place of seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in HASTY.items():
            patch.setattr(f"wyoming_voice.handle.mcp.{name}", value)
        yield


@contextlib.asynccontextmanager
async def toolbox(
    server: McpServerOnLoopback,
    token: Path | None = None,
    url: str = "",
    option: str = TOKEN_FILE,
) -> AsyncIterator[McpToolbox]:
    with hasty():
        box = McpToolbox(McpServer(url or server.url, token_in(token) if token else None, option))
        try:
            yield box
        finally:
            await box.close()


async def until(box: Toolbox, fits: Callable[[Offer], bool], question: Question = ASKED) -> Offer:
    """The first offer that fits; as often as somebody asks."""
    async with asyncio.timeout(10):
        while True:
            offer = await box.offer(question)
            if fits(offer):
                return offer
            await asyncio.sleep(0)


def names(offer: Offer) -> list[str]:
    return [tool.name for tool in offer.tools]
