"""Asks one service how it is: a Wyoming server, a satellite by its control socket, a gateway by HTTP.

Rules: whatever happens becomes a report; whoever lists the extension `status` is asked for it, of others
is told what they describe.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from wyoming.event import Event

from satellite.around.remote import running_status
from wyoming_voice.describing import Declined, Description, describe_on
from wyoming_voice.errors import UpstreamError, VoiceError, why
from wyoming_voice.extensions import STATUS
from wyoming_voice.status.report import (
    Load,
    Report,
    State,
    counts_in,
    declined,
    load_in,
    number,
    numbers_in,
    plain,
    state_in,
    texts_in,
    troubles_in,
)
from wyoming_voice.tls import trouble
from wyoming_voice.wire import Address, Connection, WireLimits, connect

_KINDS = ("asr", "tts", "handle", "intent", "wake", "satellite")
_MOST_BYTES = 262_144
"""The longest answer of a gateway that is read."""


async def ask(uri: str, name: str, timeout_s: float) -> Report:
    """How the Wyoming server at `uri` is; `name` is what it is announced as."""
    report = Report(plain(name), plain(uri), State.NO_ANSWER)
    try:
        async with (
            asyncio.timeout(timeout_s),
            connect(uri, timeout_s=timeout_s, limits=WireLimits()) as connection,
        ):
            info = await describe_on(connection, uri)
            report = _described(report, info)
            if STATUS in info.extensions:
                report = _without_us(_told(report, await _status_on(connection, uri)))
    except OSError as error:  # TimeoutError among them
        return replace(report, state=State.NO_ANSWER, remark=why(error))
    except Declined as error:
        return replace(report, state=declined(error.said), remark=plain(str(error)))
    except VoiceError as error:
        return replace(report, state=State.NO_ANSWER, remark=plain(str(error)))
    return report


async def ask_satellite(control: Path, timeout_s: float) -> Report | None:
    """How the satellite of this machine is, by its control socket; None where none runs."""
    try:
        async with asyncio.timeout(timeout_s):
            status: Mapping[str, object] = await running_status(control)
    except UpstreamError:
        return None
    except TimeoutError as error:
        remark = why(error)
        return Report("", f"unix://{control}", State.NO_ANSWER, ("satellite",), remark=remark)
    report = Report("", f"unix://{control}", State.READY, ("satellite",))
    account = status.get("account")
    return _told(report, account if isinstance(account, dict) else {})


async def ask_gateway(address: Address, context: ssl.SSLContext | None, timeout_s: float) -> Report:
    """How the gateway at an address is; its page's health names its servers."""
    scheme = "https" if context else "http"
    report = Report(
        "", f"{scheme}{str(address).removeprefix('tcp')}", State.NO_ANSWER, ("gateway",)
    )
    try:
        async with asyncio.timeout(timeout_s):
            status, health = await _health(address, context)
    except ssl.SSLError as error:
        return replace(report, remark=trouble(error))
    except OSError as error:
        return replace(report, remark=why(error))
    except (ValueError, RecursionError):  # JSON may have any number of levels
        return replace(report, remark="what answers is no gateway")
    missing = [plain(row.get("kind")) for row in _rows(health) if row.get("state") != "up"]
    state = State.READY if status == 200 else State.STOPPING
    remark = f"its servers that are not ready: {', '.join(missing)}" if missing else ""
    account = health.get("account")
    told = _told(report, account if isinstance(account, dict) else {})
    return replace(told, state=state, remark=remark)


async def _status_on(connection: Connection, uri: str) -> Mapping[str, object]:
    await connection.write(Event(STATUS))
    async for event in connection:
        if event.type == STATUS:
            return event.data
    raise UpstreamError(f"{uri} closed without telling its status")


def _described(report: Report, info: Description) -> Report:
    kinds = tuple(kind for kind in _KINDS if getattr(info, kind))
    programs = [
        program
        for group in (info.asr, info.tts, info.handle, info.intent, info.wake)
        for program in group
    ]
    named = [f"{program.name} {program.version or ''}".strip() for program in programs]
    name = report.name or (info.satellite.name if info.satellite else "")
    version = (info.satellite.version or "") if info.satellite else ""
    return replace(
        report,
        name=plain(name),
        what=kinds,
        state=State.READY,
        engine=plain(", ".join(named)),
        version=plain(version),
    )


def _told(report: Report, data: Mapping[str, object]) -> Report:
    return replace(
        report,
        state=state_in(data),
        version=plain(data.get("version")) or report.version,
        engines=texts_in(data.get("engines")),
        load=load_in(data),
        requests=counts_in(data.get("requests")),
        uptime_s=number(data.get("uptime_s")),
        numbers=numbers_in(data.get("numbers")),
        troubles=troubles_in(data.get("last_errors")),
    )


def _without_us(report: Report) -> Report:
    """Whoever asks is connected."""
    load = report.load or Load()
    return replace(report, load=replace(load, connections=max(0, load.connections - 1)))


async def _health(
    address: Address, context: ssl.SSLContext | None
) -> tuple[int, dict[str, object]]:
    """The status and the body of a gateway's `/health`; OSError, ValueError."""
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    try:
        host = str(address).removeprefix("tcp://")
        writer.write(f"GET /health HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = await _all_of(reader)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    version, status, *_ = head.decode("latin-1").split(" ", 2)
    if not version.startswith("HTTP/"):
        raise ValueError("no HTTP")
    health = json.loads(body)
    if not isinstance(health, dict) or ("services" not in health and "error" not in health):
        raise ValueError("no gateway")
    return int(status), health


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while len(answer) < _MOST_BYTES and (piece := await reader.read(65_536)):
        answer += piece
    return answer


def _rows(health: Mapping[str, object]) -> list[dict[str, object]]:
    rows = health.get("services")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
