"""The sheet of numbers, and the HTTP door to it that bad clients don't harm."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.metrics_client import MetricsClient
from tests.satellite.waiting import running
from wyoming_voice.errors import ConfigError
from wyoming_voice.metrics import MetricsServer, Sheet


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
    sheet.counter("kinds", "By kind.", ["kind"]).labels("a").inc()
    sheet.histogram("seconds", "Long or short.").observe(0.0015)

    def numbers() -> Iterator[tuple[str, float]]:
        yield from [("level-db", float("-inf")), ("level_db", 3), ("odd", float("nan"))]
        yield from ((f"many_{number}", number) for number in range(1000))

    sheet.gauges(numbers, "Up and down.")
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
    ],
)
async def test_odd_requests_are_answered(
    server: MetricsServer, request_: bytes, status_line: str
) -> None:
    async with asked(server) as client:
        got, body = await client.send(request_)
        assert got == status_line
        assert bool(body) == (not request_.startswith(b"HEAD"))


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
