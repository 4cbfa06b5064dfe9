"""An MCP server that is away, breaks off, refuses the token or is none: told once, and nothing done twice."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import types

from tests.handle.mcp.asking import ASKED, HASTY, SECRET, names, toolbox, until
from tests.handle.mcp.server import Kind, McpServerOnLoopback, said, tool
from wyoming_voice.handle.mcp.http import Door, http_client
from wyoming_voice.handle.mcp.servers import McpServer
from wyoming_voice.hass.token import token_in


@pytest.fixture(params=Kind)
async def house(request: pytest.FixtureRequest) -> AsyncIterator[McpServerOnLoopback]:
    async with McpServerOnLoopback(request.param) as server:
        server.tools = [tool("switch", name={"type": "string"}), tool("dim"), tool("reads_state")]
        yield server


async def test_a_server_that_goes_away_and_comes_back(
    house: McpServerOnLoopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wyoming_voice")
    async with toolbox(house) as box:
        before = await box.offer(ASKED)
        await house.go()
        result = await box.call("switch", {"name": "lamp"}, ASKED)
        assert result.error
        assert not result.unsure
        assert "Nothing was done" in result.text
        away = await until(box, lambda offer: "can't be reached" in offer.told)
        assert away.tools == before.tools
        assert await box.offer(ASKED) is away
        await house.come()
        assert await until(box, lambda offer: "can't be reached" not in offer.told) is before
        assert (await box.call("switch", {"name": "lamp"}, ASKED)).text == "switch done"
    assert house.calls == [("switch", {"name": "lamp"})]
    ours = [r for r in caplog.records if r.name.startswith("wyoming_voice")]
    warned = [r.getMessage() for r in ours if r.levelno >= logging.WARNING]
    assert warned == [
        f"MCP server {house.url}: it can't be reached (Connection refused); is it running?"
    ]
    assert any(r.getMessage().endswith("it is there again") for r in caplog.records)


async def test_a_server_that_is_started_anew_between_two_calls(house: McpServerOnLoopback) -> None:
    """Its sessions have ended, of which it tells by 404; nothing was done, so the call is made again."""
    async with toolbox(house) as box:
        await box.offer(ASKED)
        await house.go()
        await house.come()
        results = [await box.call("switch", {"name": "lamp"}, ASKED) for _ in range(2)]
    assert [result.text for result in results] == ["switch done", "switch done"]
    assert len(house.calls) == 2


async def test_a_call_whose_connection_breaks_is_not_made_again(house: McpServerOnLoopback) -> None:
    house.gates["switch"] = asyncio.Event()
    async with toolbox(house) as box:
        await box.offer(ASKED)
        calling = asyncio.create_task(box.call("switch", {"name": "lamp"}, ASKED))
        await house.called.wait()
        await house.go()
        await house.come()
        result = await calling
        assert result.error
        assert result.unsure
        assert "not known whether it was done" in result.text
        await until(box, lambda offer: "can't be reached" not in offer.told)
    assert len(house.calls) == 1


async def test_a_server_that_was_never_there_costs_a_question_nothing() -> None:
    async with McpServerOnLoopback() as house:
        await house.go()
        async with toolbox(house) as box:
            offer = await until(box, lambda offer: "can't be reached" in offer.told)
            assert offer.tools == ()
            assert await box.offer(ASKED) is offer
            result = await box.call("switch", {}, ASKED)
            assert result.error
            assert "Nothing was done" in result.text


async def test_the_first_question_waits_only_so_long_for_a_slow_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wyoming_voice.handle.mcp.toolbox.FIRST_S", 0.05)
    async with McpServerOnLoopback() as house, toolbox(house) as box:
        house.tools = [tool("dim")]
        house.gates["list"] = asyncio.Event()
        assert (await box.offer(ASKED)).tools == ()
        monkeypatch.setattr("wyoming_voice.handle.mcp.toolbox.FIRST_S", 1000.0)
        assert (await box.offer(ASKED)).tools == ()
        house.gates["list"].set()
        await until(box, lambda offer: names(offer) == ["dim"])


async def test_a_refused_token_is_shown_once_and_the_file_looked_at_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    async with McpServerOnLoopback() as house, toolbox(house, file) as box:
        house.tools, house.token = [tool("dim")], "another"
        await until(box, lambda offer: "can't be reached" in offer.told)
        shown_again = asyncio.create_task(house.requested(1))
        await asyncio.wait((shown_again,), timeout=20 * HASTY.token_look_s)
        assert house.tried == [f"Bearer {SECRET}"]
        file.write_text("another\n")
        await until(box, lambda offer: names(offer) == ["dim"])
    warned = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len([line for line in warned if "refuses the token" in line]) == 1


async def test_a_token_that_is_changed_on_the_way_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    async with McpServerOnLoopback(Kind.SESSIONS) as house, toolbox(house, file) as box:
        house.tools, house.token = [tool("dim")], "first"
        await box.offer(ASKED)
        house.token = "second"
        file.write_text("second")
        assert (await box.call("dim", {}, ASKED)).text == "dim done"
    assert len(house.calls) == 1


async def test_a_token_that_is_revoked_on_the_way_is_told(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    async with McpServerOnLoopback() as house, toolbox(house, file) as box:
        house.tools, house.token = [tool("dim")], SECRET
        await box.offer(ASKED)
        house.token = "another"
        result = await box.call("dim", {}, ASKED)
        assert "refuses this assistant's token" in result.text
        assert "Nothing was done" in result.text
        assert not result.unsure


PAGE = (200, {"content-type": "text/html"}, b"<html>")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ((401, {}, b""), "wants a token"),
        ((403, {}, b""), "403"),
        ((404, {}, b""), "path of its MCP endpoint"),
        ((405, {}, b""), "older SSE"),
        ((500, {}, b""), "answers 500"),
        (PAGE, "web page"),
        ((307, {"location": "http://127.0.0.1:9/mcp?key=hidden"}, b""), "http://127.0.0.1:9/mcp,"),
        ((200, {"content-type": "application/json"}, b"{]"), "no MCP"),
    ],
)
async def test_what_is_no_mcp_is_told_once_with_the_remedy(
    answers: tuple[int, dict[str, str], bytes], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with McpServerOnLoopback() as house, toolbox(house) as box:
        house.answers = answers
        offer = await until(box, lambda offer: "can't be reached" in offer.told)
        if answers[0] != 401:
            await house.requested(3)
        assert await box.offer(ASKED) is offer
    warned = [r.getMessage() for r in caplog.records if r.name.startswith("wyoming_voice")]
    assert len(warned) == 1
    assert told in warned[0]
    assert "hidden" not in warned[0]


async def test_a_server_without_tls_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with McpServerOnLoopback() as house:
        url = house.url.replace("http:", "https:")
        async with toolbox(house, url=url) as box:
            await until(box, lambda offer: "can't be reached" in offer.told)
    assert "no TLS" in caplog.text


async def test_a_redirect_takes_the_token_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    async with McpServerOnLoopback() as elsewhere, McpServerOnLoopback() as house:
        house.answers = (307, {"location": elsewhere.url}, b"")
        async with toolbox(house, file) as box:
            await until(box, lambda offer: "can't be reached" in offer.told)
        assert elsewhere.tried == []


async def test_the_token_goes_to_its_own_server_only(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    async with McpServerOnLoopback() as elsewhere, McpServerOnLoopback() as house:
        house.answers = elsewhere.answers = (204, {}, b"")
        async with http_client(Door(McpServer(house.url, token_in(file)))) as http:
            await http.get(house.url)
            await http.get(elsewhere.url)
        assert (house.tried, elsewhere.tried) == ([f"Bearer {SECRET}"], [""])


async def test_the_token_stands_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("mcp", "httpx2", "httpcore2", "wyoming_voice"):
        caplog.set_level(logging.DEBUG, name)
    file = tmp_path / "token"
    file.write_text(SECRET)
    async with McpServerOnLoopback(Kind.SESSIONS) as house, toolbox(house, file) as box:
        house.tools, house.token = [tool("dim")], SECRET
        await box.offer(ASKED)
        await box.call("dim", {}, ASKED)
        house.answers = (500, {}, b"")
        results = [await box.call("dim", {}, ASKED)]
        house.answers, house.token = None, "another"
        results.append(await box.call("dim", {}, ASKED))
        await house.go()
        results.append(await box.call("dim", {}, ASKED))
        shown = repr((box, box._connection, box._server, results))
    assert all(result.error for result in results)
    assert any("httpcore2" in record.name for record in caplog.records)
    assert SECRET not in caplog.text + shown + json.dumps([str(r.__dict__) for r in caplog.records])


async def test_an_answer_without_end_is_cut(house: McpServerOnLoopback) -> None:
    async def floods(_: dict[str, Any]) -> types.CallToolResult:
        return said("x" * 5_000_000)

    house.does["dim"] = floods
    async with toolbox(house) as box:
        await box.offer(ASKED)
        result = await box.call("dim", {}, ASKED)
        assert result.error
        assert result.unsure
        await until(box, lambda offer: "can't be reached" not in offer.told)
        assert (await box.call("switch", {"name": "lamp"}, ASKED)).text == "switch done"
