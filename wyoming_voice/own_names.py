"""By which names a web page may have called us: those that nobody elsewhere can have.

Rule: a page may point a name of its own at this machine and call us by it (DNS rebinding); its browser then
sends that name in `Host`. An address, a name without a dot, one that isn't sold and this machine's own are
nobody else's.
"""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

_NOT_FOR_SALE = (".localhost", ".local", ".home.arpa", ".internal", ".lan")
"""Ends of names that nobody can have on the public net (RFC 6761, 6762, 8375; ICANN; the last by custom)."""


class OwnNames:
    """The names of this machine, and those of the web pages at `origins`."""

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self._names = {socket.gethostname().lower()}
        self._names |= {urlsplit(origin).hostname or "" for origin in origins}

    def include(self, host: str) -> bool:
        """Whether what a client says in `Host` leads here, `""` where it said nothing; any port does."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or _is_nobody_elses(name)


def _is_nobody_elses(name: str) -> bool:
    if "." not in name or name.endswith(_NOT_FOR_SALE):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
