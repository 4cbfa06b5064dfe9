"""Which servers of a kind there are, and in which order they are asked.

Named servers keep the order of their names. Where none is named, this machine's default ports and the
network's announcements count: this machine's servers first, then the fastest. Rules: a host is asked to
describe itself every half minute, and once it doesn't answer, sooner and then ever less often until it
does; a server that answers but failed in a turn stands back for a while that doubles each time. One that
has just gone is probably being started again: it is not missing before it has been away for `return_s`.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass

from satellite.events import Via, ViaChanged
from satellite.parts import Post, Status
from satellite.standalone.hosts import Host, Known, is_local, reachable, shown
from satellite.standalone.line import Server
from satellite.standalone.lines import KINDS
from satellite.standalone.patience import ended
from wyoming_voice.describing import describe
from wyoming_voice.discovery import Found, Gone, watch
from wyoming_voice.errors import UpstreamError, VoiceError, why

_log = logging.getLogger(__name__)

LOCAL = {
    "asr": "tcp://127.0.0.1:10300",
    "handle": "tcp://127.0.0.1:10500",
    "tts": "tcp://127.0.0.1:10200",
}
"""Where this machine's servers listen when nobody has said otherwise."""

_MISSING = (
    "no server answers for: %s; start one (`wyoming-voice up` starts all), name it (--%s-uri %s), "
    "or let Home Assistant answer (--mode ha)"
)

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
    return_s: float = 10.0
    warn_s: float = 10.0
    spread: float = 0.25

    def about(self, wait_s: float) -> float:
        """As long, give or take a quarter: satellites that began together, when the power came, part."""
        return wait_s * random.uniform(1 - self.spread, 1 + self.spread)


class Roster:
    """The servers of a conversation; posts ViaChanged when it becomes possible or impossible.

    `named` holds URIs by kind, best first; `watch` finds announced servers, None for not at all;
    `alone` says whether nobody else answers turns at present, so that what is missing is a trouble.
    """

    def __init__(
        self,
        post: Post,
        named: Mapping[str, Sequence[str]],
        *,
        watch: Watch | None = watch,
        local: Mapping[str, str] = LOCAL,
        pulse: Pulse | None = None,
        alone: Callable[[], bool] = lambda: True,
    ) -> None:
        self._post = post
        self._pulse = pulse or Pulse()
        self._alone = alone
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
            if not server.host.answers:
                server.host.look.set()  # it has come back, which is not known everywhere yet

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
            "servers": [shown(server) for kind in KINDS for server in self.ranked(kind)],
        }

    async def run(self) -> None:
        """Look after the servers until cancelled."""
        try:
            for host in list(self._hosts.values()):
                self._attend(host)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._settle())
                group.create_task(self._warn_of_missing())
                if self._watch is not None:
                    group.create_task(self._discover(self._watch))
                await asyncio.Event().wait()
        finally:
            await ended(*self._tasks.values())

    def _name(self, kind: str, uris: Sequence[str]) -> None:
        for place, uri in enumerate(uris):
            host = self._hosts.setdefault(uri, Host(uri, uri, is_local(uri), place))
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
            if host.look.is_set():
                continue
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
                async with asyncio.timeout(self._pulse.about(wait_s)):
                    await host.look.wait()
                retry_s = self._pulse.first_retry_s  # somebody needs it, or has seen it

    async def _check(self, host: Host) -> None:
        try:
            info, round_trip_ms = await describe(host.uri, self._pulse.answer_s)
            for kind in self._open_kinds:
                if getattr(info, kind) and kind not in host.servers:
                    host.servers[kind] = Known(kind, host.uri, host=host)
            for kind, server in host.servers.items():
                if not getattr(info, kind):
                    raise UpstreamError(f"{host.uri} is no {kind} server")
                server.info, server.seen_s = info, _now_s()
        except (OSError, VoiceError) as error:
            self._missed(host, error)
            return
        if not host.told and host.servers:
            _log.info("%s: %s", ", ".join(host.servers), host.name)
            host.told = True
        known_ms = host.round_trip_ms if host.answers else round_trip_ms
        # A machine that was busy for once is soon forgiven, and one that has become slow is found out.
        host.round_trip_ms = min(round_trip_ms, 0.7 * known_ms + 0.3 * round_trip_ms)
        host.answers, host.misses, host.error = True, 0, ""

    def _missed(self, host: Host, error: OSError | VoiceError) -> None:
        host.misses += 1
        if isinstance(error, TimeoutError) and host.misses < 2:
            host.look.set()  # it, or we at our start, were busy for once
            return
        reason = str(error) if isinstance(error, VoiceError) else why(error)
        if host.servers and host.told is not False:
            _log.warning("%s at %s: %s", ", ".join(host.servers), host.uri, reason)
            host.told = False
        if host.answers:
            host.gone_s = _now_s()
        host.answers, host.error = False, reason

    async def _settle(self) -> None:
        """What is missing is told once everybody has had time to answer."""
        await asyncio.gather(*(host.checked.wait() for host in self._hosts.values()))
        if self._watch is not None and self._missing():
            await asyncio.sleep(self._pulse.settle_s)
        self._settled = True
        self._tell()

    async def _warn_of_missing(self) -> None:
        """Say once which kinds are missing for long while nobody else answers."""
        missing, warned = self._missing(), set[str]()
        while True:
            await asyncio.sleep(self._pulse.warn_s)
            before, missing = missing, self._missing()
            lasting = [kind for kind in missing if kind in before]
            warned &= set(missing)
            if set(lasting) - warned and self._alone():
                warned |= set(lasting)
                _log.warning(_MISSING, ", ".join(lasting), lasting[0], LOCAL[lasting[0]])

    def _missing(self) -> tuple[str, ...]:
        return tuple(
            kind for kind in KINDS if not any(self._there(one.host) for one in self.ranked(kind))
        )

    def _there(self, host: Host) -> bool:
        return host.answers or _now_s() - host.gone_s < self._pulse.return_s

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
        if not isinstance(news, Found) or not reachable(uri):
            return
        if (known := self._hosts.get(uri)) is not None:
            known.expected = True
            known.look.set()
        else:
            self._attend(Host(uri, news.name, is_local(uri)))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
