"""The Wyoming server that Home Assistant connects to: it is the client, and we are what it calls a satellite.

The connection that sends `run-satellite` is the main one, the newest wins; on any other `describe` and
`ping` are answered, and nothing else happens. What the events mean is decided in `session`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from wyoming.event import Event
from wyoming.info import Info
from wyoming.ping import Pong

from satellite.effects import BeginTurn
from satellite.home_assistant.link import Link
from satellite.home_assistant.messages import HangUp, Outcome, Send, TimerNews
from satellite.home_assistant.session import Session
from satellite.home_assistant.turn_log import TurnLog
from satellite.parts import Post, Status
from wyoming_voice import exposure
from wyoming_voice.describing import listing
from wyoming_voice.discovery import announced
from wyoming_voice.errors import Busy, ConfigError, PeerError, VoiceError
from wyoming_voice.extensions import STATUS
from wyoming_voice.gate import Gate
from wyoming_voice.listening import remove_stale_socket, start_server
from wyoming_voice.settings import ListenSettings
from wyoming_voice.wire import Address, PeerGone, WireLimits, parse_uri

_log = logging.getLogger(__name__)

_STALL_S = 5.0
"""A link that takes no audio for this long is given up, whatever other clients may be allowed."""

_SIDE_IDLE_S = 60.0
_MAIN_IDLE_S = 86_400.0  # the session watches its pings
_REFUSALS = 16


class HomeAssistant:
    """A Backend: turns run in Home Assistant while it is connected."""

    def __init__(
        self,
        post: Post,
        info: Info,
        settings: ListenSettings,
        on_timer: Callable[[Event], None],
        account: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        """`account` is what `status` is answered with (`extensions`)."""
        self._post = post
        self._info = info
        self._info_event = listing(info, STATUS)
        self._account = account
        self._settings = settings
        self._gate = Gate(settings.allow, settings.interface)
        self._on_timer = on_timer
        self._session = Session()
        self._turns = TurnLog()
        self._links: dict[Link, asyncio.Task[None]] = {}
        self._refusals: set[asyncio.Task[None]] = set()
        self._main: Link | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        self._address: Address | None = None
        self._stopping = False

    async def listen(self) -> Address:
        """Bind, and be there for Home Assistant from here on; the address with its real port.

        Raises ConfigError when the address can't be had.
        """
        address = parse_uri(self._settings.uri)
        limit_bytes = self._settings.max_header_bytes
        interface = "" if address.path else self._settings.interface
        self._server, self._address = await start_server(
            address, self._accept, limit_bytes, interface
        )
        exposure.tell(exposure.wyoming([self._address], flaw=exposure.PLAIN_EAR), self._gate)
        return self._address

    async def run(self) -> None:
        """Be announced on the network until cancelled; then hang up."""
        address = self._address or await self.listen()
        try:
            async with announced("satellite", self._info, address, self._settings):
                await asyncio.Event().wait()
        finally:
            await self._close(address)

    async def _close(self, address: Address) -> None:
        self._stopping = True
        if self._server is not None:
            self._server.close()
        tasks = [*self._links.values(), *self._refusals]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._alarm is not None:
            self._alarm.cancel()
        if address.path:
            with contextlib.suppress(ConfigError):  # another program has taken the path over
                remove_stale_socket(address.path)

    def prepare(self) -> None:
        """Nothing: the link is there, or it is not."""

    def begin(self, turn: BeginTurn) -> None:
        """Have Home Assistant run its pipeline."""
        self._turns.begin(turn, _now_s())
        self._carry_out(self._session.begin(turn, _now_ms()))

    def feed(self, epoch: int, pcm: bytes) -> None:
        """Audio of the turn: 16 kHz, 16 bit, mono."""
        self._carry_out(self._session.feed(epoch, pcm))

    def end_audio(self, epoch: int) -> None:
        """The turn's audio is complete."""
        self._turns.heard(epoch, _now_s())
        self._carry_out(self._session.end_audio(epoch))

    def cancel(self, epoch: int) -> None:
        """Nobody waits for the answer any more: Home Assistant stops working at it."""
        self._turns.cancel(epoch, _now_s())
        self._carry_out(self._session.cancel(epoch, _now_ms()))

    def played(self) -> None:
        """A reply or an announcement has been heard, or was cut off."""
        self._carry_out(self._session.played())

    def say(self, text: str) -> None:
        """Not possible: Home Assistant speaks when it wants to."""
        _log.debug("Home Assistant can't be asked to speak %d characters", len(text))

    def unsay(self) -> None:
        """Nothing was asked for."""

    def status(self) -> Status:
        """Whether Home Assistant is there, and from where."""
        return {
            "listening": str(self._address or ""),
            "connected": self._session.ready,
            "muted": self._session.muted,
            "peer": self._main.name if self._main is not None else "",
            "connections": len(self._links),
        }

    @property
    def connections(self) -> int:
        """How many clients there are, Home Assistant among them."""
        return len(self._links)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping:  # accepted by the kernel before, handed over after
            writer.transport.abort()
            return
        link, count = Link(reader, writer, self._limits), len(self._links)
        if (refusal := self._gate.refusal(writer.transport)) is not None:
            self._refuse(link, refusal)
        elif count >= self._settings.max_connections:
            self._refuse(link, Busy(f"{count} clients are connected already; try again later"))
        else:
            self._links[link] = asyncio.create_task(self._serve(link))

    def _refuse(self, link: Link, error: PeerError) -> None:
        if len(self._refusals) >= _REFUSALS:
            link.abort()
            return
        task = asyncio.create_task(link.refuse(error))
        self._refusals.add(task)
        task.add_done_callback(self._refusals.discard)

    @property
    def _limits(self) -> WireLimits:
        limits = self._settings.wire_limits
        return WireLimits(
            header_bytes=limits.header_bytes,
            data_bytes=limits.data_bytes,
            payload_bytes=limits.payload_bytes,
            write_timeout_s=min(_STALL_S, limits.write_timeout_s),
        )

    async def _serve(self, link: Link) -> None:
        def receive(event: Event) -> None:
            self._receive(link, event)

        def idle_s() -> float:
            return _MAIN_IDLE_S if link is self._main else _SIDE_IDLE_S

        try:
            await link.serve(receive, idle_s)
        except PeerGone:
            pass
        except VoiceError as error:
            _log.warning("the connection from %s was ended: %s", link.name, error)
        finally:
            del self._links[link]
            self._lose(link)

    def _receive(self, link: Link, event: Event) -> None:
        if event.type == "ping":
            text = event.data.get("text")
            link.answer(Pong(text=text if isinstance(text, str) else None).event())
        elif event.type == "describe":
            link.answer(self._info_event)
        elif event.type == STATUS:
            link.answer(Event(STATUS, self._account()))
        elif event.type == "run-satellite":
            self._become_main(link)
        if link is self._main:
            self._carry_out(self._session.received(event, _now_ms()))

    def _become_main(self, link: Link) -> None:
        older, self._main = self._main, link
        if older is not None and older is not link:
            _log.info("Home Assistant has connected anew from %s", link.name)
            self._links[older].cancel()
        else:
            _log.info("Home Assistant has connected from %s", link.name)
        self._carry_out(self._session.connected(_now_ms()))

    def _lose(self, link: Link) -> None:
        if link is self._main:
            _log.info("the link to Home Assistant has ended")
            self._main = None
            self._carry_out(self._session.disconnected(_now_ms()))

    def _carry_out(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Send(event):
                    if self._main is not None:
                        self._main.send(event)
                case HangUp(reason):
                    _log.warning("%s: its link is given up", reason)
                    self._hang_up()
                case TimerNews(event):
                    self._on_timer(event)
                case _:
                    self._turns.push(outcome, _now_s())
                    self._post(outcome)
        self._set_alarm()

    def _hang_up(self) -> None:
        if (link := self._main) is not None:
            self._links[link].cancel()
            self._lose(link)

    def _set_alarm(self) -> None:
        """An alarm that rings too early is set again; this is called for every chunk of audio."""
        deadline_ms = self._session.deadline_ms
        if deadline_ms is None:
            return
        at_s = deadline_ms / 1000
        if self._alarm is not None and not self._alarm.cancelled() and self._alarm.when() <= at_s:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(at_s, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._carry_out(self._session.tick(_now_ms()))


def _now_ms() -> int:
    return int(_now_s() * 1000)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
