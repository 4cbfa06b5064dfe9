"""An MCP server that is away, breaks off, refuses the token or is none: told once, and nothing done twice."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.handle.mcp.asking import ASKED, SECRET, names, toolbox, until
from tests.handle.mcp.server import Kind, McpServerOnLoopback, Plain, tool
from wyoming_voice.handle.mcp.http import Door, TooMuchError, http_client, watching
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
        await until(box, lambda _: "it is there again" in caplog.text)
        assert (await box.call("switch", {"name": "lamp"}, ASKED)).text == "switch done"
    assert house.calls == [("switch", {"name": "lamp"})]
    ours = [r for r in caplog.records if r.name.startswith("wyoming_voice")]
    warned = [r.getMessage() for r in ours if r.levelno >= logging.WARNING]
    assert warned == [
        f"MCP server {house.url}: it can't be reached (Connection refused); is it running?"
    ]


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
        await until(box, lambda offer: "refuses our token" in offer.told)
        result = await box.call("dim", {}, ASKED)
        assert (result.error, result.unsure) == (True, False)
        assert "it refuses this assistant's token. Nothing was done." in result.text
        shown_again = asyncio.create_task(house.requested(1))
        await asyncio.wait((shown_again,), timeout=0.2)
        assert house.tried == [f"Bearer {SECRET}"]
        file.write_text("another\n")
        await until(box, lambda offer: names(offer) == ["dim"])
    warned = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    (refused,) = (line for line in warned if "refuses the token" in line)
    assert "--mcp-token-file" in refused


async def test_a_refused_token_of_home_assistant_is_left_to_its_own_connection_to_tell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Which shows the same one, and warns."""
    file = tmp_path / "token"
    file.write_text(SECRET)
    async with (
        McpServerOnLoopback() as house,
        toolbox(house, file, option="--hass-token-file") as box,
    ):
        house.token = "another"
        await until(box, lambda offer: "refuses our token" in offer.told)
        assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []
        file.write_text("another\n")
        await until(box, lambda offer: not offer.told)


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
        ((307, {"location": "http://[::1"}, b""), "http://[::1,"),
        ((200, {"content-type": "application/json"}, b"{]"), "no MCP"),
    ],
)
async def test_what_is_no_mcp_is_told_once_with_the_remedy(
    answers: Plain, told: str, caplog: pytest.LogCaptureFixture
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
            await http.post(house.url)
            await http.post(elsewhere.url)
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


UNREAD: tuple[Plain, ...] = (
    (200, {"content-type": "application/json"}, b"{]"),
    (200, {"content-type": "application/json"}, b"[" * 3_000_000),
    (202, {}, b""),
)


@pytest.mark.parametrize("answers", UNREAD)
async def test_a_call_whose_answer_can_t_be_read_may_have_been_done(answers: Plain) -> None:
    async with McpServerOnLoopback() as house, toolbox(house) as box:
        house.tools = [tool("switch"), tool("dim")]
        await box.offer(ASKED)
        tried, house.answers = len(house.tried), {"POST": answers}
        result = await box.call("switch", {"name": "lamp"}, ASKED)
        assert (result.error, result.unsure) == (True, True)
        assert "not known whether it was done" in result.text
        assert "validation" not in result.text
        house.answers = None
        assert (await box.call("dim", {}, ASKED)).text == "dim done"
    assert len(house.tried) == tried + 2


async def test_a_call_whose_stream_can_t_be_taken_up_again_is_not_made_again() -> None:
    """The server is started anew while it streams an answer, and knows nothing of that stream."""
    async with McpServerOnLoopback(Kind.SESSIONS) as house, toolbox(house) as box:
        house.tools = [tool("dim")]
        await box.offer(ASKED)
        stream = (200, {"content-type": "text/event-stream"}, b"id: 1\nretry: 0\ndata:\n\n")
        house.answers = {"POST": stream, "GET": (404, {}, b"")}
        result = await box.call("dim", {}, ASKED)
        assert (result.error, result.unsure) == (True, True)


@pytest.mark.parametrize("answers", [UNREAD[0], UNREAD[1], (500, {}, b"")])
async def test_a_server_that_does_not_list_its_tools_is_told(
    answers: Plain, caplog: pytest.LogCaptureFixture
) -> None:
    async with McpServerOnLoopback() as house, toolbox(house) as box:
        house.tools = [tool("dim")]
        await box.offer(ASKED)
        house.answers = {"POST": answers}
        box._changed()
        await until(box, lambda _: "doesn't list" in caplog.text)
        assert names(await box.offer(ASKED)) == ["dim"]
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("wyoming_voice")]
    assert ours == [f"MCP server {house.url}: it doesn't list its tools; see its log"]


async def test_what_nobody_waits_for_any_more_is_not_read_on() -> None:
    async with McpServerOnLoopback() as house:
        house.answers = (200, {"content-type": "text/event-stream"}, b": still here\n\n")
        async with http_client(Door(McpServer(house.url))) as http:
            with watching():
                response = await http.send(http.build_request("POST", house.url), stream=True)
            with pytest.raises(TooMuchError):
                await response.aread()


async def test_a_server_can_t_write_lines_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with (
        McpServerOnLoopback(name="lamps\nERROR the house burns") as house,
        toolbox(house) as box,
    ):
        await box.offer(ASKED)
    assert "0 tools of lamps ERROR the house burns\n" in caplog.text
