"""What is known of a host and of its servers, and how it is shown."""

import asyncio
import math
from dataclasses import dataclass, field

from satellite.parts import Status
from satellite.standalone.line import Server
from wyoming_voice.announcement import interface_addresses
from wyoming_voice.errors import ConfigError
from wyoming_voice.wire import parse_uri


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
    gone_s: float = -math.inf  # when it stopped answering, by the event loop's clock
    told: bool | None = None  # whether the log's last word on it was that it answers
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


def shown(server: Known) -> Status:
    """A server as a row of `status`."""
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


def reachable(uri: str) -> bool:
    """Whether an announcement named an address at all."""
    try:
        return parse_uri(uri).port > 0
    except ConfigError:
        return False


def is_local(uri: str) -> bool:
    """Whether this machine listens there."""
    address = parse_uri(uri)
    if address.path or address.host in ("localhost", "127.0.0.1", "::1"):
        return True
    return address.host in {str(own) for own in interface_addresses()}
