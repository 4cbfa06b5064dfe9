"""The MCP servers that the settings name, each with where its token is read.

Rule: what can't be right is told before anything listens, by the value and its remedy; a token never stands
in an address, and an address is shown without what follows its `?`, which may be one. The token of one server
never goes to another: Home Assistant has its own, and every other is counted.
"""

import ipaddress
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from wyoming_voice.errors import ConfigError
from wyoming_voice.handle.settings import HandleSettings
from wyoming_voice.hass.errors import HassError
from wyoming_voice.hass.token import OPTION as HASS_TOKEN_FILE
from wyoming_voice.hass.token import looks_like_a_token, token_in

_log = logging.getLogger(__name__)

HOME_ASSISTANT = "home-assistant"
"""How `--mcp-server` names Home Assistant's own, and how that calls itself."""

HOME_ASSISTANT_PATH = "/api/mcp/assist"
"""Its tools for Assist; the only ones that are open to users who aren't administrators."""

NO_TOKEN = "none"

TOKEN_FILE = "--mcp-token-file"

_SHORTEST_KEY = 24

_AT_HOME = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain")


@dataclass(frozen=True, slots=True)
class McpServer:
    """Where one is; `token` reads its bearer token anew and raises HassError, `option` names the file."""

    url: str = field(repr=False)
    token: Callable[[], str] | None = None
    option: str = TOKEN_FILE

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
    addressed = len([name for name in named if name != HOME_ASSISTANT])
    if files and len(files) != addressed:
        raise ConfigError(
            f"{TOKEN_FILE}: {_counted(len(files), 'file')} for {_counted(addressed, 'server')} named by "
            f"address; give one for each of those, in their order, and {NO_TOKEN} for a server without a "
            f"token ({HOME_ASSISTANT} counts for nothing here: it has {HASS_TOKEN_FILE})"
        )
    left = iter(files or [NO_TOKEN] * addressed)
    servers = tuple(
        _hass(settings) if name == HOME_ASSISTANT else _addressed(name, next(left))
        for name in named
    )
    _check_twice(servers)
    for server in servers:
        _warn_of_listeners(server)
    return servers


def _addressed(url: str, file: str) -> McpServer:
    token = None if file.lower() in ("", NO_TOKEN) else _token(TOKEN_FILE, Path(file))
    return McpServer(_checked(url), token)


def _hass(settings: HandleSettings) -> McpServer:
    if not settings.hass_url:
        raise ConfigError(f"--mcp-server: {HOME_ASSISTANT} needs --hass-url")
    if settings.hass_token_file is None:
        raise ConfigError(f"--mcp-server: {HOME_ASSISTANT} needs {HASS_TOKEN_FILE}")
    token = _token(HASS_TOKEN_FILE, settings.hass_token_file)
    url = f"{_checked(settings.hass_url, '--hass-url')}{HOME_ASSISTANT_PATH}"
    return McpServer(url, token, HASS_TOKEN_FILE)


def _token(option: str, path: Path) -> Callable[[], str]:
    # Of its own file Home Assistant's connection tells who else may read it.
    read = token_in(path.expanduser(), option if option == TOKEN_FILE else "")
    try:
        read()
    except HassError as error:
        if looks_like_a_token(path) or _is_a_key(str(path)):
            # Not chained: the causes name the path.
            raise ConfigError(
                f"{option}: this looks like the token itself; write it to a file and name that"
            ) from None
        wrong = str(error).removeprefix(f"{option}: ").partition(";")[0]
        raise ConfigError(f"{option}: {wrong}; it must hold the server's bearer token") from error
    return read


def _is_a_key(value: str) -> bool:
    """Whether what should name a file is more like a key that some server made up: long, with digits."""
    likely = len(value) >= _SHORTEST_KEY and any(map(str.isdigit, value))
    return likely and "/" not in value and "." not in value and not Path(value).exists()


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _checked(url: str, option: str = "--mcp-server") -> str:
    remedy = f"write http://HOST:PORT/PATH, https://HOST/PATH or {HOME_ASSISTANT}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{option}: {_harmless(url)!r} is no address; {remedy}") from None
    if parts.username is not None or parts.password is not None:
        at = parts.netloc.rpartition("@")[2]
        raise ConfigError(
            f"{option}: the address of {at} holds a user's name or a password, which would be seen in "
            "the list of processes; put the server's token into a file for --mcp-token-file"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"{option}: {_harmless(url)!r} is no address; {remedy}")
    return url


def _harmless(url: str) -> str:
    """What may be repeated of something that is no address: nothing that may be a password or a key."""
    return url.partition("?")[0].rpartition("@")[2][:80]


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
