"""Asks an MCP server of the tests for its tools, as questions do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tests.handle.mcp.server import McpServerOnLoopback
from wyoming_voice.handle.mcp.servers import McpServer
from wyoming_voice.handle.mcp.session import Pace
from wyoming_voice.handle.mcp.toolbox import McpToolbox
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.toolbox import Offer, Toolbox
from wyoming_voice.hass.token import token_in

HASTY = Pace(least_s=0.01, longest_s=0.05, token_look_s=0.01, token_pause_s=30, steady_s=0)
ASKED = Question("turn it on", "c1")
IN_THE_KITCHEN = Question("turn it on", "c1", device_id="kitchen-satellite")
SECRET = "sEcReT-ToKeN-0123456789"


@contextlib.asynccontextmanager
async def toolbox(
    server: McpServerOnLoopback, token: Path | None = None, url: str = ""
) -> AsyncIterator[McpToolbox]:
    read = token_in(token) if token else None
    box = McpToolbox(McpServer(url or server.url, read), HASTY)
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
