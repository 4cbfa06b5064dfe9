"""Finds and announces Wyoming servers on the local network: the one importer of zeroconf.

The service type is `_wyoming._tcp.local.`, as Home Assistant browses for it. Rule: what is announced can
be connected to: real addresses, a name that no other server has, and a goodbye at the end.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace

from wyoming.info import Info
from zeroconf import (
    DNSQuestionType,
    Error,
    InterfaceChoice,
    IPVersion,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from wyoming_voice.announcement import (
    IpAddress,
    host_label,
    instance_name,
    interface_addresses,
    is_for_this_machine_alone,
    properties_of,
    reachable_at,
)
from wyoming_voice.describing import Declined, describe
from wyoming_voice.errors import VoiceError
from wyoming_voice.settings import ListenSettings
from wyoming_voice.wire import Address

SERVICE_TYPE = "_wyoming._tcp.local."
_LOOK_AROUND_S = 1.3  # RFC 6762, 6: what was sent within the last second is answered a second later
_ADDRESS_MS = 2500  # the same second, twice; most addresses come with the name
_LOOK_AGAIN_S = 10.0  # a network that comes late, as a radio's does after boot, or changes

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """One server on the network; `uri` is its first address that can be reached from anywhere.
    `declined`: with what it answered instead of its description."""

    name: str
    uri: str
    properties: dict[str, str]
    info: Info | None = None
    round_trip_ms: float | None = None
    declined: Declined | None = None

    @property
    def kinds(self) -> list[str]:
        """Which of asr, tts, handle and satellite it is, by its own description."""
        names = ("asr", "tts", "handle", "wake", "intent", "satellite")
        return [name for name in names if self.info is not None and getattr(self.info, name)]


@dataclass(frozen=True)
class Gone:
    """A server that has left the network, or hasn't been heard of for long."""

    name: str


@contextlib.asynccontextmanager
async def announced(
    kind: str, info: Info, address: Address, settings: ListenSettings
) -> AsyncIterator[None]:
    """Announce a server while the block runs, anew whenever this machine's addresses have changed.

    A network that can't be used is logged, never fatal, and is tried again.
    """
    if settings.no_zeroconf or await is_for_this_machine_alone(address, settings):
        _log.debug("not announced on the network (%s)", address)
        yield
        return
    announcing = _Announcing(kind, info, address, settings)
    task = asyncio.create_task(announcing.run())
    try:
        await announcing.tried.wait()
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


class _Announcing:
    """One server's presence on the network; `tried` is set once it is there, or can't be yet."""

    def __init__(self, kind: str, info: Info, address: Address, settings: ListenSettings) -> None:
        self.tried = asyncio.Event()
        self._kind = kind
        self._info = info
        self._address = address
        self._settings = settings
        self._warned = ""

    async def run(self) -> None:
        """Live until cancelled; then say goodbye."""
        try:
            while True:
                try:
                    await self._be_there()
                except (OSError, Error) as error:
                    self._warn(f"not announced on the network: {error or type(error).__name__}")
                    self.tried.set()
                    await asyncio.sleep(_LOOK_AGAIN_S)
        finally:
            self.tried.set()

    async def _be_there(self) -> None:
        """Be announced under the present addresses until they change."""
        begun_with = interface_addresses()
        addresses = await reachable_at(self._address, self._settings)
        if not addresses:
            who = self._settings.advertise_host or "this machine"
            self._warn(f"not announced on the network yet: {who} has no address there")
            self.tried.set()
            await asyncio.sleep(_LOOK_AGAIN_S)  # a name may be resolved without such a change
            return
        async with _registered(self._service(addresses), addresses) as name:
            _log.info("announced as %r at %s", name, ", ".join(map(str, addresses)))
            self._warned = ""
            self.tried.set()
            while interface_addresses() == begun_with:  # noqa: ASYNC110  (nobody else tells)
                await asyncio.sleep(_LOOK_AGAIN_S)
        _log.info("this machine's addresses have changed")

    def _service(self, addresses: list[IpAddress]) -> AsyncServiceInfo:
        name, port = self._settings.announced_name, self._settings.advertise_port
        facts = properties_of(self._kind, self._info)
        return _service(name, self._kind, port or self._address.port, addresses, facts)

    def _warn(self, text: str) -> None:
        """Say a thing once, however often it is tried."""
        if text != self._warned:
            _log.warning("%s", text)
        self._warned = text


async def discover(timeout_s: float = 2.0, *, on_loopback: bool = False) -> list[Found]:
    """The Wyoming servers that answer within `timeout_s`, each asked to describe itself, by name."""
    names: set[str] = set()

    def changed(name: str, change: ServiceStateChange) -> None:
        if change is not ServiceStateChange.Removed:
            names.add(name)

    async with _multicast(loopback_only=on_loopback) as zeroconf:
        async with _browsing(zeroconf, changed):
            await asyncio.sleep(timeout_s)
        known = await asyncio.gather(*(_looked_up(zeroconf, name) for name in sorted(names)))
    found = [server for server in known if server is not None]
    return list(await asyncio.gather(*(_described(server) for server in found)))


async def watch(*, on_loopback: bool = False) -> AsyncGenerator[Found | Gone, None]:
    """The Wyoming servers of the network, undescribed, each when it is announced, changes or says goodbye.

    Ends when this machine's addresses have changed: a new call listens on the new ones, and finds again
    what is there. Raises OSError where the network can't be used.
    """
    changes: asyncio.Queue[tuple[str, ServiceStateChange]] = asyncio.Queue()

    def changed(name: str, change: ServiceStateChange) -> None:
        changes.put_nowait((name, change))

    begun_with = interface_addresses()
    async with _multicast(loopback_only=on_loopback) as zeroconf, _browsing(zeroconf, changed):
        while on_loopback or interface_addresses() == begun_with:
            try:
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    name, change = await changes.get()
            except TimeoutError:
                continue
            if change is ServiceStateChange.Removed:
                yield Gone(_name(name))
            elif (found := await _looked_up(zeroconf, name)) is not None:
                yield found


def _service(
    name: str, kind: str, port: int, addresses: list[IpAddress], properties: dict[str, str]
) -> AsyncServiceInfo:
    return AsyncServiceInfo(
        SERVICE_TYPE,
        f"{instance_name(name, kind)}.{SERVICE_TYPE}",
        port=port,
        properties=properties,
        server=f"{host_label(name, kind, addresses)}.local.",
        addresses=[address.packed for address in addresses],
    )


@contextlib.asynccontextmanager
async def _registered(service: AsyncServiceInfo, addresses: list[IpAddress]) -> AsyncIterator[str]:
    """Register a service, under another name where its own is taken; say goodbye at the end.

    Gives the name that it has got.
    """
    async with _multicast(loopback_only=all(a.is_loopback for a in addresses)) as zeroconf:
        await _look_around(zeroconf)
        await (await zeroconf.async_register_service(service, allow_name_change=True))
        try:
            yield service.name
        finally:
            await (await zeroconf.async_unregister_service(service))


async def _look_around(zeroconf: AsyncZeroconf) -> None:
    """Hear of all names, for the library's own check asks for answers to this machine's port alone.

    Two servers on one machine share that port, and only one of them gets such an answer.
    """
    await zeroconf.zeroconf.async_wait_for_start()
    async with AsyncServiceBrowser(
        zeroconf.zeroconf,
        SERVICE_TYPE,
        handlers=[lambda **_: None],
        question_type=DNSQuestionType.QM,
    ):
        await asyncio.sleep(_LOOK_AROUND_S)


@contextlib.asynccontextmanager
async def _multicast(*, loopback_only: bool) -> AsyncIterator[AsyncZeroconf]:
    """A multicast endpoint on every interface, with IPv4 alone where the kernel has no IPv6."""
    if loopback_only:
        zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    else:
        try:
            zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.All, ip_version=IPVersion.All)
        except OSError:
            zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.All, ip_version=IPVersion.V4Only)
    try:
        yield zeroconf
    finally:
        await zeroconf.async_close()


@contextlib.asynccontextmanager
async def _browsing(
    zeroconf: AsyncZeroconf, changed: Callable[[str, ServiceStateChange], None]
) -> AsyncIterator[None]:
    def told(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        changed(name, state_change)

    # QM: an answer sent to us alone may land at another mDNS program on this machine.
    async with AsyncServiceBrowser(
        zeroconf.zeroconf, SERVICE_TYPE, handlers=[told], question_type=DNSQuestionType.QM
    ):
        yield


async def _looked_up(zeroconf: AsyncZeroconf, name: str) -> Found | None:
    try:
        service = AsyncServiceInfo(SERVICE_TYPE, name)
    except Error as error:  # a name that no service may have, which anybody can announce
        _log.debug("passed over on the network: %s", error)
        return None
    if await service.async_request(zeroconf.zeroconf, _ADDRESS_MS, DNSQuestionType.QM):
        return _found(service)
    return None


def _name(instance: str) -> str:
    return instance.removesuffix(f".{SERVICE_TYPE}")


def _found(service: AsyncServiceInfo) -> Found:
    addresses = [ipaddress.ip_address(text) for text in service.parsed_addresses()]
    best = min(addresses, key=lambda a: (a.is_link_local, a.version), default=None)
    properties = {
        key.decode(errors="replace"): (value or b"").decode(errors="replace")
        for key, value in service.properties.items()
    }
    return Found(
        _name(service.name), str(Address(host=str(best or ""), port=service.port or 0)), properties
    )


async def _described(server: Found) -> Found:
    try:
        info, round_trip_ms = await describe(server.uri)
    except (OSError, VoiceError) as error:
        return replace(server, declined=error if isinstance(error, Declined) else None)
    return replace(server, info=info, round_trip_ms=round_trip_ms)
