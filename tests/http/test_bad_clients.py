"""Clients that send half, too much, or nonsense, or read nothing: each is cut off, others are served."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.http.small_door import House, open_door, raw
from wyoming_voice.http import fence
from wyoming_voice.wire import Address

pytestmark = pytest.mark.asyncio(loop_scope="module")

TWO_GB = 2_000_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    """A house whose door has little patience."""
    async with open_door(http_timeout_s=0.15, max_upload_mb=1, max_http_requests=4) as house:
        yield house
        assert house.floor.requests == 0


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def untroubled(house: House) -> AsyncIterator[None]:
    """Whatever a client does, the next one is served."""
    house.started.clear()
    house.cleaned_up.clear()
    yield
    async with raw(house) as client:
        await client.say("GET /health HTTP/1.1", "Host: localhost")
        assert (await client.answer())[0] == 200


@pytest.mark.parametrize(
    "said",
    [
        "",
        "GET /hea",
        "GET /health HTTP/1.1\r\nHost: localhost\r\n",
        "POST /wish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
        "POST /wish HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n",
    ],
)
async def test_half_a_request(house: House, said: str) -> None:
    async with raw(house) as client:
        await client.say(said, end="")
        assert await client.gone()


async def test_a_header_that_comes_a_letter_at_a_time(house: House) -> None:
    """Each letter is news, and yet the whole is late."""
    async with raw(house) as client:
        await client.say("GET /health HTTP/1.1", "X-Long: ", end="")
        ended = asyncio.create_task(client.gone())
        while not ended.done():
            with contextlib.suppress(ConnectionError):
                await client.say("x", end="")
            await asyncio.wait((ended,), timeout=0.02)
        assert ended.result()


async def test_a_connection_that_is_kept_and_not_used(house: House) -> None:
    async with raw(house) as client:
        await client.say("GET /health HTTP/1.1", "Host: localhost")
        assert (await client.answer())[0] == 200
        assert await client.gone()


@pytest.mark.parametrize("keep", ["keep-alive", "close"])
async def test_2_gb_declared_are_refused_before_they_come(house: House, keep: str) -> None:
    async with raw(house) as client:
        await client.say(
            "POST /wish HTTP/1.1",
            "Host: localhost",
            f"Content-Length: {TWO_GB}",
            f"Connection: {keep}",
            body=b"x" * 20_000_000,
        )
        status, _, told = await client.answer()
        assert (status, told["error"]["code"]) == (413, "too-large")
        assert await client.gone()


async def test_whoever_asks_first_hears_it_before_he_sends(house: House) -> None:
    async with raw(house) as client:
        await client.say(
            "POST /wish HTTP/1.1",
            "Host: localhost",
            f"Content-Length: {TWO_GB}",
            "Expect: 100-continue",
        )
        assert (await client.answer())[0] == 413


async def test_whoever_asks_first_may_send(house: House) -> None:
    async with raw(house) as client:
        body = b'{"word": "a"}'
        await client.say(
            "POST /wish HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Expect: 100-continue",
        )
        assert (await client.head())[0] == 100
        await client.say(body.decode(), end="")
        assert (await client.answer())[0] == 200


async def test_chunks_without_end(house: House) -> None:
    async with raw(house) as client:
        await client.say("POST /wish HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
        for _ in range(30):
            await client.say("10000", end="\r\n", body=b"x" * 65_536 + b"\r\n")
        assert (await client.answer())[0] == 413


async def test_a_refused_upload_that_goes_on_is_cut_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "_LINGER_S", 0.1)
    async with raw(house) as client:
        await client.say("POST /wish HTTP/1.1", "Host: localhost", f"Content-Length: {TWO_GB}")
        assert (await client.answer())[0] == 413
        with pytest.raises(ConnectionError):
            await client.go_on("x" * 1000)


@pytest.mark.parametrize(
    "said",
    [
        "hello there",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nX\r\n\r\n",
        "POST /wish HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /wish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
    ],
)
async def test_what_is_no_http(house: House, said: str) -> None:
    async with raw(house) as client:
        with contextlib.suppress(ConnectionError):
            await client.say(said, end="\r\n\r\n")
        assert (await client.head())[0] == 400
        assert not await client.gone()


async def test_a_header_without_end(house: House) -> None:
    async with raw(house) as client:
        with pytest.raises(ConnectionError):
            await client.go_on("x" * 10_000)


async def test_a_stream_that_nobody_reads(house: House) -> None:
    async with raw(house) as client:
        await client.say("GET /stream?most=1000000 HTTP/1.1", "Host: localhost")
        await house.cleaned_up.wait()
        assert await house.outcome() == "gone"


async def test_a_websocket_that_nobody_reads(house: House) -> None:
    async with raw(house) as client:
        await client.say(
            "GET /ws HTTP/1.1",
            "Host: localhost",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        )
        assert (await client.head())[0] == 101
        await client.say(end="", body=b"\x81\x85\0\0\0\0flood")
        await house.cleaned_up.wait()


async def test_a_websocket_that_is_reset(house: House) -> None:
    async with connect(house.uri.replace("http", "ws") + "/ws") as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        socket.transport.abort()


async def test_a_message_of_5_mb(house: House) -> None:
    async with connect(house.uri.replace("http", "ws") + "/ws") as socket:
        with contextlib.suppress(ConnectionClosed):
            await socket.send(b"x" * 5_000_000)
        await socket.wait_closed()
        assert socket.close_code == 1009


async def _read_on(socket: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for _ in socket:
            pass


async def test_a_message_too_long_in_the_midst_of_an_answer(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(house.uri.replace("http", "ws") + "/ws") as socket:
        await socket.send("drip")
        await socket.recv()
        reading = asyncio.create_task(_read_on(socket))
        with contextlib.suppress(ConnectionClosed):
            await socket.send(b"x" * 5_000_000)
        await reading
        await house.cleaned_up.wait()
    assert "a bug" not in caplog.text


async def test_a_websocket_outlives_the_patience_for_requests(house: House) -> None:
    """Nobody waits for the rest of a request once it is a WebSocket."""
    async with connect(house.uri.replace("http", "ws") + "/ws") as socket:
        async with raw(house) as silent:
            assert await silent.gone()
        await socket.send("hello")
        assert await socket.recv() == "hello"


async def _status_on_a_new_connection(address: Address) -> int:
    """0 where the connection is cut off without a word."""
    try:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        try:
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return int((await reader.readuntil(b"\r\n")).split()[1])
        finally:
            writer.transport.abort()
    except (ConnectionError, asyncio.IncompleteReadError):
        return 0


async def test_one_client_more_than_there_is_room_for(caplog: pytest.LogCaptureFixture) -> None:
    """It hears why in the shape of every error, and is counted; the log tells of a crowd once."""
    async with open_door(max_http_requests=1) as house, contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(raw(house))
        for _ in range(2):
            late = await stack.enter_async_context(raw(house))
            await late.say("GET /health HTTP/1.1", "Host: localhost")
            status, _, told = await late.answer()
            assert (status, told["error"]["code"]) == (503, "busy")
    assert house.books.turned_away == 2
    (line,) = [line for line in caplog.messages if "refused a client" in line]
    assert line == (
        "refused a client at 127.0.0.1: 4 are connected already (--max-http-requests);"
        " told once a minute"
    )


UPGRADE = (
    *("GET /ws HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket"),
    *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
)


@pytest.mark.parametrize(
    ("lines", "body", "said"),
    [
        ((*UPGRADE, "Content-Length: 5"), b"hello", "send no body"),
        (("GET / HTTP/1.1", "Host: a", "Host: b"), b"", "Invalid HTTP request"),
        (
            ("POST /wish HTTP/1.1", "Host: a", "Content-Length: 4", "Transfer-Encoding: chunked"),
            b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
            "a length and chunks at once",
        ),
    ],
)
async def test_what_could_be_read_in_two_ways_is_refused_and_ends(
    lines: tuple[str, ...], body: bytes, said: str
) -> None:
    async with open_door() as house, raw(house) as client:
        await client.say(*lines, body=body)
        status, _, told = await client.answer()
        assert status == 400
        assert said in told["error"]["message"]
        assert await client.gone()


async def test_a_foreign_page_s_websocket_is_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_door() as house, raw(house) as client:
        await client.say(*UPGRADE, "Origin: https://evil.example")
        assert (await client.answer())[0] == 403
        await client.gone()
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_a_crowd(house: House) -> None:
    """What is over the limit is refused or cut off, and the rest leave no trace."""
    idle = await asyncio.gather(
        *(asyncio.open_connection(house.address.host, house.address.port) for _ in range(300))
    )
    try:
        assert await _status_on_a_new_connection(house.address) == 0
        gone = await asyncio.gather(*(reader.read() for reader, _ in idle), return_exceptions=True)
        assert len(gone) == 300
    finally:
        for _, writer in idle:
            writer.transport.abort()
