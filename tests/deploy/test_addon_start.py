"""start.py of the Home Assistant add-ons, run for real: options become settings, the server is made known."""

import asyncio
import contextlib
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wyoming.info import Describe, Info

from tests.deploy.test_addon import HERE, KINDS, OWN, elements, settings_of
from tests.wire_client import PATIENCE_S, client_of
from wyoming_voice.config import load
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.hass.settings import HassSettings

REPOSITORY = HERE.parents[1]

PRINTS_ITSELF = """#!{python}
import json, os, sys
file = os.environ.get("WYOMING_VOICE_%s_HASS_TOKEN_FILE" % sys.argv[1].upper())
token = open(file).read() if file else ""
print(json.dumps([sys.argv, dict(os.environ), token, oct(os.stat(file).st_mode) if file else ""]))
"""

REAL = """#!/bin/sh
exec {python} -m wyoming_voice "$@" --uri tcp://127.0.0.1:0 --metrics-uri tcp://127.0.0.1:0
"""


def given(name: str, kind: str) -> object:
    """A value that the Supervisor lets through."""
    examples = {
        "allow": ["10.0.0.0/8", "192.168.1.0/24"],
        "hass_url": "http://ha.lan:8123",
        "llm_url": "http://llm.lan:8080",
        "mcp_server": ["http://tools.lan/mcp"],
        "unload_after": "10m",
        "voice": "af_bella",
        "language": "de",
        "languages": ["de", "en"],
        "model": ["base", "small.en"],
        "system_prompt": "Be kind.\nBe short.",
    }
    found = elements(kind)[name]
    match found["type"]:
        case "bool":
            return True
        case "int" | "float":
            return type(0 if found["type"] == "int" else 0.0)(found["limits"].partition(",")[0]) + 1
        case "list":
            return found["limits"].split("|")[0]
    return examples.get(
        name, ["a", "b"] if name in ("hotwords", "tools_allow", "tools_deny") else name
    )


@dataclass
class Supervisor:
    """Answers POST /discovery with each of `statuses` in turn, then with 200."""

    statuses: list[int] = field(default_factory=list)
    told: asyncio.Queue[tuple[str, str, Any]] = field(default_factory=asyncio.Queue)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
        body = await reader.readexactly(int(fields["content-length"]))
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()
        self.told.put_nowait((head.splitlines()[0], fields["authorization"], json.loads(body)))


@contextlib.asynccontextmanager
async def started(
    kind: str,
    options: dict[str, Any],
    room: Path,
    program: str = PRINTS_ITSELF,
    supervisor: Supervisor | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """start.py with a `wyoming-voice` of its own, and a Supervisor that listens."""
    (room / "options.json").write_text(json.dumps(options))
    (room / "wyoming-voice").write_text(program.format(python=sys.executable))
    (room / "wyoming-voice").chmod(0o755)
    server = await asyncio.start_server((supervisor or Supervisor()).answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("WYOMING_VOICE_")}
    environ |= {"ADDON": kind, "ADDON_DATA": str(room), "PATH": f"{room}:{os.environ['PATH']}"}
    environ |= {"SUPERVISOR_TOKEN": "of-the-supervisor", "HASSIO_TOKEN": "of-the-supervisor"}
    environ |= {"SUPERVISOR_URL": f"http://127.0.0.1:{port}", "PYTHONPATH": str(REPOSITORY)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "start.py")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
        start_new_session=True,  # so that a server can't outlive the test
    )
    try:
        async with server:
            yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def child_of(
    kind: str, options: dict[str, Any], room: Path
) -> tuple[dict[str, str], str, str]:
    """The environment that a server gets, the token in its file, and who may read that."""
    async with started(kind, options, room) as process:
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    arguments, environ, token, mode = json.loads(out)
    assert arguments[1:] == [kind]
    return environ, token, mode


@pytest.mark.parametrize("kind", KINDS)
async def test_every_option_reaches_its_setting(kind: str, tmp_path: Path) -> None:
    options = {name: given(name, kind) for name in elements(kind)}
    environ, _, _ = await child_of(kind, options, tmp_path)
    settings = load(settings_of(kind), [], environ)
    for name in set(options) - OWN:
        value = getattr(settings, name)
        plain = getattr(value, "get_secret_value", lambda value=value: value)()
        assert plain == options[name], name


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_not_chosen_is_not_set(kind: str, tmp_path: Path) -> None:
    options = dict.fromkeys(elements(kind), "")
    environ, token, _ = await child_of(kind, options, tmp_path)
    ours = {key for key in environ if key.startswith("WYOMING_VOICE_")}
    start = f"WYOMING_VOICE_{kind.upper()}_"
    assert ours == {f"{start}{name}" for name in ("URI", "METRICS_URI", "NO_ZEROCONF")}
    assert environ["HF_HOME"] == str(tmp_path / "models")
    assert (tmp_path / "models").is_dir()
    assert "of-the-supervisor" not in environ.values()
    assert token == ""


@pytest.mark.parametrize(
    ("options", "url", "token"),
    [
        ({"use_home_assistant": True}, "http://supervisor/core", "of-the-supervisor"),
        (
            {"use_home_assistant": True, "hass_token": "mine"},
            "http://homeassistant:8123",
            "mine",
        ),
        (
            {
                "mcp_server": ["home-assistant"],
                "hass_token": "mine",
                "hass_url": "https://ha.example",
            },
            "https://ha.example",
            "mine",
        ),
    ],
)
async def test_home_assistant_is_asked_with_a_token_in_a_file(
    options: dict[str, Any], url: str, token: str, tmp_path: Path
) -> None:
    environ, found, mode = await child_of("handle", options, tmp_path)
    settings = load(HandleSettings, [], environ)
    assert isinstance(settings, HassSettings)
    assert (settings.hass_url, found) == (url, token)
    assert stat.S_IMODE(int(mode, 8)) == 0o600
    assert token not in environ.values()


async def test_tools_of_home_assistant_need_a_token_of_ones_own(tmp_path: Path) -> None:
    async with started("handle", {"mcp_server": ["home-assistant"]}, tmp_path) as process:
        out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert err.startswith(b"handle: mcp_server: home-assistant needs hass_token")


async def uri_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while not (line := (await process.stdout.readline()).decode()).startswith("ready "):
            assert line, "it ended"
    return line.split()[1]


async def test_a_real_server_is_made_known_when_it_is_ready_and_ends_when_told(
    tmp_path: Path,
) -> None:
    supervisor = Supervisor(statuses=[503])
    options = {"llm_url": "none", "fast_intents": True, "log_level": "info"}
    async with started("handle", options, tmp_path, REAL, supervisor) as process:
        async with client_of(await uri_of(process)) as client:
            answer = await client.ask(Describe().event())
        assert answer is not None
        assert Info.from_event(answer).handle
        for _ in range(2):  # the first one was refused
            async with asyncio.timeout(PATIENCE_S):
                asked, authorization, what = await supervisor.told.get()
            assert asked == "POST /discovery HTTP/1.1"
            assert authorization == "bearer of-the-supervisor"
            assert what["service"] == "wyoming"
            assert what["config"]["uri"].endswith(":10500")
        process.terminate()
        assert await process.wait() == 0


async def test_a_server_that_fails_hands_its_status_on(tmp_path: Path) -> None:
    supervisor = Supervisor()
    async with started("handle", {"llm_url": "ftp://x"}, tmp_path, REAL, supervisor) as process:
        out, err = await process.communicate()
    assert process.returncode == 2
    assert b"llm-url" in err
    assert (out, supervisor.told.qsize()) == (b"", 0)
