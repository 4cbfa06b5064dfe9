"""One WebSocket to Home Assistant, kept open: commands go out, their results and events come in.

The API: https://developers.home-assistant.io/docs/api/websocket. The only importer of `websockets`.
Rule: nobody waits for a Home Assistant that is away; each call ends within its own time, with a result
or a HassError. The token is read anew for each connection and stands in no log and no error.
"""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)

from wyoming_voice.errors import why
from wyoming_voice.hass.errors import HassError, Trouble, no_socket, no_tls
from wyoming_voice.hass.exchange import Exchange
from wyoming_voice.hass.messages import Greeting, read, shown, socket_url
from wyoming_voice.hass.patience import Pauses

_log = logging.getLogger(__name__)

# At debug level websockets logs each frame, and one of them holds the token.
_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.WARNING)

CALL_S = 5.0
CONNECT_S = 5.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The list of a house of 15,000 devices; a longer message ends the connection."""

Event = Mapping[str, object]


class Hass:
    """Home Assistant at `url` (`http://HOST:PORT`), asked with what `token()` gives.

    `token` is called for each connection and may raise HassError (see token_in in hass/token.py).
    Nothing is connected before start() or the first call(); then the connection is kept, and made again
    with growing pauses. What is wrong is logged once per change. Needs a running event loop.
    """

    def __init__(self, url: str, token: Callable[[], str], pauses: Pauses | None = None) -> None:
        self._url = socket_url(url)
        self._place = f"Home Assistant at {shown(url)}"
        # Reading the certificates takes 20 ms and more, so once.
        self._ssl = ssl.create_default_context() if self._url.startswith("wss:") else None
        self._token = token
        self._pauses = pauses or Pauses()
        self._keeping: asyncio.Task[None] | None = None
        self._exchange: Exchange | None = None
        self._trouble: HassError | None = None
        self._decided = asyncio.Event()
        self._asked = asyncio.Event()
        self._closed = False
        self._tried = 0
        self._told = ""
        self._subscribed: list[tuple[str, Callable[[Event], None]]] = []
        self._joined: list[Callable[[], None]] = []

    @property
    def connected(self) -> bool:
        """A command would go out at once."""
        return self._exchange is not None

    def start(self) -> None:
        """Begin to connect, and return at once; a pause between two tries is cut short."""
        self._asked.set()
        if self._keeping is None and not self._closed:
            self._keeping = asyncio.create_task(self._keep())

    async def call(self, command: str, *, timeout_s: float = CALL_S, **fields: object) -> object:
        """The result of one command, sent once; raises HassError within `timeout_s`.

        At once where Home Assistant was away a moment ago; a first connection is waited for.
        """
        exchange, left_s = await self._line(timeout_s)
        return await exchange.command(command, fields, left_s)

    async def glimpse(self, command: str, *, timeout_s: float = CALL_S, **fields: object) -> object:
        """The first event that `command` subscribes to, and no more of them; raises HassError."""
        exchange, left_s = await self._line(timeout_s)
        return await exchange.glimpse(command, fields, left_s)

    async def ready(self, timeout_s: float = 2 * CONNECT_S) -> None:
        """Wait for a connection that is being made for the first time; raises HassError."""
        await self._line(timeout_s)

    def subscribe(self, event_type: str, told: Callable[[Event], None]) -> None:
        """Have `told` called with each event of a type, in the connections that are made from here on."""
        self._subscribed.append((event_type, told))

    def each_time(self, connected: Callable[[], None]) -> None:
        """Have `connected` called when a connection is made and subscribed; events may have been missed."""
        self._joined.append(connected)

    async def close(self) -> None:
        """Hang up for good; calls that wait, and those that come, raise HassError."""
        self._closed = True
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        self._lost(HassError(Trouble.AWAY, f"the connection to {self._place} was closed here"))

    async def _line(self, timeout_s: float) -> tuple[Exchange, float]:
        """The connection that there is, or that is being made for the first time, and the seconds left."""
        self.start()
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + timeout_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._decided.wait()
        if self._exchange is not None:
            return self._exchange, until_s - now_s()
        if self._trouble is not None:
            raise self._trouble.anew()
        raise HassError(Trouble.AWAY, f"{self._place} doesn't answer yet")

    async def _keep(self) -> None:
        """Connect, and connect again, until cancelled."""
        now_s, failures = asyncio.get_running_loop().time, 0
        while True:
            began_s = now_s()
            trouble = await self._once()
            failures = 1 if now_s() - began_s > self._pauses.settled_s else failures + 1
            self._lost(trouble)
            self._tell(logging.WARNING, str(trouble))
            await self._rest(trouble, failures)

    async def _once(self) -> HassError:
        """One connection from its beginning to its end, and why it ended."""
        try:
            token = self._read_token()
            async with self._socket() as socket:
                version = await _welcomed(socket, token, self._place)
                exchange = Exchange(lambda text: _send(socket, text))
                async with asyncio.TaskGroup() as tasks:
                    joining = tasks.create_task(self._join(exchange, version))
                    try:
                        return await _hear(socket, exchange, self._place)
                    finally:
                        joining.cancel()
        except HassError as error:
            return error.anew()

    def _read_token(self) -> str:
        self._tried = 0
        token = self._token()
        self._tried = hash(token)
        return token

    @contextlib.asynccontextmanager
    async def _socket(self) -> AsyncIterator[ClientConnection]:
        """An open WebSocket; raises HassError when there is none to be had."""
        try:
            socket = await connect(
                self._url,
                ssl=self._ssl,
                # No proxy between us and a server in the house, and no work for small messages.
                proxy=None,
                compression=None,
                logger=_wire_log,
                open_timeout=CONNECT_S,
                close_timeout=1.0,
                max_size=MAX_MESSAGE_BYTES,
            )
        except InvalidStatus as error:
            raise self._away(no_socket(error.response.status_code)) from None
        except ssl.SSLCertVerificationError as error:
            raise self._away(f"its certificate isn't trusted: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise self._away(no_tls(error)) from None
        except OSError as error:
            raise self._away(f"{why(error)}; is it running, and is --hass-url right?") from None
        except InvalidMessage:  # a forwarded port with nothing behind it
            raise self._away("no HTTP answer; is it running, and is --hass-url right?") from None
        except (WebSocketException, ValueError):  # no answer of its kind, or no address
            raise self._away("what answers is no Home Assistant; see --hass-url") from None
        async with socket:
            yield socket

    def _away(self, reason: str) -> HassError:
        return HassError(Trouble.AWAY, f"{self._place} can't be reached: {reason}")

    async def _join(self, exchange: Exchange, version: str) -> None:
        """What was subscribed to is subscribed to again, and calls may go out."""
        await asyncio.gather(*(_subscribe(exchange, *pair) for pair in self._subscribed))
        self._exchange, self._trouble = exchange, None
        self._decided.set()
        self._tell(logging.INFO, f"{self._place} answers, version {version or 'unknown'}")
        for joined in self._joined:
            joined()

    def _lost(self, trouble: HassError) -> None:
        exchange, self._exchange = self._exchange, None
        self._trouble = trouble
        self._decided.set()
        if exchange is not None:
            exchange.end(trouble)

    def _tell(self, level: int, text: str) -> None:
        if text != self._told:
            self._told = text
            _log.log(level, "%s", text)

    async def _rest(self, trouble: HassError, failures: int) -> None:
        """Until another try makes sense."""
        if trouble.trouble is Trouble.TOKEN:
            await self._rest_until_the_token_changes()
            return
        pause_s = self._pauses.after(failures)
        await asyncio.sleep(min(pause_s, self._pauses.asked_s))
        self._asked.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s - self._pauses.asked_s):
                await self._asked.wait()

    async def _rest_until_the_token_changes(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pauses.refused_s):
                while True:
                    await asyncio.sleep(self._pauses.look_s)
                    # Of a file that can't be read as before, nothing more is said.
                    with contextlib.suppress(HassError):
                        if hash(self._token()) != self._tried:
                            return


async def _welcomed(socket: ClientConnection, token: str, place: str) -> str:
    """Home Assistant's version, once it took the token; raises HassError."""
    try:
        async with asyncio.timeout(CONNECT_S):
            greeting = await _greeting(socket)
            if greeting.type == "auth_required":
                await socket.send(json.dumps({"type": "auth", "access_token": token}))
                greeting = await _greeting(socket)
    except (TimeoutError, ConnectionClosed):
        raise HassError(Trouble.AWAY, f"{place} opens a WebSocket and says nothing") from None
    if greeting.type == "auth_invalid":
        remedy = "put a long-lived access token of it into the file of --hass-token-file"
        raise HassError(Trouble.TOKEN, f"{place} refuses the token; {remedy}")
    if greeting.type != "auth_ok":
        raise HassError(Trouble.AWAY, f"{place} doesn't greet as Home Assistant does")
    return greeting.version


async def _greeting(socket: ClientConnection) -> Greeting:
    for message in read(await socket.recv()):
        if isinstance(message, Greeting):
            return message
    return Greeting("", "")


async def _hear(socket: ClientConnection, exchange: Exchange, place: str) -> HassError:
    """Hand on what comes until the connection ends, and why it did."""
    try:
        while True:
            for message in read(await socket.recv()):
                exchange.heard(message)
    except ConnectionClosed as error:
        if error.sent is not None and not error.rcvd_then_sent:  # too long a message, no pong
            reason = error.sent.reason or error.sent.code
            return HassError(Trouble.AWAY, f"the connection to {place} was ended here: {reason}")
        return HassError(Trouble.AWAY, f"{place} hung up")


async def _send(socket: ClientConnection, text: str) -> None:
    try:
        await socket.send(text)
    except ConnectionClosed:
        raise HassError(Trouble.AWAY, "Home Assistant hung up", untouched=False) from None


async def _subscribe(exchange: Exchange, event_type: str, told: Callable[[Event], None]) -> None:
    def heard(event: object) -> None:
        if isinstance(event, dict):
            told(event)

    try:
        fields = {"event_type": event_type}
        await exchange.subscribe("subscribe_events", fields, CALL_S, heard)
    except HassError as error:
        _log.debug("no events %s: %s", event_type, error)
