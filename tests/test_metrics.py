"""The sheet of numbers, and the HTTP door to it that bad clients don't harm."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.metrics_client import MetricsClient
from tests.satellite.waiting import running
from wyoming_voice.errors import ConfigError
from wyoming_voice.metrics import About, MetricsServer, Sheet


@contextlib.asynccontextmanager
async def asked(server: MetricsServer) -> AsyncIterator[MetricsClient]:
    address = await server.listen()
    async with running(server.run()):
        yield MetricsClient(address.port)


@pytest.fixture
def server() -> MetricsServer:
    return MetricsServer("tcp://127.0.0.1:0", Sheet("test"), str)


async def test_what_is_counted_timed_and_asked_for() -> None:
    sheet = Sheet("test")
    sheet.counter("plain", "Plain.").inc(2)
    sheet.counter("kinds", "By sort.", ["sort"]).labels("a").inc()
    sheet.histogram("seconds", "Long or short.").observe(0.0015)

    def numbers() -> Iterator[tuple[str, float]]:
        yield from [("level-db", float("-inf")), ("level_db", 3), ("odd", float("nan"))]
        yield from ((f"many_{number}", number) for number in range(1000))

    sheet.numbers(numbers, {})
    async with asked(MetricsServer("tcp://127.0.0.1:0", sheet, str)) as client:
        values = await client.values()
    assert values["test_plain_total"] == 2
    assert values["test_kinds_total:a"] == 1
    assert values["test_seconds_bucket:0.001"] == 0
    assert values["test_seconds_bucket:0.0025"] == 1
    assert values["test_seconds_bucket:30.0"] == 1
    assert values["test_level_db"] == float("-inf")
    assert "test_odd" not in values
    assert sum(name.startswith("test_many_") for name in values) == 199


async def test_health_says_what_is_wrong() -> None:
    unwell = ["loading"]
    server = MetricsServer("tcp://127.0.0.1:0", Sheet("test"), lambda: unwell[0])
    async with asked(server) as client:
        said = await client.get("/health")
        assert said == ("HTTP/1.1 503 Service Unavailable", b"loading\n")
        unwell[0] = ""
        assert await client.get("/health?verbose") == ("HTTP/1.1 200 OK", b"ok\n")


@pytest.mark.parametrize(
    ("request_", "status_line"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"),
        (b"hello\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET /metrics HTTP/2\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"\x16\x03\x01 tls?\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (
            b"GET /metrics HTTP/1.1\r\nCookie: " + b"x" * 300_000 + b"\r\n\r\n",
            "HTTP/1.1 431 Request Header Fields Too Large",
        ),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK"),
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403 Forbidden"),
        (b"GET /metrics HTTP/1.1\r\nHOST\t:evil.example:9300\r\n\r\n", "HTTP/1.1 403 Forbidden"),
        (
            b"GET /metrics HTTP/1.1\r\nHost: box.local\r\nhost: evil.example\r\n\r\n",
            "HTTP/1.1 403 Forbidden",
        ),
        (b"GET /metrics HTTP/1.1\r\nHost: box.local:9300\r\n\r\n", "HTTP/1.1 200 OK"),
    ],
)
async def test_odd_requests_are_answered(
    server: MetricsServer, request_: bytes, status_line: str
) -> None:
    async with asked(server) as client:
        got, body = await client.send(request_)
        assert got == status_line
        assert bool(body) == (not request_.startswith(b"HEAD"))


async def test_a_name_that_web_pages_may_call_us_by_leads_here_too() -> None:
    server = MetricsServer("tcp://127.0.0.1:0", Sheet("test"), str)
    address = await server.listen(origins=["https://voice.example"])
    async with running(server.run()):
        client = MetricsClient(address.port)
        said = b"GET /health HTTP/1.1\r\nHost: voice.example\r\n\r\n"
        assert await client.send(said) == ("HTTP/1.1 200 OK", b"ok\n")


async def test_clients_that_say_nothing_are_few(server: MetricsServer) -> None:
    async with asked(server) as client, contextlib.AsyncExitStack() as stack:
        port = client.port
        for _ in range(8):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
        got = ""
        with contextlib.suppress(ConnectionError):
            got, _ = await client.get("/health")
        assert got == ""


async def test_an_address_that_cannot_be_had(server: MetricsServer) -> None:
    async with asked(server) as client:
        with pytest.raises(ConfigError, match="can't be had"):
            await MetricsServer(f"tcp://127.0.0.1:{client.port}", Sheet("x"), str).listen()
    with pytest.raises(ConfigError, match="needs tcp://HOST:PORT"):
        await MetricsServer("unix:///tmp/metrics", Sheet("x"), str).listen()


async def test_ready_is_health_and_live_is_whether_to_start_anew() -> None:
    unwell, stuck = ["loading"], [""]
    sheet = Sheet("test")
    server = MetricsServer("tcp://127.0.0.1:0", sheet, lambda: unwell[0], lambda: stuck[0])
    async with asked(server) as client:
        assert (await client.get("/ready"))[0] == "HTTP/1.1 503 Service Unavailable"
        assert await client.get("/live") == ("HTTP/1.1 200 OK", b"ok\n")
        unwell[0], stuck[0] = "", "stuck"
        assert (await client.get("/ready"))[0] == "HTTP/1.1 200 OK"
        assert (await client.get("/live"))[1] == b"stuck\n"


def test_every_number_says_whose_it_is_and_what_it_means() -> None:
    sheet = Sheet("test", kind="asr")
    sheet.counter("plain", "Plain.").inc()
    sheet.histogram("sound_seconds", "Sound.", bounds=(1, 2)).observe(1.5)
    about = {"restarts": About("Starts.", grows=True), "depth": About("Who waits.")}
    sheet.numbers(lambda: [("restarts", 2), ("depth", 3), ("odd", 4)], about)
    sheet.info("build", "What runs.", {"version": "1.2"})
    page = sheet.text().decode()
    for line in (
        'test_plain_total{kind="asr"} 1.0',
        'test_sound_seconds_bucket{kind="asr",le="2.0"} 1.0',
        "# TYPE test_restarts_total counter",
        'test_restarts_total{kind="asr"} 2.0',
        "# HELP test_depth Who waits.",
        'test_depth{kind="asr"} 3.0',
        'test_odd{kind="asr"} 4.0',
        'test_build_info{kind="asr",version="1.2"} 1.0',
    ):
        assert f"{line}\n" in page
    assert 'process_open_fds{kind="asr"}' in page
    assert "_created" not in page
    assert sheet.text().decode().count('version="1.2"') == 1  # however often it is read
