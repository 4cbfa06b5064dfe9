"""What is announced of a server on the local network: where it can be reached, its name, what it offers.

Rule: an address that others can't use is not announced, and what a person chose as a name becomes one that
every resolver takes.
"""

import asyncio
import ipaddress
import logging
import re
import socket
import zlib

import ifaddr
from wyoming.info import Info

from wyoming_voice import __version__
from wyoming_voice.settings import ListenSettings
from wyoming_voice.wire import Address

_LABEL_BYTES = 63  # RFC 1035: the longest label of a domain name
_MODELS_BYTES = 200  # RFC 6763: a text record's string has 255 bytes, its key among them
_CONTAINER_BRIDGE = re.compile(r"docker|br-[0-9a-f]{12}$|veth|virbr|podman|cni|flannel|lx[cd]br")

_log = logging.getLogger(__name__)

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def interface_addresses(only: str = "") -> list[IpAddress]:
    """This machine's addresses that others can use, IPv4 first; of the interface `only`, where one is named.

    Bridges to containers on this machine don't count: a browser gets the addresses in any order, and
    Home Assistant tries one only.
    """
    found: list[IpAddress] = []
    for adapter in ifaddr.get_adapters():
        name = adapter.nice_name
        if name != only if only else _CONTAINER_BRIDGE.match(name):
            continue
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ipaddress.ip_address(text.split("%")[0])
            if not address.is_loopback and not address.is_link_local:
                found.append(address)
    return sorted(found, key=lambda address: (address.version, address.packed))


async def is_for_this_machine_alone(address: Address, settings: ListenSettings) -> bool:
    """Whether a server can't be reached by others, whatever network comes."""
    if address.path:
        return True
    if settings.advertise_host:
        return False
    return all(item.is_loopback for item in await _resolved(address.host))


async def reachable_at(address: Address, settings: ListenSettings) -> list[IpAddress]:
    """Under which addresses others reach a server at present.

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
        return [
            item for item in interface_addresses(settings.interface) if item.version in versions
        ]
    return [item for item in bound if not item.is_loopback]


async def _resolved(host: str) -> list[IpAddress]:
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        _log.debug("can't resolve %r: %s", host, error)
        return []
    texts = dict.fromkeys(str(row[4][0]).split("%")[0] for row in rows)
    return [ipaddress.ip_address(text) for text in texts]


def properties_of(kind: str, info: Info) -> dict[str, str]:
    """The text record: the kind, our version, and as many whole names of models as fit."""
    models = [model.name for asr in info.asr for model in asr.models]
    models += [voice.name for tts in info.tts for voice in tts.voices]
    models += [model.name for handle in info.handle for model in handle.models]
    while len(",".join(models).encode()) > _MODELS_BYTES:
        models.pop()
    return {"service": kind, "version": __version__, "models": ",".join(models)}


def instance_name(name: str, kind: str) -> str:
    """`NAME KIND` as one DNS label: no dots, no control characters, room for a number behind it."""
    clean = re.sub(r"[\x00-\x1f\x7f.]+", "-", name).encode(errors="replace")
    most = _LABEL_BYTES - len(f" {kind}-999")
    return f"{clean[:most].decode(errors='ignore').strip('- ') or 'wyoming-voice'} {kind}"


def host_label(name: str, kind: str, addresses: list[IpAddress]) -> str:
    """The server's host as one plain DNS label.

    Two machines of one name must not answer for each other's host: its records would be merged.
    """
    unique = f"{zlib.crc32(b''.join(address.packed for address in addresses)):08x}"
    host = re.sub(r"[^A-Za-z0-9-]+", "-", name)[:40].strip("-") or "wyoming-voice"
    return f"{host}-{kind}-{unique}"
