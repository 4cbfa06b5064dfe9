"""Thousands who call one server: bare connections that ask for its description and stay, and satellites.

Rule: of a connection nothing is kept here but its socket, so that what is measured is the server; satellites
are the real part that looks after servers (`satellite.standalone.servers`), one for each.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from satellite.standalone.patience import ended
from satellite.standalone.servers import Pulse, Roster
from wyoming_voice.wire import Address, parse_uri

_SOURCES = 8
"""Addresses of this machine that they call from: one has 28 232 ports for them as Linux comes."""

_PATIENCE_S = 60.0
_LOOK_S = 0.05


@dataclass
class Crowd:
    """Who has been described to: how long each took, and what became of the others."""

    took_s: list[float] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    opened_s: float = 0.0


class _Caller(asyncio.Protocol):
    """Asks for a description, and keeps nothing of it."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(b'{"type":"describe"}\n')

    def data_received(self, data: bytes) -> None:
        """Until it is whole."""
        self._heard += data
        line, ends, rest = self._heard.partition(b"\n")
        header = json.loads(line) if ends else {}
        if ends and len(rest) >= header.get("data_length", 0) and not self.answered.done():
            self.answered.set_result(header["type"])
            self._heard = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Told to whoever waits for the answer."""
        if not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError("hung up"))


@contextlib.asynccontextmanager
async def crowd(uri: str, count: int, at_once: int = 1_000_000) -> AsyncIterator[Crowd]:
    """So many who call in the same moment, or so many at once, and stay."""
    address, many, turnstile = parse_uri(uri), Crowd(), asyncio.Semaphore(at_once)
    transports: list[asyncio.Transport] = []

    async def come(number: int) -> None:
        async with turnstile:
            await _call(address, number, many, transports)

    begin_s = time.monotonic()
    await asyncio.gather(*map(come, range(count)))
    many.opened_s = time.monotonic() - begin_s
    try:
        yield many
    finally:
        for transport in transports:
            transport.abort()


async def _call(
    address: Address, number: int, many: Crowd, transports: list[asyncio.Transport]
) -> None:
    source, begin_s = (f"127.0.1.{1 + number % _SOURCES}", 0), time.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            transport, caller = await asyncio.get_running_loop().create_connection(
                _Caller, address.host, address.port, local_addr=source
            )
            transports.append(transport)
            kind = await caller.answered
    except OSError as error:
        many.lost[type(error).__name__] += 1
        return
    if kind == "info":
        many.took_s.append(time.monotonic() - begin_s)
    else:
        many.lost[kind] += 1


@dataclass
class Satellites:
    """Real look-outs for one server; `back_s`: how long each took to see it, from `begin` on."""

    rosters: list[Roster]
    back_s: list[float] = field(default_factory=list)

    async def all_back(self, begin_s: float, most_s: float) -> None:
        """Wait until each has seen the server, or so long."""
        away = list(self.rosters)
        while away and time.monotonic() - begin_s < most_s:
            await asyncio.sleep(_LOOK_S)
            now_s = time.monotonic() - begin_s
            still = [roster for roster in away if not roster.ranked("asr")[0].host.answers]
            self.back_s += [now_s] * (len(away) - len(still))
            away = still

    @property
    def away(self) -> int:
        """How many have not seen it."""
        return len(self.rosters) - len(self.back_s)


@contextlib.asynccontextmanager
async def satellites(uri: str, count: int, pulse: Pulse | None = None) -> AsyncIterator[Satellites]:
    """So many that began in the same moment, as after a power cut."""
    rosters = [
        Roster(_unread, {"asr": [uri]}, watch=None, local={}, pulse=pulse, alone=_never)
        for _ in range(count)
    ]
    tasks = [asyncio.create_task(roster.run()) for roster in rosters]
    try:
        yield Satellites(rosters)
    finally:
        await ended(*tasks)


def _unread(_event: object) -> None:
    """Nobody wants to know."""


def _never() -> bool:
    return False
