"""What the doctor asks of addresses: servers, the wake server, our own port, the satellite that runs already.

Rule: nothing is asked but `describe` and `status`, which disturb nobody, and each for a few seconds at most.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from wyoming.info import Info

from satellite.around.remote import running_status
from satellite.doctor.findings import Line, at, bad, missing_remedy, ok, skipped
from satellite.events import Event
from satellite.standalone.hosts import Known
from satellite.standalone.lines import KINDS
from satellite.standalone.servers import Roster, Watch
from wyoming_voice.describing import describe
from wyoming_voice.errors import ConfigError, UpstreamError, VoiceError, why
from wyoming_voice.listening import start_server
from wyoming_voice.wire import parse_uri

_LOOK_S = 6.0
"""How long servers may take to be found: two rounds of announcements, and a description."""
_LEAST_LOOK_S = 3.0
"""The network is listened to for as long, even where nothing is missing."""
_ANSWER_S = 2.0
_READER_BYTES = 1024


async def running_satellite(path: Path) -> tuple[dict[str, object] | None, Line]:
    """The status of the satellite that listens on a control socket, if one does, and the line on that."""
    try:
        status = await running_status(path)
    except UpstreamError as error:
        cause = error.__cause__
        if isinstance(cause, FileNotFoundError | ConnectionRefusedError):
            return None, ok("control socket", f"{path}: free, no satellite runs")
        found, _, remedy = str(error).partition("; ")
        return None, bad("control socket", found, remedy or "end what listens there, or --control")
    return status, ok("control socket", f"{path}: a satellite runs, and answers")


async def address_line(uri: str, mode: str) -> Line:
    """Whether the address for Home Assistant can be had; asked while no satellite of ours runs."""
    part = "address"
    if mode == "standalone":
        return skipped(part, f"{uri} is not needed (--mode standalone)")
    address = parse_uri(uri)
    if not await _taken(uri):
        if address.path:
            return ok(part, f"{uri} is free")
        try:
            server, _ = await start_server(address, _hang_up, _READER_BYTES)
        except ConfigError as error:
            found, _, remedy = str(error).partition("; ")
            return bad(part, found, remedy)
        server.close()
        return ok(part, f"{uri} is free")
    owner = await _owner(uri)
    remedy = f"end it, or take another: --uri tcp://HOST:PORT (`ss -ltnp | grep {address.port}`)"
    return bad(part, f"{uri} is taken by {owner}", remedy)


async def wake_server_line(uri: str, names: Sequence[str]) -> Line:
    """Whether the wake server answers, and knows the words."""
    part = "wake server"
    try:
        info, round_trip_ms = await describe(uri, _ANSWER_S)
    except (OSError, VoiceError) as error:
        return bad(part, at(uri, _reason(error)), "start it, or leave --wake-uri out")
    known = [model.name for program in info.wake for model in program.models]
    if not info.wake:
        return bad(part, f"{uri} is no wake server", "name one with --wake-uri tcp://HOST:PORT")
    if unknown := [name for name in names if name not in known]:
        return bad(
            part,
            f"{uri} doesn't know {', '.join(map(repr, unknown))}",
            f"it knows: {', '.join(known) or 'nothing'}; name one with --wake-word",
        )
    return ok(part, f"{uri}, {round_trip_ms:.0f} ms, knows {', '.join(map(repr, names))}")


@asynccontextmanager
async def looking(
    named: Mapping[str, Sequence[str]], watch: Watch | None
) -> AsyncIterator["Search"]:
    """A search for servers, which goes on while the block runs."""
    search = Search(named, watch)
    task = asyncio.create_task(search.roster.run())
    try:
        yield search
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=_ANSWER_S)


class Search:
    """The servers that the satellite would find, by its own rules."""

    def __init__(self, named: Mapping[str, Sequence[str]], watch: Watch | None) -> None:
        self.roster = Roster(self._post, named, watch=watch)
        self._settled = asyncio.Event()
        self._least_s = _LEAST_LOOK_S if watch is not None else 0.0
        self._began_s = asyncio.get_running_loop().time()

    async def lines(self) -> list[Line]:
        """A line for each server, and for each kind that is missing."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(self._began_s + _LOOK_S):
                await self._settled.wait()
                await asyncio.sleep(self._began_s + self._least_s - loop.time())
        except TimeoutError:
            pass  # what has been found until here is what there is
        return [line for kind in KINDS for line in kind_lines(kind, self.roster.ranked(kind))]

    def _post(self, event: Event) -> None:
        self._settled.set()


def kind_lines(kind: str, servers: Sequence[Known]) -> list[Line]:
    """The servers of a kind, or what to do for want of one."""
    lines = [_server_line(kind, server) for server in servers if server.host.answers]
    verdict = skipped if lines else bad
    silent = [server for server in servers if not server.host.answers]
    lines += [verdict(kind, at(s.uri, s.host.error), "start it, or name another") for s in silent]
    return lines or [verdict(kind, "no server found", missing_remedy(kind))]


def models_of(info: Info | None, kind: str) -> str:
    """What a server works with: its first model, how many voices it has."""
    programs = getattr(info, kind, [])
    things = [
        thing.name
        for program in programs
        for thing in (program.voices if kind == "tts" else program.models)
    ]
    if not things:
        return "names no model" if kind != "tts" else "names no voice"
    more = f" and {len(things) - 1} more" if len(things) > 1 else ""
    return f"{'voice' if kind == 'tts' else 'model'} {things[0]}{more}"


async def models_at(uri: str, kind: str) -> str:
    """What the server at `uri` works with, `""` when it doesn't say so in time."""
    try:
        info, _ = await describe(uri, _ANSWER_S)
    except (OSError, VoiceError):
        return ""
    return models_of(info, kind)


def _server_line(kind: str, server: Known) -> Line:
    host = server.host
    where = server.uri if host.name == server.uri else f"{server.uri} ({host.name})"
    return ok(kind, f"{where}, {host.round_trip_ms:.0f} ms, {models_of(server.info, kind)}")


async def _taken(uri: str) -> bool:
    """Whether somebody takes calls there: binding alone doesn't tell where ports may be shared."""
    address = parse_uri(uri)
    try:
        async with asyncio.timeout(_ANSWER_S):
            if address.path:
                _, writer = await asyncio.open_unix_connection(address.path)
            else:
                _, writer = await asyncio.open_connection(address.host, address.port)
    except OSError:
        return False
    writer.close()
    return True


async def _owner(uri: str) -> str:
    try:
        info, _ = await describe(uri, _ANSWER_S)
    except (OSError, VoiceError):
        return "a program that doesn't speak Wyoming"
    if info.satellite is not None:
        return f"another satellite, {info.satellite.name!r}"
    return "another Wyoming server"


def _reason(error: OSError | VoiceError) -> str:
    return str(error) if isinstance(error, VoiceError) else why(error)


def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
