"""A spoken turn through real processes: one id in all four logs, in either format, and one trace.

The satellite hears a file; ASR, handle and TTS are real, with the smallest engines.
"""

import contextlib
import json
import os
import re
from pathlib import Path

import pytest

from tests.asr.speech import COMMAND_MODEL
from tests.collector import Collector, Seen, collecting
from tests.processes import at_home
from tests.spoken_turn import spoken_turn
from wyoming_voice import __version__
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


async def a_turn(room: Path, *shared: str) -> dict[str, list[str]]:
    """What each of the four wrote into its log from beginning to end."""
    async with contextlib.AsyncExitStack() as running:
        servers = {
            kind: await running.enter_async_context(at_home(room, kind, *_LOCAL, *engine, *shared))
            for kind, engine in _ENGINES.items()
        }
        uris = {kind: await server.says("ready") for kind, server in servers.items()}
        satellite = await spoken_turn(room, QUESTION, uris, *shared)
    processes = {**servers, "satellite": satellite}
    return {name: process.log.splitlines() for name, process in processes.items()}


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
