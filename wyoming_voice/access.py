"""Which clients may come in, by the address that they call from, and how often a refusal is worth a line.

Rules: who calls from this machine may always; with no networks named, everybody may. An IPv4 client of an
IPv6 socket (`::ffff:192.168.1.5`) is the IPv4 client that it is. Only the connection's own address counts,
never what a header says of another.
"""

import ipaddress
from collections.abc import Sequence

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_SHORTEST_MAPPED = 96
"""`::ffff:0:0/96` is the whole of IPv4 (RFC 4291, 2.5.5.2)."""


class Allowed:
    """The networks whose clients may come in; none: all may."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Raises ValueError, with the remedy, for what is no network."""
        self._networks = [network_of(text) for text in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __str__(self) -> str:
        return ", ".join(map(str, self._networks))

    def admits(self, host: str) -> bool:
        """Whether the client at an address (`fe80::1%eth0` too) may; what is no address may not."""
        if not self._networks:
            return True
        try:
            address = _plain(ipaddress.ip_address(host.partition("%")[0]))
        except ValueError:
            return False
        return address.is_loopback or any(address in network for network in self._networks)


def network_of(text: str) -> IpNetwork:
    """`192.168.1.0/24`, `fd00::/8`, or one address; ValueError says what was probably meant."""
    plain = text.strip()
    try:
        network = ipaddress.ip_network(plain)
    except ValueError:
        raise ValueError(f"{text!r} {_wrong_with(plain)}") from None
    return _unmapped(network)


def _wrong_with(text: str) -> str:
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        host, slash, length = text.partition("/")
        if slash and _is_address(host):
            return f"has no length that its address can have, {length!r}; write {host}/24"
        return "is no network; write addresses, such as 192.168.1.0/24 or fd00::/8 (names change)"
    return f"is an address inside a network; write {interface.network}, or {interface.ip} alone"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _plain(address: IpAddress) -> IpAddress:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _unmapped(network: IpNetwork) -> IpNetwork:
    if not isinstance(network, ipaddress.IPv6Network) or network.prefixlen < _SHORTEST_MAPPED:
        return network
    mapped = network.network_address.ipv4_mapped
    if mapped is None:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - _SHORTEST_MAPPED))


class Grumbles:
    """Which refusals are told in the log: the first of each address in a while, of so many addresses."""

    def __init__(self, again_s: float = 60.0, most: int = 64) -> None:
        self._again_s = again_s
        self._most = most
        self._told_s: dict[str, float] = {}

    def due(self, host: str, now_s: float) -> bool:
        """Whether to tell of this one. In a flood from many addresses, those past the limit are silent."""
        told_s = self._told_s.get(host)
        if told_s is not None and now_s - told_s < self._again_s:
            return False
        self._told_s = {
            known: at_s for known, at_s in self._told_s.items() if now_s - at_s < self._again_s
        }
        if len(self._told_s) >= self._most:
            return False
        self._told_s[host] = now_s
        return True
