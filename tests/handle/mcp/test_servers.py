"""What `--mcp-server` and `--mcp-token-file` may hold; the rest is told before anything listens."""

import sys
import traceback
from pathlib import Path

import pytest

from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.mcp.remedies import remedy
from wyoming_voice.handle.mcp.servers import McpServer, servers_of
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.handle.tools.toolboxes import toolboxes

SECRET = "sEcReT-ToKeN-0123456789"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def servers(*flags: str) -> tuple[McpServer, ...]:
    return servers_of(load(HandleSettings, flags, {}))


def read(server: McpServer) -> str:
    return server.token() if server.token else ""


def test_tokens_belong_to_the_servers_in_the_same_place(token: Path) -> None:
    found = servers(
        *("--mcp-server", "http://box:1/mcp", "--mcp-server", "https://example.org/mcp?key=x"),
        *("--mcp-token-file", "none", "--mcp-token-file", str(token), "--mcp-server", "http://c/"),
        *("--mcp-token-file", "none"),
    )
    assert [read(server) for server in found] == ["", SECRET, ""]
    assert [server.shown for server in found] == [
        "http://box:1/mcp",
        "https://example.org/mcp",
        "http://c/",
    ]
    assert SECRET not in repr(found)
    assert "key=x" not in repr(found)


def test_home_assistant_is_found_by_its_own_settings(token: Path) -> None:
    hass = ("--mcp-server", "home-assistant", "--hass-url", "http://ha.local:8123/")
    (found,) = servers(*hass, "--hass-token-file", str(token))
    assert (found.url, read(found)) == ("http://ha.local:8123/api/mcp/assist", SECRET)


@pytest.mark.parametrize("first", ["home-assistant", "http://nas/mcp"])
def test_the_token_of_one_server_never_goes_to_home_assistant(
    first: str, token: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text("nas-token")
    found = servers(
        *("--mcp-server", first),
        *("--mcp-server", "http://nas/mcp" if first == "home-assistant" else "home-assistant"),
        *("--hass-url", "http://ha.local:8123", "--hass-token-file", str(token)),
        *("--mcp-token-file", str(other)),
    )
    assert {server.host: read(server) for server in found} == {
        "ha.local": SECRET,
        "nas": "nas-token",
    }
    assert {server.host: server.option for server in found} == {
        "ha.local": "--hass-token-file",
        "nas": "--mcp-token-file",
    }


def test_a_token_is_read_anew(token: Path) -> None:
    (found,) = servers("--mcp-server", "http://box/mcp", "--mcp-token-file", str(token))
    token.write_text("changed")
    assert read(found) == "changed"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--mcp-token-file", "none"), "1 file for 0 servers named by address"),
        (
            ("--mcp-server", "home-assistant", "--mcp-token-file", "none"),
            "1 file for 0 servers named by address",
        ),
        (
            ("--mcp-server", "http://a", "--mcp-server", "http://b", "--mcp-token-file", "none"),
            "1 file for 2 servers named by address",
        ),
        (("--mcp-server", "home-assistant"), "needs --hass-url"),
        (("--mcp-server", "home-assistant", "--hass-url", "http://h"), "needs --hass-token-file"),
        (("--mcp-server", "box:8123/mcp"), "write http://HOST:PORT/PATH"),
        (("--mcp-server", "ftp://box/mcp"), "write http://HOST:PORT/PATH"),
        (("--mcp-server", "http:///mcp"), "write http://HOST:PORT/PATH"),
        (("--mcp-server", "http://box:x/mcp"), "is no address"),
        (("--mcp-server", "http://[::1/mcp"), "is no address"),
        (("--mcp-server", "http://box/a", "--mcp-server", "http://box/a"), "named twice"),
        (("--mcp-server", "http://b/", "--mcp-token-file", "/no/such"), "/no/such can't be read"),
    ],
)
def test_what_cannot_be_right_is_told_with_the_remedy(flags: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigError, match=r"--mcp-(server|token-file): ") as error:
        servers(*flags)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "url", [f"http://me:{SECRET}@box/mcp", f"http://me:{SECRET}@box:x/", f"box/mcp?key={SECRET}"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match=r"list of processes|is no address") as error:
        servers("--mcp-server", url)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("text", ["", "two lines\nof it", "schlüssel"])
def test_a_file_without_a_token_is_refused(text: str, token: Path) -> None:
    token.write_text(text)
    with pytest.raises(ConfigError, match=r"--mcp-token-file: .*bearer token"):
        servers("--mcp-server", "http://box/mcp", "--mcp-token-file", str(token))


@pytest.mark.parametrize(
    "value",
    [
        "eyJhbGciOiJ",
        "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhYmMifQ.c2lnbmF0dXJl",
        "v4.local.c2lnbmF0dXJl",
        "ghp_0123456789abcdefghijklmnop",
        f"{SECRET}/" * 8,
        SECRET * 100,
    ],
)
@pytest.mark.parametrize("option", ["--mcp-token-file", "--hass-token-file"])
def test_a_token_in_place_of_its_file_is_not_repeated(option: str, value: str) -> None:
    named = "http://box/mcp" if option == "--mcp-token-file" else "home-assistant"
    with pytest.raises(ConfigError, match=f"{option}: this looks like the token itself") as error:
        servers("--mcp-server", named, "--hass-url", "http://h", option, value)
    told = "".join(traceback.format_exception(error.value)[-1:])
    assert value not in told
    assert error.value.__suppress_context__


def test_a_refused_token_is_told_with_the_option_that_names_its_file() -> None:
    server = McpServer("http://h/api/mcp/assist", lambda: SECRET, "--hass-token-file")
    assert "the file of --hass-token-file" in remedy(server, 401, "", "")


@pytest.mark.parametrize("name", ["secrets/mcp-token.txt", "token.old.txt.1", "a" * 30])
def test_a_file_that_isn_t_there_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} can't be read"):
        servers("--mcp-server", "http://box/mcp", "--mcp-token-file", name)


def test_a_file_that_is_there_is_named_however_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "my.mcp.token-of-the-nas-2026"
    Path(name).write_text("")
    with pytest.raises(ConfigError, match=f"{name} is empty"):
        servers("--mcp-server", "http://box/mcp", "--mcp-token-file", name)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://mcp.example.org/mcp", True),
        ("http://8.8.8.8/mcp", True),
        ("https://mcp.example.org/mcp", False),
        ("http://192.168.1.5/mcp", False),
        ("http://[fd00::1]/mcp", False),
        ("http://homeassistant.local:8123/mcp", False),
        ("http://box/mcp", False),
    ],
)
def test_a_token_that_goes_out_in_the_open_is_warned_about(
    url: str, warned: bool, token: Path, caplog: pytest.LogCaptureFixture
) -> None:
    servers("--mcp-server", url)
    assert caplog.records == []
    servers("--mcp-server", url, "--mcp-token-file", str(token))
    assert bool(caplog.records) is warned
    assert SECRET not in caplog.text


def test_a_token_that_others_may_read_is_told_with_its_option(
    token: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token.chmod(0o644)
    servers("--mcp-server", "http://box/mcp", "--mcp-token-file", str(token))
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith(f"--mcp-token-file: {token} can be read by others")


def test_without_the_library_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("wyoming_voice.handle.mcp.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ConfigError, match=r"pip install 'wyoming-voice\[tools\]'"):
        toolboxes(load(HandleSettings, ("--mcp-server", "http://box/mcp"), {}))


def test_the_settings_make_toolboxes() -> None:
    flags = ("--mcp-server", "http://127.0.0.1:9/mcp", "--tools-deny", "x", "--tool-timeout-s", "3")
    assert toolboxes(load(HandleSettings, flags, {}))
