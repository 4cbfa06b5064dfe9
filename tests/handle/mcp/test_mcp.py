"""An MCP server's tools, with real servers on loopback of each kind that there is."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import MCPError, types

from tests.handle.mcp.asking import ASKED, IN_THE_KITCHEN, hasty, names, toolbox, until
from tests.handle.mcp.server import Kind, McpServerOnLoopback, said, tool
from wyoming_voice.handle.mcp.servers import McpServer
from wyoming_voice.handle.mcp.toolbox import McpToolbox
from wyoming_voice.handle.tools.permitted import Rules


@pytest.fixture(params=Kind)
async def house(request: pytest.FixtureRequest) -> AsyncIterator[McpServerOnLoopback]:
    async with McpServerOnLoopback(request.param) as server:
        server.tools = [tool("switch", name={"type": "string"}), tool("dim"), tool("reads_state")]
        yield server


@pytest.fixture
async def stateless() -> AsyncIterator[McpServerOnLoopback]:
    """What comes back is read in the same way, whatever kind of server it comes from."""
    async with McpServerOnLoopback() as server:
        server.tools = [tool("switch", name={"type": "string"}), tool("dim")]
        yield server


async def test_what_a_server_has_is_offered_in_order(house: McpServerOnLoopback) -> None:
    house.instructions = "Lamps first."
    await house.go()
    await house.come()
    async with toolbox(house) as box:
        offer = await box.offer(ASKED)
        assert names(offer) == ["dim", "reads_state", "switch"]
        assert offer.tools[1].reads
        assert not offer.tools[2].reads
        assert offer.tools[2].parameters["required"] == ["name"]
        assert offer.told == "Lamps first."
        assert await box.offer(ASKED) is offer


async def test_the_log_names_what_is_used_once_for_each_change(
    stateless: McpServerOnLoopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wyoming_voice")
    stateless.tools += [tool("up\x1b[31m\nERROR down"), *(tool(f"z{n:02}") for n in range(20))]
    with hasty():
        box = McpToolbox(McpServer(stateless.url), Rules(deny=("dim",)))
        await box.offer(ASKED)
        for tools in (stateless.tools, [tool("on")], [tool("on")], [tool("dim")]):
            stateless.tools = tools
            await box._look("")
        await box.close()
    lines = [record.getMessage().partition("/mcp: ")[2] for record in caplog.records]
    first, *later = (line for line in lines if line)
    assert first.startswith(
        "23 tools of test house, 22 of them used: switch, up[31m ERROR down, z00, z01, "
    )
    assert first.endswith(" z17, …")
    assert later == [
        "1 tool of test house, all of them used: on",
        "1 tool of test house, none of them used",
    ]


async def test_a_call_is_made_once_and_its_text_comes_back(house: McpServerOnLoopback) -> None:
    async with toolbox(house) as box:
        await box.offer(ASKED)
        result = await box.call("switch", {"name": "lamp"}, ASKED)
        assert (result.text, result.error) == ("switch done", False)
    assert house.calls == [("switch", {"name": "lamp"})]


async def test_a_tool_that_fails_says_so(stateless: McpServerOnLoopback) -> None:
    async def fails(_: dict[str, Any]) -> types.CallToolResult:
        return said("the lamp is broken", error=True)

    stateless.does["switch"] = fails
    async with toolbox(stateless) as box:
        result = await box.call("switch", {"name": "lamp"}, ASKED)
    assert (result.text, result.error, result.unsure) == ("the lamp is broken", True, False)


@pytest.mark.parametrize(
    ("code", "unsure"), [(types.INVALID_PARAMS, False), (types.INTERNAL_ERROR, True)]
)
async def test_a_server_that_raises_says_so(
    stateless: McpServerOnLoopback, code: int, unsure: bool
) -> None:
    async def raises(_: dict[str, Any]) -> types.CallToolResult:
        raise MCPError(code, "no such lamp")

    stateless.does["switch"] = raises
    async with toolbox(stateless) as box:
        result = await box.call("switch", {"name": "lamp"}, ASKED)
        assert (result.error, result.unsure) == (True, unsure)
        assert "no such lamp" in result.text
        assert names(await box.offer(ASKED)) == ["dim", "switch"]


async def test_results_that_are_no_text_are_named(stateless: McpServerOnLoopback) -> None:
    image = types.ImageContent(type="image", data="QUJD", mime_type="image/png")

    async def shows(_: dict[str, Any]) -> types.CallToolResult:
        return types.CallToolResult(content=[image], structured_content={"on": True})

    stateless.does["dim"] = shows
    async with toolbox(stateless) as box:
        assert (await box.call("dim", {}, ASKED)).text == '[image]\n{"on": true}'


async def test_a_result_that_does_not_fit_the_output_schema_is_a_result(
    stateless: McpServerOnLoopback,
) -> None:
    odd = tool("dim")
    odd.output_schema = {"type": "object", "required": ["level"]}
    stateless.tools = [odd]
    async with toolbox(stateless) as box:
        await box.offer(ASKED)
        result = await box.call("dim", {}, ASKED)
    assert (result.text, result.error) == ("dim done", False)


async def test_a_new_list_is_offered_when_the_server_tells_of_it() -> None:
    for kind in (Kind.SESSIONS, Kind.SECOND_ERA):
        async with McpServerOnLoopback(kind) as house, toolbox(house) as box:
            house.tools = [tool("dim")]
            assert names(await box.offer(ASKED)) == ["dim"]
            house.tools = [tool("dim"), tool("blink")]
            async with asyncio.timeout(5):
                while names(await box.offer(ASKED)) != ["blink", "dim"]:
                    await house.change()
                    await asyncio.sleep(0)


async def test_a_server_that_tells_of_changes_without_end_is_not_asked_without_end(
    stateless: McpServerOnLoopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with toolbox(stateless) as box:
        monkeypatch.setattr("wyoming_voice.handle.mcp.toolbox._BETWEEN_CHANGES_S", 1000)
        await box.offer(ASKED)
        for _ in range(10):
            box._changed()
            await box.call("dim", {}, ASKED)
    assert stateless.requests.count(("list", "")) == 1


async def test_a_list_is_looked_up_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with McpServerOnLoopback() as house, toolbox(house) as box:
        house.tools = [tool("dim")]
        assert names(await box.offer(ASKED)) == ["dim"]
        house.tools = [tool("blink")]
        assert names(await box.offer(ASKED)) == ["dim"]
        monkeypatch.setattr("wyoming_voice.handle.mcp.toolbox.STALE_S", 0.0)
        blink = await until(box, lambda offer: names(offer) == ["blink"])
        looks = len(house.requests)
        assert await until(box, lambda _: len(house.requests) >= looks + 3) is blink


async def test_home_assistant_is_told_the_device_and_tells_of_the_house() -> None:
    house = McpServerOnLoopback(Kind.STATELESS, "home-assistant")
    house.tools, house.device_tools = [tool("on")], [tool("timer")]
    house.prompt, house.instructions = "There is a kitchen.", "Be kind."
    async with house, toolbox(house) as box:
        anywhere, kitchen = await box.offer(ASKED), await box.offer(IN_THE_KITCHEN)
        assert names(anywhere) == ["on"]
        assert names(kitchen) == ["on", "timer"]
        assert kitchen.told == "Be kind.\n\nThere is a kitchen."
        await box.call("timer", {}, IN_THE_KITCHEN)
        await box.call("on", {}, ASKED)
        assert await box.offer(IN_THE_KITCHEN) is kitchen
        assert await box.offer(ASKED) is anywhere
    device = IN_THE_KITCHEN.device_id
    assert {("list", device), ("prompts", device), ("prompt", device), ("timer", device)} <= set(
        house.requests
    )
    assert {("list", ""), ("prompt", ""), ("on", "")} <= set(house.requests)


async def test_others_are_not_told_the_device(house: McpServerOnLoopback) -> None:
    async with toolbox(house) as box:
        await box.offer(IN_THE_KITCHEN)
        await box.call("dim", {}, IN_THE_KITCHEN)
    assert {device for _, device in house.requests} == {""}
