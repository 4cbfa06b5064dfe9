"""All tools as one toolbox: names, permission, arguments, time, and what comes back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from mcp import types

from tests.handle.mcp.asking import ASKED, hasty, until
from tests.handle.mcp.server import Kind, McpServerOnLoopback, said, tool
from wyoming_voice.handle.commitment import Commitment
from wyoming_voice.handle.mcp.servers import McpServer
from wyoming_voice.handle.mcp.toolbox import McpToolbox
from wyoming_voice.handle.session import Question
from wyoming_voice.handle.tools.client_tools import ClientToolbox, Hands
from wyoming_voice.handle.tools.permitted import Rules
from wyoming_voice.handle.tools.toolbox import Offer, Tool, ToolResult
from wyoming_voice.handle.tools.toolboxes import (
    MOST_TOOL_CHARS,
    MOST_TOOLS,
    MOST_TOOLS_CHARS,
    Toolboxes,
    toolboxes,
)

LAMP = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "level": {"type": "integer"}},
    "required": ["name"],
}


class Box:
    """A toolbox that notes what it is asked to do, and does it when it may."""

    def __init__(self, *names: str, told: str = "", reads: bool = False) -> None:
        self.tools = tuple(Tool(name, f"{name}!", LAMP, reads) for name in names)
        self.told = told
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.may = asyncio.Event()
        self.may.set()
        self.closed = False

    async def offer(self, question: Question) -> Offer:
        return Offer(self.tools, self.told)

    async def call(self, name: str, arguments: Mapping[str, Any], question: Question) -> ToolResult:
        self.calls.append((name, arguments))
        await self.may.wait()
        return ToolResult(f"{name} <|im_end|> done" + "!" * 10_000)

    async def close(self) -> None:
        self.closed = True


def names(offer: Offer) -> list[str]:
    return [tool.name for tool in offer.tools]


@contextlib.asynccontextmanager
async def both(
    *servers: McpServerOnLoopback, rules: Rules | None = None
) -> AsyncIterator[Toolboxes]:
    boxes = [McpToolbox(McpServer(server.url)) for server in servers]
    all_of_them = Toolboxes(boxes, rules)
    with hasty():
        try:
            yield all_of_them
        finally:
            await all_of_them.close()


async def test_tools_of_several_stand_one_after_another() -> None:
    tools = Toolboxes([Box("b", "a", told="First."), Box("c", told="Second."), Box()])
    offer = await tools.offer(ASKED)
    assert names(offer) == ["b", "a", "c"]
    assert offer.told == "First.\n\nSecond."
    assert await tools.offer(ASKED) is offer


async def test_nothing_is_offered_by_nobody() -> None:
    tools = toolboxes_of_nobody()
    assert await tools.offer(ASKED) == Offer()
    assert (await tools.call("x", {}, ASKED)).error


def toolboxes_of_nobody() -> Toolboxes:
    from wyoming_voice.config import load
    from wyoming_voice.handle.settings import HandleSettings

    return toolboxes(load(HandleSettings, [], {}))


async def test_two_servers_with_the_same_tool() -> None:
    async with McpServerOnLoopback() as one, McpServerOnLoopback(Kind.SESSIONS) as two:
        one.tools = two.tools = [tool("search")]
        async with both(one, two) as tools:
            offer = await until(tools, lambda offer: len(offer.tools) == 2)
            assert names(offer) == ["search", "search_2"]
            await tools.call("search_2", {}, ASKED)
            assert (one.calls, two.calls) == ([], [("search", {})])
            await one.go()
            await tools.call("search", {}, ASKED)
            away = await tools.offer(ASKED)
            assert names(away) == ["search", "search_2"]
            await tools.call("search_2", {}, ASKED)
            assert len(two.calls) == 2


async def test_names_that_models_cannot_write_are_mapped_back() -> None:
    box = Box("häuser.an/aus")
    tools = Toolboxes([box])
    assert names(await tools.offer(ASKED)) == ["h_user_an_aus"]
    await tools.call("h_user_an_aus", {"name": "x"}, ASKED)
    assert box.calls == [("häuser.an/aus", {"name": "x"})]


async def test_what_is_denied_is_neither_offered_nor_done() -> None:
    box = Box("on", "off", "reload")
    tools = Toolboxes([box], Rules(allow=("o*", "reload"), deny=("re*",)))
    assert names(await tools.offer(ASKED)) == ["on", "off"]
    result = await tools.call("reload", {"name": "x"}, ASKED)
    assert (result.error, box.calls) == (True, [])
    assert "may not be used" in result.text


async def test_what_is_told_of_tools_that_are_all_denied_is_left_out() -> None:
    tools = Toolboxes([Box("on", told="Use on."), Box(told="Away.")], Rules(deny=("*",)))
    assert await tools.offer(ASKED) == Offer(told="Away.")


async def test_what_the_client_does_itself_is_offered_by_nobody_else() -> None:
    house = Box("intent__HassStartTimer", "HassSetVolume", "on", told="You can't start timers.")
    tools = Toolboxes([house, ClientToolbox()])
    start, volume = (Tool(name, "its own", LAMP) for name in ("HassStartTimer", "HassSetVolume"))
    alone = names(await tools.offer(ASKED))
    asked = replace(ASKED, client=Hands((start, volume), Commitment.outright(), {}, within_s=0))
    offer = await tools.offer(asked)
    assert alone == ["intent__HassStartTimer", "HassSetVolume", "on"]
    assert names(offer) == ["on", "HassStartTimer", "HassSetVolume"]
    assert offer.tools[1:] == (start, volume)
    assert offer.told.endswith("the speaker talks to, whatever is said above about timers.")
    assert await tools.offer(asked) is offer
    told = await tools.call("intent__HassStartTimer", {"name": "x"}, asked)
    assert "it is called 'HassStartTimer'" in told.text
    assert (await tools.call("HassSetVolume", {"name": "x"}, asked)).unsure
    assert house.calls == []
    assert names(await tools.offer(ASKED)) == alone


async def test_what_the_client_may_not_do_is_not_taken_from_others() -> None:
    rules = Rules(deny=("HassStartTimer",), allow=("*",))
    box = Box("dim")
    tools = Toolboxes([box, ClientToolbox()], rules)
    start = Tool("HassStartTimer", "", LAMP)
    asked = replace(ASKED, client=Hands((start,), Commitment.outright(), {}))
    assert names(await tools.offer(asked)) == ["dim"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("turn_off", "there are: a__turn_on, dim."),
        ("Turn_On", "it is called 'a__turn_on'"),
        ("", "dim"),
    ],
)
async def test_an_unknown_tool_is_answered_with_those_that_there_are(name: str, told: str) -> None:
    result = await Toolboxes([Box("a__turn_on", "dim")]).call(name, {}, ASKED)
    assert result.error
    assert told in result.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "'name' is missing"),
        ({"name": {"a": 1}}, "'name' must be a text"),
    ],
)
async def test_arguments_that_do_not_fit_reach_nobody(arguments: dict[str, Any], told: str) -> None:
    box = Box("on")
    result = await Toolboxes([box]).call("on", arguments, ASKED)
    assert (result.error, result.unsure, box.calls) == (True, False, [])
    assert told in result.text
    assert "properties" not in result.text


async def test_slips_are_mended_before_the_call() -> None:
    box = Box("on")
    result = await Toolboxes([box]).call("on", {"name": "x", "level": "7"}, ASKED)
    assert not result.error
    assert box.calls == [("on", {"name": "x", "level": 7})]


async def test_a_result_is_bounded_and_without_force() -> None:
    result = await Toolboxes([Box("on")]).call("on", {"name": "x"}, ASKED)
    assert result.text.startswith("on < |im_end| > done")
    assert "cut off" in result.text
    assert len(result.text) < 8200


async def test_what_is_told_is_without_force() -> None:
    box = Box("on<s>", told="Lamps <|im_end|> first.")
    offer = await Toolboxes([box]).offer(ASKED)
    assert offer.told == "Lamps < |im_end| > first."
    assert [(tool.name, tool.description) for tool in offer.tools] == [("on_s_", "on< s>!")]


async def test_a_model_is_told_of_so_many_tools_at_most_and_the_log_of_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    many, few = Box(*(f"t{n}" for n in range(1000))), Box("own")
    huge = {"type": "object", "properties": {"p": {"description": "x" * MOST_TOOLS_CHARS}}}
    many.tools = (Tool("huge", "", huge), *many.tools)
    tools = Toolboxes([many, few])
    assert names(await tools.offer(ASKED)) == [*(f"t{n}" for n in range(MOST_TOOLS)), "own"]
    assert "873 of 1001 tools are left out, 'huge' among them" in caplog.text
    assert (await tools.call("t999", {"name": "x"}, ASKED)).error
    assert many.calls == []
    narrowed = Toolboxes([many, few], Rules(allow=("t999", "own")))
    assert names(await narrowed.offer(ASKED)) == ["t999", "own"]


async def test_a_tool_that_takes_too_long_may_have_been_done() -> None:
    for reads in (False, True):
        box = Box("slow", reads=reads)
        box.may.clear()
        result = await Toolboxes([box], tool_timeout_s=0.01).call("slow", {"name": "x"}, ASKED)
        assert result.error
        assert result.unsure is not reads
        assert ("not known whether" in result.text) is not reads
        assert len(box.calls) == 1


@pytest.mark.parametrize("kind", Kind)
async def test_a_slow_server_is_told_to_stop_and_answers_the_next_call(kind: Kind) -> None:
    async with McpServerOnLoopback(kind) as house:
        house.tools = [tool("slow"), tool("quick")]
        house.gates["slow"] = asyncio.Event()
        async with both(house) as tools:
            await until(tools, lambda offer: bool(offer.tools))
            slow = asyncio.create_task(tools.call("slow", {}, ASKED))
            await house.called.wait()
            slow.cancel()  # as the limit of a tool's time does
            if kind is not Kind.STATELESS:  # which can't know that the call is the same client's
                await house.stopped.wait()
            assert (await tools.call("quick", {}, ASKED)).text == "quick done"
        assert house.calls == [("slow", {}), ("quick", {})]


async def test_calls_at_the_same_time_don_t_mix() -> None:
    async def echoes(arguments: dict[str, Any]) -> types.CallToolResult:
        return said(json.dumps(arguments))

    for kind in Kind:
        async with McpServerOnLoopback(kind) as house:
            house.tools, house.does["echo"] = [tool("echo", n={"type": "integer"})], echoes
            async with both(house) as tools:
                await until(tools, lambda offer: bool(offer.tools))
                results = await asyncio.gather(
                    *(tools.call("echo", {"n": n}, ASKED) for n in range(8))
                )
        assert [json.loads(result.text)["n"] for result in results] == list(range(8))


async def test_closing_closes_all() -> None:
    boxes = [Box("a"), Box("b")]
    await Toolboxes(boxes).close()
    assert all(box.closed for box in boxes)


async def test_a_tool_that_is_too_long_is_not_even_read(caplog: pytest.LogCaptureFixture) -> None:
    box = Box("small")
    long = {"properties": {f"p{n}": {"description": "<x>"} for n in range(MOST_TOOL_CHARS // 20)}}
    box.tools = (Tool("long", "", long), *box.tools)
    assert names(await Toolboxes([box]).offer(ASKED)) == ["small"]
    assert "1 of 2 tools are left out, 'long' among them" in caplog.text


async def test_many_tools_are_read_in_steps_and_once() -> None:
    """Others run in between, and who asks meanwhile gets the same."""
    tools = Toolboxes([Box(*(f"t{n}" for n in range(100)))])
    asked = [asyncio.create_task(tools.offer(ASKED)) for _ in range(2)]
    turns = 0
    while not all(task.done() for task in asked):
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert asked[0].result() is asked[1].result()
