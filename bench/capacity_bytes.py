"""What one turn of a satellite puts on the wire, counted between it and its servers.

Rule: the satellite's own turn (`satellite.link`) with real servers; between them stands a relay that passes
everything on and keeps a copy. Packets are those of a network on which they hold 1448 bytes: the kernel
counts them at the relay's end.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from wyoming.audio import AudioChunk
from wyoming.event import Event

from bench.llm import Script, scripted_llm
from bench.servers import COMMAND_MODEL, ours
from bench.speech import recordings
from bench.turn import ANSWER
from satellite.ask import AskSettings, endpointing_of
from satellite.hearing.ears import EarSettings
from satellite.link import Servers, Turn
from wyoming_voice.benchmark.recording import paced
from wyoming_voice.benchmark.report import OURS, Better, Report
from wyoming_voice.vad import FRAME_MS
from wyoming_voice.wire import WireLimits, parse_uri, read_event

HEADERS_BYTES = 20 + 32
"""Of a packet: IPv4's and TCP's, with the time stamps that Linux sends."""

SEGMENT_BYTES = 1448
_SILENCE_MS = 2500
_SEGMENTS = struct.Struct("=136xII")
"""`tcpi_segs_out` and `tcpi_segs_in` in `struct tcp_info` of linux/tcp.h."""


@dataclass
class Passed:
    """What went through one relay, in both directions."""

    up: bytearray = field(default_factory=bytearray)
    down: bytearray = field(default_factory=bytearray)
    connections: int = 0
    packets: int = 0


async def turn_bytes(report: Report) -> None:
    """One turn: bytes and packets to and from each server, beside what its speech alone is."""
    passed = await _turn()
    for kind, one in passed.items():
        for way, raw in (("to", one.up), ("from", one.down)):
            row = report.row(f"a turn: {way} the {kind} server", "kB", better=Better.NEITHER)
            row.add(OURS, len(raw) / 1000)
            seconds = [_seconds(event) for event in await _events(bytes(raw))]
            if sum(seconds) > 0:
                row = report.row(f"a turn: {way} the {kind} server: speech in it", "s")
                row.better = Better.NEITHER
                row.add(OURS, sum(seconds))
                row = report.row(f"a turn: {way} the {kind} server: of a second of speech", "kbit")
                row.add(OURS, len(raw) * 8 / 1000 / sum(seconds))
        row = report.row(f"a turn: packets to and from the {kind} server", "n")
        row.add(OURS, one.packets)
    whole = sum(
        len(one.up) + len(one.down) + HEADERS_BYTES * one.packets for one in passed.values()
    )
    report.row("a turn: all of it, with the packets' headers", "kB").add(OURS, whole / 1000)
    count = sum(one.connections for one in passed.values())
    report.row("a turn: connections", "n", better=Better.NEITHER).add(OURS, count)


async def _turn() -> dict[str, Passed]:
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        llm_url = await enter(scripted_llm(Script(ANSWER)))
        servers = {
            "asr": await enter(ours("asr", "--model", str(COMMAND_MODEL), "--device", "cpu")),
            "handle": await enter(ours("handle", "--llm-url", llm_url)),
            "tts": await enter(ours("tts", "--engine", "espeak")),
        }
        passed = {kind: Passed() for kind in servers}
        uris = {
            kind: await enter(_relay(server.uri, passed[kind])) for kind, server in servers.items()
        }
        question = recordings(_SILENCE_MS)[0]
        turn = Turn(Servers(**uris), lambda _: None)
        frames = paced(question.chunks(FRAME_MS), FRAME_MS, time.monotonic())
        ears = EarSettings(endpointing_of(AskSettings.model_validate({})))
        text = await turn.hear(frames, ears)
        await turn.respond(text)
    return passed


@contextlib.asynccontextmanager
async def _relay(uri: str, passed: Passed) -> AsyncIterator[str]:
    """Passes on what comes, either way, until the block ends."""
    address = parse_uri(uri)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed.connections += 1
        theirs, to_server = await asyncio.open_connection(address.host, address.port)
        ways = (_pass(reader, to_server, passed.up), _pass(theirs, writer, passed.down))
        going = [asyncio.create_task(way) for way in ways]
        tasks.update(going)
        await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
        passed.packets += sum(_segments(writer))
        for side in (to_server, writer):
            side.close()

    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        async with await asyncio.start_server(serve, sock=sock):
            yield f"tcp://127.0.0.1:{sock.getsockname()[1]}"
            await asyncio.wait(tasks)


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            kept += data
            writer.write(data)


def _segments(writer: asyncio.StreamWriter) -> tuple[int, int]:
    sock = writer.get_extra_info("socket")
    return _SEGMENTS.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SEGMENTS.size))


async def _events(raw: bytes) -> list[Event]:
    """What is in it; several connections one after another are as one."""
    reader = asyncio.StreamReader(limit=2**20)
    reader.feed_data(raw)
    reader.feed_eof()
    events = []
    while (event := await read_event(reader, WireLimits())) is not None:
        events.append(event)
    return events


def _seconds(event: Event) -> float:
    """The sound in it."""
    return AudioChunk.from_event(event).seconds if AudioChunk.is_type(event.type) else 0.0
