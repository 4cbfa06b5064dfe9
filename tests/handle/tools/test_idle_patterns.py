"""Patterns of `--tools-allow` and `--tools-deny` that fit nothing: told once, at the start."""

import pytest

from tests.handle.mcp.asking import ASKED
from tests.handle.tools.test_toolboxes import Box
from wyoming_voice.handle.tools.client_tools import ClientToolbox
from wyoming_voice.handle.tools.permitted import Rules
from wyoming_voice.handle.tools.toolboxes import Toolboxes


async def test_a_pattern_that_fits_nothing_is_warned_about_once_and_at_the_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rules = Rules(allow=("on", "Onn", "*Timer"), deny=("off*", "an.aus", "HassSetVolume"))
    tools = Toolboxes([Box("on", "an.aus"), ClientToolbox()], rules)
    await tools.look()
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [
        "Onn",
        "off*",
    ]
    await tools.offer(ASKED)
    assert len(caplog.records) == 2


async def test_patterns_wait_for_a_server_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    away = Box(told="It can't be reached.")
    tools = Toolboxes([Box("on"), away], Rules(deny=("off", "up")))
    await tools.look()
    assert caplog.records == []
    away.tools = Box("off").tools
    await tools.offer(ASKED)
    assert ["'up'" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("allow", "leaves"), [("of*", False), ("up", True), ("HassStartTimer", False)]
)
async def test_an_allow_list_that_leaves_nothing_is_warned_about(
    allow: str, leaves: bool, caplog: pytest.LogCaptureFixture
) -> None:
    tools = Toolboxes([Box("on", "off")], Rules(allow=(allow,)))
    await tools.look()
    await tools.look()
    lines = [record.getMessage() for record in caplog.records]
    assert ("--tools-allow leaves none of the tools that there are: off, on" in lines) is leaves
