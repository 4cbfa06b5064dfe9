"""What the handle server is put together from, and what it says of that at its start."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wyoming.info import Describe, Info

from tests.handle.mcp.server import McpServerOnLoopback
from tests.handle.talking import ask, served, settings
from tests.hass.fake import TOKEN, FakeHass
from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.fast.satellite import SatelliteFast
from wyoming_voice.handle.server import build
from wyoming_voice.service import Service
from wyoming_voice.wire import connect

AWAY = "http://127.0.0.1:9"
LOOK = "conversation/agent/homeassistant/debug"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(TOKEN)
    return tmp_path / "token"


@pytest.mark.parametrize(
    ("given", "controls"),
    [
        ({}, False),
        ({"mcp_server": [AWAY]}, True),
        ({"hass_url": AWAY}, False),
        ({"fast_intents": True}, False),
        ({"fast_intents": True, "hass_url": AWAY}, True),
        ({"answer_intents": True}, True),
    ],
)
async def test_home_control_is_told_where_there_is_some(
    given: dict[str, Any], controls: bool, token: Path
) -> None:
    program = build(settings(**{"llm_url": AWAY, "hass_token_file": token, **given}))
    assert program.info.handle[0].supports_home_control is controls
    await program.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hass_url": AWAY}, "--hass-token-file"),
        ({"mcp_server": ["home-assistant"]}, "--hass-url"),
        ({"mcp_server": ["nonsense"]}, "--mcp-server"),
        ({"mcp_server": [AWAY], "llm_url": "none"}, "--mcp-server needs a language model"),
        ({"answer_intents": True, "llm_url": "none"}, "--answer-intents needs a language model"),
        ({"satellite_prompt_dir": Path("/no/such/directory")}, "--satellite-prompt-dir"),
    ],
)
async def test_settings_that_cannot_work_are_told_before_anything_listens(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build(settings(**given))


async def test_what_there_is_is_told_in_a_line_each(
    token: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with FakeHass() as hass, McpServerOnLoopback() as mcp:
        given = {"hass_url": hass.url, "hass_token_file": token, "mcp_server": [mcp.url]}
        async with served(llm_url=AWAY, **given):
            lines = [record.getMessage() for record in caplog.records]
    for begins in ("Home Assistant at ", "the house: ", "MCP server ", "language model: "):
        assert len([line for line in lines if line.startswith(begins)]) == 1, begins
    assert TOKEN not in caplog.text


async def test_commands_are_warmed_for_the_language_of_the_house(token: Path) -> None:
    async with FakeHass() as hass:
        given = {"hass_url": hass.url, "hass_token_file": token, "fast_intents": True}
        async with served(llm_url=AWAY, **given):
            await hass.until(lambda: LOOK in hass.commands())
        async with served(llm_url=AWAY, **given):
            await hass.hang_up()
            await hass.until(lambda: hass.commands().count(LOOK) == 3)
    looks = [frame for frame in hass.asked if frame["type"] == LOOK]
    assert {frame["language"] for frame in looks} == {"en"}


async def test_without_a_house_the_likeliest_language_is_ready_at_the_start() -> None:
    program = build(settings(llm_url=AWAY, fast_intents=True))
    try:
        await program.load()
        fast = program._parts.fast
        assert isinstance(fast, SatelliteFast)
        assert fast.loading
    finally:
        await program.close()


async def test_without_a_model_the_first_command_in_a_language_is_understood() -> None:
    async with served(llm_url="none", fast_intents=True) as uri, connect(uri) as client:
        events = await ask(client, "wie spät ist es", language="de")
    assert "handled" in [event.type for event in events]


async def test_describe_waits_for_nothing(token: Path) -> None:
    """Home Assistant and the MCP server take the connection and say nothing."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    given = settings(llm_url=url, hass_url=url, hass_token_file=token, mcp_server=[f"{url}/mcp"])
    service = Service(build(given), given)
    loading = asyncio.create_task(service.load())
    try:
        async with connect(str(await service.listen())) as client:
            await client.write(Describe().event())
            event = await client.read()
            assert event is not None
            assert Info.from_event(event).handle[0].supports_home_control
            assert not loading.done()
    finally:
        loading.cancel()
        await asyncio.wait((loading,))
        await service.stop()
        server.close()


LOADS = """
import sys
from wyoming_voice.handle.fast.satellite import SatelliteFast
from wyoming_voice.handle.server import build
from wyoming_voice.handle.settings import HandleSettings
build(HandleSettings(uri="tcp://127.0.0.1:0", llm_url="none"))
print(*sorted({"mcp", "httpx2", "websockets", "hassil", "jinja2"} & set(sys.modules)))
"""


def test_what_is_not_asked_for_is_not_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
