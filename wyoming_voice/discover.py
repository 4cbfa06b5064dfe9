"""`wyoming-voice discover`: which Wyoming servers are on the network, what they do, how fast they answer."""

import sys
from typing import ClassVar

from pydantic import Field
from rich.console import Console
from rich.table import Column, Table
from wyoming.info import Info

from wyoming_voice.config import Settings
from wyoming_voice.discovery import Found, discover

_WIDE = 10_000
"""Columns of what is written into a file or a pipe, where nothing may be cut: more than there ever are."""

_MOST_CHARS = 300


class DiscoverSettings(Settings):
    """List the Wyoming servers that are announced on the network."""

    section: ClassVar[str] = "discover"

    timeout_s: float = Field(3.0, gt=0, description="seconds to wait for servers to answer")


async def run(settings: DiscoverSettings) -> int:
    """Print a table; status 1 when there is none."""
    # Without markup and emoji: names come from the network, and ":1234:" in an IPv6 address is an emoji.
    width = None if sys.stdout.isatty() else _WIDE
    console = Console(markup=False, emoji=False, highlight=False, width=width)
    with console.status(f"looking for {settings.timeout_s:g} s"):
        found = await discover(settings.timeout_s)
    if not found:
        console.print(
            "no Wyoming server answered; servers bound to 127.0.0.1 are not announced"
            " (`wyoming-voice status` finds those of this machine)"
        )
        return 1
    console.print(_table(found))
    for server in found:
        if server.declined is not None:
            console.print(f"{server.name}: {_printable(str(server.declined))}")
    return 0


def _table(found: list[Found]) -> Table:
    longest = max(len(server.uri) for server in found)
    address = Column("address", min_width=longest)  # of use only whole, also in a narrow window
    others = (Column(name, overflow="fold") for name in ("does", "programs", "version"))
    table = Table(Column("name", overflow="fold"), address, *others, "round trip", box=None)
    for server in found:
        version = server.properties.get("version", "")
        programs = ", ".join(_programs(server.info)) if server.info else ""
        table.add_row(
            server.name, server.uri, ", ".join(server.kinds), programs, version, _trip(server)
        )
    return table


def _trip(server: Found) -> str:
    if server.round_trip_ms is not None:
        return f"{server.round_trip_ms:.1f} ms"
    said = server.declined.said if server.declined is not None else ""
    return _printable(said) or "no answer"


def _printable(text: str) -> str:
    """A server's words in a line, without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text[:_MOST_CHARS])


def _programs(info: Info) -> list[str]:
    groups = (info.asr, info.tts, info.handle, info.intent, info.wake)
    named = [program.name for group in groups for program in group]
    return [*named, info.satellite.name] if info.satellite else named
