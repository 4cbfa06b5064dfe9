"""A handle server says that it is about to act to who asks for that, before it does, and to nobody else."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.chaos.codes import word_of
from tests.chaos.llm import TOOL, CodeLlm
from tests.handle.mcp.server import McpServerOnLoopback, said, tool
from tests.handle.talking import ask, talking
from wyoming_voice.extensions import ACTING, ACTS
from wyoming_voice.wire import Connection


@contextlib.asynccontextmanager
async def acting() -> AsyncIterator[tuple[Connection, McpServerOnLoopback]]:
    async with CodeLlm(acts_every=1) as llm, McpServerOnLoopback() as house:
        house.tools = [tool(TOOL, number={"type": "string"})]
        async with talking(llm, mcp_server=[house.url]) as client:
            yield client, house


@pytest.mark.parametrize("wanted", [True, False])
async def test_who_wants_to_know_is_told_once_before_anything_is_done(wanted: bool) -> None:
    done: list[int] = []
    async with acting() as (client, house):

        async def do(_: dict[str, Any]) -> Any:
            done.append(1)
            return said("It is done.")

        house.does = {TOOL: do}
        context = {ACTS: True} if wanted else {}
        events = await ask(client, f"what about {word_of(3)}", context=context)
        kinds = [event.type for event in events]
        assert done == [1]
        assert kinds.count(ACTING) == wanted
        assert kinds[0] == (ACTING if wanted else "handled-start")
