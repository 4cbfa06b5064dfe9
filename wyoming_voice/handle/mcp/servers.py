"""The MCP servers that the settings name, each with where its token is read.

Rule: what can't be right is told before anything listens, by the value and its remedy; a token never stands
in an address, and an address is shown without what follows its `?`, which may be one.
"""

import ipaddress
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.hass.errors import HassError
from wyoming_voice.hass.token import token_in

_log = logging.getLogger(__name__)

HOME_ASSISTANT = "home-assistant"
"""How `--mcp-server` names Home Assistant's own, and how that calls itself."""

HOME_ASSISTANT_PATH = "/api/mcp/assist"
"""Its tools for Assist; the only ones that are open to users who aren't administrators."""

NO_TOKEN = "none"

_AT_HOME = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain")


@dataclass(frozen=True, slots=True)
class McpServer:
    """Where one is; `token` reads its bearer token anew and raises HassError."""

    url: str
    token: Callable[[], str] | None = None

    @property
    def shown(self) -> str:
        """Its address, for people."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    @property
    def host(self) -> str:
        """Its host, which it goes by until it has told its name."""
        return urlsplit(self.url).hostname or ""


def servers_of(settings: HandleSettings) -> tuple[McpServer, ...]:
    """The servers in the order of the settings; raises ConfigError."""
    named, files = settings.mcp_server, settings.mcp_token_file
    if len(files) > len(named):
        raise ConfigError(
            f"--mcp-token-file: {len(files)} files for {len(named)} servers; each belongs to the "
            "--mcp-server in the same place, and none stands for a server without a token"
        )
    servers = tuple(_server(name, file, settings) for name, file in zip_longest(named, files))
    _check_twice(servers)
    for server in servers:
        _warn_of_listeners(server)
    return servers


def _server(name: str, file: str | None, settings: HandleSettings) -> McpServer:
    path = Path(file) if file and file.lower() != NO_TOKEN else None
    if name != HOME_ASSISTANT:
        return McpServer(_checked(name), _token("--mcp-token-file", path))
    if not settings.hass_url:
        raise ConfigError(f"--mcp-server: {HOME_ASSISTANT} needs --hass-url")
    if path is None and settings.hass_token_file is None:
        raise ConfigError(f"--mcp-server: {HOME_ASSISTANT} needs --hass-token-file")
    token = _token("--mcp-token-file", path) or _token(
        "--hass-token-file", settings.hass_token_file
    )
    return McpServer(f"{_checked(settings.hass_url, '--hass-url')}{HOME_ASSISTANT_PATH}", token)


def _token(option: str, path: Path | None) -> Callable[[], str] | None:
    if path is None:
        return None
    read = token_in(path.expanduser())
    try:
        read()
    except HassError as error:
        wrong = str(error).partition(";")[0]
        raise ConfigError(f"{option}: {wrong}; it must hold the server's bearer token") from error
    return read


def _checked(url: str, option: str = "--mcp-server") -> str:
    remedy = f"write http://HOST:PORT/PATH, https://HOST/PATH or {HOME_ASSISTANT}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{option}: {url[:80]!r} is no address; {remedy}") from error
    if parts.username is not None or parts.password is not None:
        at = parts.netloc.rpartition("@")[2]
        raise ConfigError(
            f"{option}: the address of {at} holds a user's name or a password, which would be seen in "
            "the list of processes; put the server's token into a file for --mcp-token-file"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"{option}: {_without_query(parts)[:80]!r} is no address; {remedy}")
    return url


def _without_query(parts: SplitResult) -> str:
    return parts._replace(query="", fragment="").geturl()


def _check_twice(servers: Iterable[McpServer]) -> None:
    seen: set[str] = set()
    for server in servers:
        if server.url in seen:
            raise ConfigError(f"--mcp-server: {server.shown} is named twice; name it once")
        seen.add(server.url)


def _warn_of_listeners(server: McpServer) -> None:
    if server.token and urlsplit(server.url).scheme == "http" and not _at_home(server.host):
        _log.warning(
            "--mcp-server: the token for %s goes out unencrypted, and %s isn't in your own network; "
            "use https://",
            server.shown,
            server.host,
        )


def _at_home(host: str) -> bool:
    """Whether a host is on this machine or in a private network, as far as its name tells."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_AT_HOME)
    return address.is_private or address.is_loopback or address.is_link_local
