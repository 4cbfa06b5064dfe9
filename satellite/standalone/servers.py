"""Which servers of a kind there are, and in which order they are asked.

Named servers keep the order of their names. Where none is named, this machine's default ports and the
network's announcements count: this machine's servers first, then the fastest. Rules: a host is asked to
describe itself every half minute, and once it doesn't answer, sooner and then ever less often until it
does; a server that answers but failed in a turn stands back for a while that doubles each time.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from satellite.events import Via, ViaChanged
from satellite.parts import Post, Status
from satellite.standalone.lines import KINDS, Server
from wyoming_voice.discovery import Found, Gone, describe, interface_addresses, watch
from wyoming_voice.errors import ConfigError, UpstreamError, VoiceError, why
from wyoming_voice.wire import parse_uri

_log = logging.getLogger(__name__)

LOCAL = {
    "asr": "tcp://127.0.0.1:10300",
    "handle": "tcp://127.0.0.1:10500",
    "tts": "tcp://127.0.0.1:10200",
}
"""Where this machine's servers listen when nobody has said otherwise."""

Watch = Callable[[], AsyncGenerator[Found | Gone, None]]


@dataclass(frozen=True)
class Pulse:
    """How often hosts are looked at, and how long servers that failed stand back, in seconds."""

    check_s: float = 30.0
    answer_s: float = 2.0
    first_retry_s: float = 1.0
    first_rest_s: float = 10.0
    longest_rest_s: float = 300.0
    settle_s: float = 3.0


@dataclass(eq=False)
class Host:
    """Whoever listens at a URI; `place` is its rank among those that were named."""

    uri: str
    name: str
    local: bool = False
    place: int = 0
    expected: bool = True
    answers: bool = False
    misses: int = 0
    round_trip_ms: float = 0.0
    error: str = ""
    servers: dict[str, "Known"] = field(default_factory=dict)
    look: asyncio.Event = field(default_factory=asyncio.Event)
    checked: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Known(Server):
    """A server of a host, and how it did in turns."""

    host: Host = field(kw_only=True)
    strikes: int = 0
    rests_until_s: float = 0.0
    error: str = ""


class Roster:
    """The servers of a conversation; posts ViaChanged when it becomes possible or impossible.

    `named` holds URIs by kind, best first; `watch` finds announced servers, None for not at all.
    """

    def __init__(
        self,
        post: Post,
        named: Mapping[str, Sequence[str]],
        *,
        watch: Watch | None = watch,
        local: Mapping[str, str] = LOCAL,
        pulse: Pulse | None = None,
    ) -> None:
        self._post = post
        self._pulse = pulse or Pulse()
        self._open_kinds = tuple(kind for kind in KINDS if not named.get(kind))
        self._watch = watch if self._open_kinds else None
        self._hosts: dict[str, Host] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._told: tuple[str, ...] | None = None
        self._settled = False
        for kind in KINDS:
            self._name(kind, named.get(kind, ()))
        for kind in self._open_kinds:
            if uri := local.get(kind):
                self._hosts[uri] = Host(uri, f"this machine's {kind}", local=True)

    def ranked(self, kind: str) -> Sequence[Known]:
        """The servers of a kind, best first; those that don't answer are the last."""
        servers = [host.servers[kind] for host in self._hosts.values() if kind in host.servers]
        return sorted(servers, key=self._rank)

    def worked(self, server: Server) -> None:
        """It did what it was asked."""
        if isinstance(server, Known):
            server.strikes, server.rests_until_s, server.error = 0, 0.0, ""

    def failed(self, server: Server, reason: str) -> None:
        """It didn't: it stands back, and its host is looked at."""
        if not isinstance(server, Known):
            return
        rest_s = min(self._pulse.first_rest_s * 2**server.strikes, self._pulse.longest_rest_s)
        server.strikes = min(server.strikes + 1, 10)
        server.rests_until_s = _now_s() + rest_s
        server.error = reason
        server.host.look.set()

    def status(self) -> Status:
        """Every server with its kind, URI, round trip in ms and what went wrong last."""
        return {
            "ready": self._told == (),
            "missing": list(self._missing()),
            "servers": [_shown(server) for kind in KINDS for server in self.ranked(kind)],
        }

    async def run(self) -> None:
        """Look after the servers until cancelled."""
        try:
            for host in list(self._hosts.values()):
                self._attend(host)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._settle())
                if self._watch is not None:
                    group.create_task(self._discover(self._watch))
                await asyncio.Event().wait()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _name(self, kind: str, uris: Sequence[str]) -> None:
        for place, uri in enumerate(uris):
            host = self._hosts.setdefault(uri, Host(uri, uri, _is_local(uri), place))
            host.servers[kind] = Known(kind, uri, host=host)

    def _rank(self, server: Known) -> tuple[bool, bool, int, bool, float]:
        host = server.host
        rests = server.rests_until_s > _now_s()
        return not host.answers, rests, host.place, not host.local, host.round_trip_ms

    def _attend(self, host: Host) -> None:
        self._hosts[host.uri] = host
        self._tasks[host.uri] = asyncio.create_task(self._look_after(host))

    def _forget(self, host: Host) -> None:
        del self._hosts[host.uri]
        self._tasks.pop(host.uri).cancel()

    async def _look_after(self, host: Host) -> None:
        retry_s = self._pulse.first_retry_s
        while True:
            host.look.clear()
            await self._check(host)
            host.checked.set()
            self._tell()
            if not host.answers and not host.expected:
                self._forget(host)
                return
            retry_s = (
                self._pulse.first_retry_s if host.answers else min(retry_s * 2, self._pulse.check_s)
            )
            wait_s = self._pulse.check_s if host.answers else retry_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await host.look.wait()

    async def _check(self, host: Host) -> None:
        try:
            info, round_trip_ms = await describe(host.uri, self._pulse.answer_s)
            for kind in self._open_kinds:
                if getattr(info, kind) and kind not in host.servers:
                    host.servers[kind] = Known(kind, host.uri, host=host)
            for kind, server in host.servers.items():
                if not getattr(info, kind):
                    raise UpstreamError(f"{host.uri} is no {kind} server")
                server.info = info
        except (OSError, VoiceError) as error:
            self._missed(host, error)
            return
        if not host.answers and host.servers:
            _log.info("%s: %s", ", ".join(host.servers), host.name)
        known_ms = host.round_trip_ms if host.answers else round_trip_ms
        # A machine that was busy for once is soon forgiven, and one that has become slow is found out.
        host.round_trip_ms = min(round_trip_ms, 0.7 * known_ms + 0.3 * round_trip_ms)
        host.answers, host.misses, host.error = True, 0, ""

    def _missed(self, host: Host, error: OSError | VoiceError) -> None:
        host.misses += 1
        if isinstance(error, TimeoutError) and host.answers and host.misses < 2:
            host.look.set()  # a machine that is busy for once is no reason to leave it
            return
        reason = str(error) if isinstance(error, VoiceError) else why(error)
        if host.answers:
            _log.warning("%s at %s: %s", ", ".join(host.servers), host.uri, reason)
        host.answers, host.error = False, reason

    async def _settle(self) -> None:
        """What is missing is told once everybody has had time to answer."""
        await asyncio.gather(*(host.checked.wait() for host in self._hosts.values()))
        if self._watch is not None and self._missing():
            await asyncio.sleep(self._pulse.settle_s)
        self._settled = True
        self._tell()

    def _missing(self) -> tuple[str, ...]:
        return tuple(
            kind for kind in KINDS if not any(server.host.answers for server in self.ranked(kind))
        )

    def _tell(self) -> None:
        missing = self._missing()
        if missing == self._told or (missing and not self._settled):
            return
        self._told = missing
        self._post(ViaChanged(Via.DIRECT, not missing, missing))

    async def _discover(self, watch: Watch) -> None:
        while True:
            try:
                async with contextlib.aclosing(watch()) as news:
                    async for one in news:
                        self._learn(one)
            except OSError as error:
                _log.warning("servers can't be looked for on the network: %s", why(error))
                await asyncio.sleep(self._pulse.check_s)

    def _learn(self, news: Found | Gone) -> None:
        uri = news.uri if isinstance(news, Found) else ""
        for host in list(self._hosts.values()):
            if host.name == news.name and host.uri != uri:
                host.expected = False
                host.look.set()
        if not isinstance(news, Found) or not _reachable(uri):
            return
        if (known := self._hosts.get(uri)) is not None:
            known.expected = True
            known.look.set()
        else:
            self._attend(Host(uri, news.name, _is_local(uri)))


def _shown(server: Known) -> Status:
    host = server.host
    return {
        "kind": server.kind,
        "uri": server.uri,
        "name": host.name,
        "local": host.local,
        "answers": host.answers,
        "round_trip_ms": round(host.round_trip_ms, 1),
        "error": server.error if host.answers else host.error,
    }


def _reachable(uri: str) -> bool:
    """Whether an announcement named an address at all."""
    try:
        return parse_uri(uri).port > 0
    except ConfigError:
        return False


def _is_local(uri: str) -> bool:
    address = parse_uri(uri)
    if address.path or address.host in ("localhost", "127.0.0.1", "::1"):
        return True
    return address.host in {str(own) for own in interface_addresses()}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
