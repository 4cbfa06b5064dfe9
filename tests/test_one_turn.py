"""A spoken turn through real processes: one id in all four logs, in either format, and one trace.

The satellite hears a file; ASR, handle and TTS are real, with the smallest engines.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
import wave
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.asr.speech import COMMAND_MODEL, said, silence
from tests.collector import Collector, Seen, collecting
from wyoming_voice import __version__
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.spans import first_span_of, trace_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a fifo says when the answer was heard")

QUESTION = "What time is it?"
WORDS = ("time", "o'clock", "clock")
_ENGINES = {
    "asr": ("--model", str(COMMAND_MODEL), "--language", "en", "--cpu-threads", "1"),
    "tts": ("--engine", "espeak"),
    "handle": ("--llm-url", "none"),
}
_LOCAL = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf")
_SATELLITE = (
    *("--mode", "standalone", "--gate", "vad", "--snd", "none", "--aec", "off"),
    *("--no-tones", "--no-thinking-sound", "--no-zeroconf", "--no-control"),
)


class Process:
    """One of the four, in a home of its own; its log is a file."""

    def __init__(self, name: str, room: Path) -> None:
        self.name = name
        self.log = room / f"{name}.log"
        self.uri = ""
        self._process: asyncio.subprocess.Process | None = None

    @contextlib.asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator["Process"]:
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("WYOMING_", "XDG_"))}
        with self.log.open("wb") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "wyoming_voice", self.name, *arguments),
                env={**ours, "HOME": str(self.log.parent)},
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        try:
            yield self
            process.terminate()
            assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def ready(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while not self.uri:
            line = (await self._process.stdout.readline()).decode()
            assert line, self.log.read_text()
            self.uri = line.removeprefix("ready ").strip() if line.startswith("ready ") else ""


async def a_turn(room: Path, *shared: str) -> dict[str, list[str]]:
    """What each of the four wrote into its log from beginning to end."""
    servers = [Process(name, room) for name in _ENGINES]
    satellite = Process("satellite", room)
    async with contextlib.AsyncExitStack() as running:
        for server in servers:
            arguments = (*_LOCAL, *_ENGINES[server.name], *shared)
            await running.enter_async_context(server.running(*arguments))
        async with asyncio.timeout(40):
            for server in servers:
                await server.ready()
        await _heard(satellite, servers, room, shared)
    return {one.name: one.log.read_text().splitlines() for one in (*servers, satellite)}


async def _heard(
    satellite: Process, servers: Sequence[Process], room: Path, shared: Sequence[str]
) -> None:
    """Until the answer to what the microphone's file asks has been heard."""
    with wave.open(str(room / "mic.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(to_pcm16(np.concatenate((silence(0.5), said(QUESTION), silence(2)))))
    os.mkfifo(room / "played")
    fifo = os.open(room / "played", os.O_RDWR | os.O_NONBLOCK)
    played = asyncio.Event()
    asyncio.get_running_loop().add_reader(fifo, played.set)
    uris = [part for one in servers for part in (f"--{one.name}-uri", one.uri)]
    sound = ("--mic", f"file:{room / 'mic.wav'}", "--on-played", f"echo > {room / 'played'}")
    try:
        async with satellite.running(*_SATELLITE, *sound, *uris, *shared), asyncio.timeout(40):
            await played.wait()
    finally:
        asyncio.get_running_loop().remove_reader(fifo)
        os.close(fifo)


async def test_text_logs_name_the_turn(tmp_path: Path) -> None:
    logs = await a_turn(tmp_path)
    turns = {name: re.findall(r"turn=(\w+)", "\n".join(lines)) for name, lines in logs.items()}
    assert all(turns.values()), logs
    assert len({turn for found in turns.values() for turn in found}) == 1, logs
    check_wordless(logs)


async def test_json_logs_and_a_trace(tmp_path: Path) -> None:
    async with collecting() as collector:
        logs = await a_turn(tmp_path, "--log-format", "json", "--otlp-url", collector.url)
        await collector.until(lambda: len(collector.resources) == 4)
    check_wordless(logs)
    records = {name: [json.loads(line) for line in lines] for name, lines in logs.items()}
    turns = {record["turn"] for lines in records.values() for record in lines if "turn" in record}
    assert len(turns) == 1, logs
    over = {
        record["kind"]: record for lines in records.values() for record in lines if "kind" in record
    }
    assert {kind: record["outcome"] for kind, record in over.items()} == dict.fromkeys(
        ("asr", "handle", "tts", "turn"), "ok"
    )
    assert over["asr"]["facts"]["words"] > 2
    assert over["asr"]["stages_ms"]["total"] > 0
    check_trace(collector, turns.pop())


def check_wordless(logs: dict[str, list[str]]) -> None:
    """Nothing of the question or the answer is in a line."""
    for lines in logs.values():
        said = [line.lower().replace('"time":', "") for line in lines]
        assert not [line for line in said if any(word in line for word in WORDS)]


def check_trace(collector: Collector, turn: str) -> None:
    """One trace: the satellite's span over the servers', each over its stages; no words in it."""
    names = {f"wyoming-voice-{name}" for name in (*_ENGINES, "satellite")}
    assert set(collector.resources) == names
    assert {each["service.version"] for each in collector.resources.values()} == {__version__}
    spans = {span.id: span for span in collector.spans}
    assert len(spans) == len(collector.spans)
    assert {int(span.trace, 16) for span in collector.spans} == {trace_of(turn)}
    root = spans[f"{first_span_of(turn):016x}"]
    assert (root.service, root.name, root.parent, root.failed) == (
        "wyoming-voice-satellite",
        "turn",
        "",
        "",
    )
    requests = {span.name for span in collector.spans if span.parent == root.id and span.kind == 2}
    assert requests == {"asr", "handle", "tts"}
    for span in collector.spans:
        check_span(span, spans)


def check_span(span: Seen, spans: dict[str, Seen]) -> None:
    assert 0 <= span.end_ns - span.begin_ns < 60e9
    above = spans[span.parent] if span.parent else None
    if above is not None and above.service == span.service:
        assert above.begin_ns <= span.begin_ns <= span.end_ns <= above.end_ns
        assert span.attributes.keys() == {"wyoming.busy_ms"} or span.kind == 2
    told = " ".join(f"{value}" for value in span.attributes.values()).lower()
    assert not [word for word in WORDS if word in told]
