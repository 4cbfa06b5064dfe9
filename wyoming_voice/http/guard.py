"""Who may use a door: keys, web pages of other origins, names that lead here.

Rules: with keys, a request needs one, but for health, the description and the page itself, which hold
nothing. Without keys, only names that can't be anybody else's lead here (see `own_names`). A page of another
origin needs our word, and is asked about before its key is, since browsers send none with the question
whether they may call (CORS).
"""

import re
from collections.abc import Iterable, Sequence
from hmac import compare_digest
from pathlib import Path

from fastapi.responses import Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wyoming_voice.errors import ConfigError
from wyoming_voice.http.errors import ForbiddenOrigin, Unauthorized
from wyoming_voice.http.fence import REQUEST_ID, sent_with_it
from wyoming_voice.own_names import OwnNames
from wyoming_voice.secret_files import unread

KEY_PROTOCOL = "api-key."
"""A browser's WebSocket can send no header but the names of protocols; the key is the rest of one."""

OUR_PROTOCOL = "wyoming-voice"
"""What is chosen where it is offered: a browser that has offered names hangs up unless one is chosen, and
the key should not travel back. So: `new WebSocket(uri, ["wyoming-voice", "api-key.KEY"])`."""

_MAY = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": f"Authorization, Content-Type, {REQUEST_ID}",
    "Access-Control-Max-Age": "600",
}
"""What a page of an allowed origin may do, told in advance."""

_LEAST_KEY_CHARS = 16
_SENDABLE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""What the name of a WebSocket's protocol may hold: a token of RFC 9110, 5.6.2."""


class Keys:
    """The keys that open a door; without any, it is open."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def opens(self, key: str) -> bool:
        """Whether this is one of them; takes the same time for every wrong one of a length."""
        offered = key.encode("latin-1", "replace")  # as it came: that is how headers are read
        return any([compare_digest(offered, known) for known in self._keys])  # noqa: C419  (no early end)


def read_keys(path: Path | None) -> Keys:
    """The keys in a file: one a line, without empty lines and those that begin with '#'. ConfigError."""
    if path is None:
        return Keys(())
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(unread("--api-key-file", path, error, "the keys, one a line,")) from error
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise ConfigError(f"--api-key-file {path} holds no key; put one in each line")
    if odd := [number for number, key in enumerate(keys, 1) if not _SENDABLE.fullmatch(key)]:
        raise ConfigError(
            f"--api-key-file {path}: key {odd[0]} has characters that a browser can't send with a"
            " WebSocket; make one with `openssl rand -hex 24`"
        )
    if short := [number for number, key in enumerate(keys, 1) if len(key) < _LEAST_KEY_CHARS]:
        raise ConfigError(
            f"--api-key-file {path}: key {short[0]} has fewer than {_LEAST_KEY_CHARS} characters;"
            " make one with `openssl rand -hex 24`"
        )
    return Keys(keys)


class Guard:
    """ASGI middleware: lets through who may, and raises Unauthorized or ForbiddenOrigin for others."""

    def __init__(
        self, app: ASGIApp, keys: Keys, origins: Sequence[str], free: Sequence[str] = ()
    ) -> None:
        """`free` are paths without a key; one that ends in '/' and more stands for all below it."""
        self._app = app
        self._keys = keys
        self._origins = {origin.rstrip("/").lower() for origin in origins}
        self._names = OwnNames(self._origins)
        self._free = free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or raise."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        self._check_origin(headers, scope)
        if not self._keys:
            self._check_name(headers)
        if _asks_whether_it_may(scope, headers):
            await Response(status_code=204, headers=_MAY)(scope, receive, send)
            return
        if self._keys and not self._is_free(scope["path"]):
            self._check_key(headers)
        chosen = OUR_PROTOCOL if OUR_PROTOCOL in scope.get("subprotocols", ()) else None
        await self._app(scope, receive, _choosing(chosen, send))

    def _is_free(self, path: str) -> bool:
        return any(
            path == free or (len(free) > 1 and free.endswith("/") and path.startswith(free))
            for free in self._free
        )

    def _check_origin(self, headers: Headers, scope: Scope) -> None:
        origin = headers.get("origin", "").lower()
        ours = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        if not origin or origin == f"{ours}://{headers.get('host', '').lower()}":
            return
        if origin not in self._origins:
            raise ForbiddenOrigin(
                f"pages of {origin[:80]!r} may not call; allow them with --origin"
            )
        sent_with_it(scope).update(
            {
                "Access-Control-Allow-Origin": headers["origin"],
                "Access-Control-Expose-Headers": REQUEST_ID,
                "Vary": "Origin",
            }
        )

    def _check_key(self, headers: Headers) -> None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            offered = headers.get("sec-websocket-protocol", "").split(",")
            keys = [name.strip() for name in offered if name.strip().startswith(KEY_PROTOCOL)]
            key = keys[0].removeprefix(KEY_PROTOCOL) if keys else ""
        if not key.strip():
            raise Unauthorized("a key is needed; send 'Authorization: Bearer KEY'")
        if not self._keys.opens(key.strip()):
            raise Unauthorized("the key is not known; ask whoever runs this server for one")

    def _check_name(self, headers: Headers) -> None:
        said = headers.get("host", "")
        if not self._names.include(said):
            raise ForbiddenOrigin(
                f"this server doesn't go by the name {said[:80]!r}; call it by its address, name it"
                " in --origin, or use --api-key-file"
            )


def _asks_whether_it_may(scope: Scope, headers: Headers) -> bool:
    return (
        scope.get("method") == "OPTIONS"
        and "origin" in headers
        and "access-control-request-method" in headers
    )


def _choosing(protocol: str | None, send: Send) -> Send:
    """`send`, which accepts a WebSocket under this protocol."""

    async def sending(message: Message) -> None:
        if message["type"] == "websocket.accept" and protocol and not message.get("subprotocol"):
            message = {**message, "subprotocol": protocol}
        await send(message)

    return sending
