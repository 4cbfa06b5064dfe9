"""Spans on their way to a collector, and what happens where it is not there."""

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from wyoming.event import Event

from tests.collector import collecting
from tests.fakes import FakeProgram, on_loopback
from tests.wire_client import client_of
from wyoming_voice import logs, tracing
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.service import serving


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    tracing.stop()


def a_record(kind: str = "asr") -> TurnRecord:
    now_s = asyncio.get_running_loop().time()
    record = TurnRecord(kind)
    record.spent("work", now_s - 0.5, now_s)
    return record


async def test_a_request_of_a_service_and_its_failure() -> None:
    async with collecting() as collector:
        tracing.start(collector.url, "asr")
        async with serving(FakeProgram(), on_loopback()) as address, client_of(address) as client:
            await client.send(Event("echo"), Event("fail"))
            await client.read_until("farewell")
        await collector.until(lambda: len(collector.spans) == 2)
    assert {(span.service, span.name, span.failed) for span in collector.spans} == {
        ("wyoming-voice-asr", "asr", ""),
        ("wyoming-voice-asr", "asr", "engine-failed"),
    }
    assert len({span.trace for span in collector.spans}) == 2
    assert {span.parent for span in collector.spans} == {""}


async def test_a_collector_that_is_away_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # as `logs.to_stderr` does
    async with collecting() as collector:
        collector.refuse = True
        tracing.start(collector.url.replace("http://", "http://me:secret@"), "tts")
        for count in (1, 2):
            tracing.told(a_record("tts"), "ok")
            await collector.posted(count)
        collector.refuse = False
        tracing.told(a_record("tts"), "ok")
        await collector.until(lambda: len(collector.spans) == 2)
        await asyncio.to_thread(tracing.stop)
    said = [r.getMessage() for r in caplog.records if r.name == "wyoming_voice.otlp"]
    assert said == [
        f"no collector takes traces at {collector.url}/v1/traces; they are lost",
        f"traces are taken again at {collector.url}/v1/traces",
    ]


@pytest.mark.timeout(20)
async def test_the_end_does_not_wait_for_a_collector_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracing.start(f"http://127.0.0.1:{silent.getsockname()[1]}", "asr")
        tracing.told(a_record(), "ok")
        tracing.stop()  # the SDK's own patience is 30 s


def test_what_is_kept_for_a_collector_is_bounded() -> None:
    from wyoming_voice.otlp import Exporting

    exporting = Exporting("http://127.0.0.1:9/v1/traces", "wyoming-voice-asr")
    queue = exporting._batches._batch_processor._queue
    assert queue.maxlen == 4096
    exporting.end()


@pytest.mark.parametrize(
    ("url", "posted"),
    [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("https://c/", "https://c/v1/traces"),
        ("https://c/otlp/v1/traces", "https://c/otlp/v1/traces"),
        ("collector:4318", None),
        ("ftp://c", None),
        ("http://", None),
        ("http://c:99999", None),
        ("http://[::1", None),
    ],
)
def test_which_urls_there_are(url: str, posted: str | None) -> None:
    if posted is None:
        with pytest.raises(ValueError, match="write http://HOST:4318"):
            tracing.endpoint(url)
    else:
        assert tracing.endpoint(url) == posted


LACKING = """
import sys
sys.modules["opentelemetry"] = None
from wyoming_voice.cli import main
sys.exit(main(["handle", "--llm-url", "none", *sys.argv[1:]]))
"""


def test_without_the_extra_the_remedy_is_told() -> None:
    command = [sys.executable, "-c", LACKING, "--otlp-url", "http://127.0.0.1:9"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 2
    assert "pip install 'wyoming-voice[handle,otel]'" in ended.stderr


def test_no_collector_no_library() -> None:
    code = "import sys, satellite.run, wyoming_voice.tracing, wyoming_voice.service\n"
    code += "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
    assert logs.current_turn() == ""
