"""What `wyoming-voice satellite status|watch|trigger|…` says to the satellite that runs, and shows of it.

Rule: a person reads this. What is wrong is told with the path that was tried and what to do.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from satellite.config import SatelliteSettings
from wyoming_voice.errors import ConfigError, UpstreamError

_PATIENCE_S = 5.0
"""How long the satellite may take to answer; it does so at once."""

_LINE_BYTES = 1_000_000


async def command(settings: SatelliteSettings) -> int:
    """Have the running satellite do one thing; the exit status.

    Raises ConfigError for an argument that makes no sense, and UpstreamError when no satellite runs, or
    when it refuses.
    """
    request = request_for(settings.action, settings.argument)
    console = Console(highlight=False, markup=False, emoji=False)
    async with _connected(settings.control_path) as (reader, writer):
        writer.write(json.dumps(request).encode() + b"\n")
        async with _in_time(settings.control_path):
            answer = await _line(reader)
        if answer.get("ok") is not True:
            raise UpstreamError(str(answer.get("error", "the satellite has ended")))
        match settings.action:
            case "status":
                _show_status(console, answer["status"])
            case "timer":
                console.print(f"timer {answer['id']} runs for {request['seconds']:g} s")
            case "watch":
                await _show_events(console, reader)
    return 0


async def running_status(path: Path) -> dict[str, Any]:
    """All that the satellite whose control socket is at `path` knows of itself; raises UpstreamError."""
    async with _connected(path) as (reader, writer):
        writer.write(b'{"do": "status"}\n')
        async with _in_time(path):
            status = (await _line(reader)).get("status")
    if not isinstance(status, dict):
        raise UpstreamError(
            f"what listens on {path} is no satellite; name another path (--control)"
        )
    return status


def request_for(action: str, argument: str) -> dict[str, Any]:
    """The line for an action with its argument; ConfigError says what would be one."""
    match action:
        case "volume":
            if not argument:
                raise ConfigError("volume needs a percentage: volume 40")
            percent = _number(argument.removesuffix("%"), "volume 40 (percent)")
            if not 0 <= percent <= 100:
                raise ConfigError(f"volume {argument!r}: write 0 to 100, such as volume 40")
            return {"do": "volume", "percent": percent}
        case "timer":
            if not argument:
                raise ConfigError("timer needs a number of seconds: timer 300")
            seconds = _number(argument, "timer 300 (seconds)")
            if seconds <= 0:
                raise ConfigError(f"timer {argument!r}: write seconds, such as timer 300")
            return {"do": "timer", "seconds": seconds}
        case "say":
            if not argument.strip():
                raise ConfigError('say needs a text: say "the door is open"')
            return {"do": "say", "text": argument}
    if argument:
        raise ConfigError(f"{action} takes no argument (got {argument[:80]!r})")
    return {"do": action}


def _number(argument: str, example: str) -> float:
    try:
        number = float(argument)
    except ValueError:
        number = float("nan")
    if number - number != 0:  # neither infinity nor what is no number
        raise ConfigError(f"{argument!r} is no number; write {example}")
    return number


@contextlib.asynccontextmanager
async def _connected(
    path: Path,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        async with _in_time(path):
            reader, writer = await asyncio.open_unix_connection(path, limit=_LINE_BYTES)
    except PermissionError as error:
        raise UpstreamError(
            f"{path} may not be opened by you; join the group that owns it, or run this as the "
            "satellite's user"
        ) from error
    except OSError as error:
        raise UpstreamError(
            f"no satellite listens on {path}; start one (`wyoming-voice satellite`), or name its "
            "socket (--control PATH)"
        ) from error
    try:
        yield reader, writer
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def _in_time(path: Path) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            yield
    except TimeoutError as error:
        raise UpstreamError(
            f"the satellite at {path} has not answered for {_PATIENCE_S:g} s; it hangs: restart it"
        ) from error


async def _line(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next line; {} when there is none any more. Raises UpstreamError for one that is no answer."""
    try:
        line = await reader.readline()
        answer = json.loads(line) if line else {}
    except ConnectionError:
        return {}
    except ValueError as error:
        raise UpstreamError("what answers there is no satellite: it writes no JSON") from error
    if not isinstance(answer, dict):
        raise UpstreamError("what answers there is no satellite: it writes no JSON object")
    return answer


async def _show_events(console: Console, reader: asyncio.StreamReader) -> None:
    """A line for each thing that happens, until the satellite ends."""
    while event := await _line(reader):
        if event.get("event") == "lost":
            console.print(f"… {event.get('count')} events were lost")
        elif "event" in event:
            at = time.strftime("%H:%M:%S", time.localtime(event.get("at")))
            text = f"{event['event']:17} {event.get('text', '')}".rstrip()
            console.print(f"{at}  {text}", soft_wrap=True)
    raise UpstreamError("the satellite has ended")


def _show_status(console: Console, status: dict[str, Any]) -> None:
    """One table: what stands alone, then each part with its facts, then each list with its rows."""
    status = _for_people(status)
    plain = {name: value for name, value in status.items() if not isinstance(value, dict)}
    console.print(_facts("", plain))
    for name, part in status.items():
        if isinstance(part, dict):
            console.print(_facts(name, part))


def _for_people(status: dict[str, Any]) -> dict[str, Any]:
    """The same, each thing once, and rows of servers and timers that can be read at a glance."""
    shown = {
        name: {key: item for key, item in part.items() if key != "muted"}
        if isinstance(part, dict)
        else part
        for name, part in status.items()
        if name != "account"  # `wyoming-voice status` shows it
    }
    if "home-assistant" in shown.get("muted", ()):
        shown["muted"] = [*shown["muted"], "unmute it in Home Assistant"]
    for part in (part for part in shown.values() if isinstance(part, dict)):
        if isinstance(part.get("volume"), int | float):
            part["volume"] = f"{part['volume']:.0%}"
        for name, row in (("servers", _server_row), ("timers", _timer_row)):
            if isinstance(part.get(name), list):
                part[name] = tuple(row(item) for item in part[name]) or None
    return shown


def _server_row(server: dict[str, Any]) -> str:
    """`asr  tcp://127.0.0.1:10300  2.5 ms`."""
    kind, uri, error = (str(server.get(name) or "") for name in ("kind", "uri", "error"))
    if server.get("answers") is False:
        return f"{kind:6}  {uri}  {error or 'does not answer'}"
    row = f"{kind:6}  {uri}  {server.get('round_trip_ms', '?')} ms"
    return f"{row}  (failed: {error})" if error else row


def _timer_row(timer: dict[str, Any]) -> str:
    """`pizza  running  240 s of 600 s  (id t1)`."""
    of = f"{timer.get('remaining_s')} s of {timer.get('total_s', 0):g} s"
    return f"{timer.get('name') or 'timer'}  {timer.get('state')}  {of}  (id {timer.get('id')})"


def _facts(title: str, facts: dict[str, Any]) -> Table:
    table = Table(
        title=_words(title) or None, title_justify="left", title_style="bold", box=None,
        show_header=False, pad_edge=False,
    )  # fmt: skip
    table.add_column(min_width=22, style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        rows = _rows(value)
        table.add_row(_words(name), rows[0])
        for row in rows[1:]:
            table.add_row("", row)
    return table


def _rows(value: object) -> list[str]:
    """A fact in words; a list of things gives a row for each."""
    match value:
        case [dict(), *_]:
            return [_rows(item)[0] for item in value]
        case tuple():
            return [str(row) for row in value]
        case list():
            return [", ".join(_rows(item)[0] for item in value) or "none"]
        case dict():
            known = {name: item for name, item in value.items() if item not in ("", None, [])}
            return ["  ".join(f"{_words(name)} {_rows(item)[0]}" for name, item in known.items())]
        case bool():
            return ["yes" if value else "no"]
        case None | "":
            return ["-"]
        case float():
            return [f"{value:.4g}"]
    return [str(value)]


def _words(name: str) -> str:
    """`remaining_s` is for programs; `remaining (s)` is for people."""
    for unit in ("ms", "s", "hz", "dbfs", "db", "mb"):
        if name.endswith(f"_{unit}"):
            return f"{_words(name.removesuffix(f'_{unit}'))} ({unit})"
    return name.replace("_", " ")
