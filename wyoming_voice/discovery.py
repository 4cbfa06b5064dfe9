"""Finds and announces Wyoming servers on the local network: the one importer of zeroconf.

The service type is `_wyoming._tcp.local.`, as Home Assistant browses for it. Rule: what is announced can
be connected to: real addresses, a name that no other server has, and a goodbye at the end.
"""

import asyncio
import contextlib
import ipaddress
import logging
import re
import socket
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace

import ifaddr
from wyoming.event import Event
from wyoming.info import Describe, Info
from zeroconf import (
    DNSQuestionType,
    Error,
    InterfaceChoice,
    IPVersion,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from wyoming_voice import __version__
from wyoming_voice.config import ListenSettings
from wyoming_voice.errors import UpstreamError, VoiceError
from wyoming_voice.wire import Address, Connection, connect

SERVICE_TYPE = "_wyoming._tcp.local."
_LABEL_BYTES = 63  # RFC 1035: the longest label of a domain name
_MODELS_BYTES = 200  # RFC 6763: a text record's string has 255 bytes, its key among them
_LOOK_AROUND_S = 1.3  # RFC 6762, 6: what was sent within the last second is answered a second later
_ADDRESS_MS = 2500  # the same second, twice; most addresses come with the name
_LOOK_AGAIN_S = 10.0  # a network that comes late, as a radio's does after boot, or changes
_CONTAINER_BRIDGE = re.compile(r"docker|br-[0-9a-f]{12}$|veth|virbr|podman|cni|flannel|lx[cd]br")

_log = logging.getLogger(__name__)

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Found:
    """One server on the network; `uri` is its first address that can be reached from anywhere."""

    name: str
    uri: str
    properties: dict[str, str]
    info: Info | None = None
    round_trip_ms: float | None = None

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
    """Announce a server while the block runs; a network that can't be used is logged, never fatal."""
    addresses = [] if settings.no_zeroconf else await _addresses(address, settings)
    if not addresses:
        _log.debug("not announced on the network (%s)", address)
        yield
        return
    port = settings.advertise_port or address.port
    async with contextlib.AsyncExitStack() as stack:
        try:
            service = _service(
                settings.announced_name, kind, port, addresses, _properties(kind, info)
            )
            await stack.enter_async_context(_registered(service, addresses))
            _log.info("announced as %r at %s", service.name, ", ".join(map(str, addresses)))
        except (OSError, Error) as error:
            _log.warning("not announced on the network: %s", str(error) or type(error).__name__)
        yield


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


async def describe(uri: str, timeout_s: float = 2.0) -> tuple[Info, float]:
    """What the server at `uri` says of itself, and how long that took in ms, connecting included.

    Raises OSError (TimeoutError among them) when it can't be reached, UpstreamError when it answers
    with something else.
    """
    start_s = time.monotonic()
    async with connect(uri, timeout_s=timeout_s) as connection, asyncio.timeout(timeout_s):
        info = await describe_on(connection, uri)
        return info, (time.monotonic() - start_s) * 1000.0


async def describe_on(connection: Connection, uri: str) -> Info:
    """What the server at the other end of an open connection says of itself, before anything is asked of it.

    Raises OSError when it has gone, UpstreamError when it answers with something else.
    """
    await connection.write(Describe().event())
    async for event in connection:
        if Info.is_type(event.type):
            return _info_in(event, uri)
    raise UpstreamError(f"{uri} closed without describing itself; is it a Wyoming server?")


def _info_in(event: Event, uri: str) -> Info:
    try:
        return Info.from_event(event)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UpstreamError(f"{uri} describes itself in a way that can't be read") from error


async def _addresses(address: Address, settings: ListenSettings) -> list[IpAddress]:
    """Under which addresses others reach a server.

    A wildcard stands for every interface's address but loopback and link-local, which Home Assistant
    doesn't take; a server bound to loopback has none. `advertise_host` goes before all.
    """
    if address.path:
        return []
    if settings.advertise_host:
        return await _resolved(settings.advertise_host)
    bound = await _resolved(address.host)
    if any(item.is_unspecified for item in bound):
        versions = {4, 6} if any(item.version == 6 for item in bound) else {4}
        return [item for item in interface_addresses() if item.version in versions]
    return [item for item in bound if not item.is_loopback]


def interface_addresses() -> list[IpAddress]:
    """This machine's addresses that others can use, IPv4 first.

    Bridges to containers on this machine don't count: a browser gets the addresses in any order, and
    Home Assistant tries one only.
    """
    found: list[IpAddress] = []
    for adapter in ifaddr.get_adapters():
        if _CONTAINER_BRIDGE.match(adapter.nice_name):
            continue
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ipaddress.ip_address(text.split("%")[0])
            if not address.is_loopback and not address.is_link_local:
                found.append(address)
    return sorted(found, key=lambda address: (address.version, address.packed))


async def _resolved(host: str) -> list[IpAddress]:
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        _log.warning("can't resolve %r: %s", host, error)
        return []
    texts = dict.fromkeys(str(row[4][0]).split("%")[0] for row in rows)
    return [ipaddress.ip_address(text) for text in texts]


def _properties(kind: str, info: Info) -> dict[str, str]:
    models = [model.name for asr in info.asr for model in asr.models]
    models += [voice.name for tts in info.tts for voice in tts.voices]
    models += [model.name for handle in info.handle for model in handle.models]
    while len(",".join(models).encode()) > _MODELS_BYTES:
        models.pop()
    return {"service": kind, "version": __version__, "models": ",".join(models)}


def _service(
    name: str, kind: str, port: int, addresses: list[IpAddress], properties: dict[str, str]
) -> AsyncServiceInfo:
    packed = [address.packed for address in addresses]
    # Two machines of one name must not answer for each other's host: its records would be merged.
    unique = f"{zlib.crc32(b''.join(packed)):08x}"
    host = re.sub(r"[^A-Za-z0-9-]+", "-", name)[:40].strip("-") or "wyoming-voice"
    return AsyncServiceInfo(
        SERVICE_TYPE,
        f"{_instance(name, kind)}.{SERVICE_TYPE}",
        port=port,
        properties=properties,
        server=f"{host}-{kind}-{unique}.local.",
        addresses=packed,
    )


def _instance(name: str, kind: str) -> str:
    """`NAME KIND` as one DNS label: no dots, no control characters, room for a number behind it."""
    clean = re.sub(r"[\x00-\x1f\x7f.]+", "-", name).encode(errors="replace")
    most = _LABEL_BYTES - len(f" {kind}-999")
    return f"{clean[:most].decode(errors='ignore').strip('- ') or 'wyoming-voice'} {kind}"


@contextlib.asynccontextmanager
async def _registered(service: AsyncServiceInfo, addresses: list[IpAddress]) -> AsyncIterator[None]:
    """Register a service, under another name where its own is taken; say goodbye at the end."""
    async with _multicast(loopback_only=all(a.is_loopback for a in addresses)) as zeroconf:
        await _look_around(zeroconf)
        await (await zeroconf.async_register_service(service, allow_name_change=True))
        try:
            yield
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
    except (OSError, VoiceError):
        return server
    return replace(server, info=info, round_trip_ms=round_trip_ms)
