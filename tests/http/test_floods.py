"""Clients that speak WebSocket wrongly, or more of it than anybody could take in."""

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from tests.http.small_door import House, Raw, open_door, raw
from wyoming_voice.http.pieces import InPieces
from wyoming_voice.http.punctual import PunctualWebSocket

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPGRADE = (
    *("GET /ws HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket"),
    *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
)

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_FINAL, _COMPRESSED, _NO_MASK = 0x80, 0x40, b"\0\0\0\0"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    """A house that is patient, so that no time-out ends what is tried here."""
    async with open_door() as house:
        yield house


def frame(kind: int, data: bytes = b"", *, first: int = _FINAL, length: int | None = None) -> bytes:
    """A frame as a client sends it; `length` is what it claims."""
    size = len(data) if length is None else length
    if size < 126:
        head = bytes((first | kind, 0x80 | size))
    else:
        head = bytes((first | kind, 0xFF)) + struct.pack(">Q", size)
    return head + _NO_MASK + data


async def upgraded(client: Raw) -> None:
    """Become a WebSocket."""
    await client.say(*UPGRADE, "Sec-WebSocket-Extensions: permessage-deflate")
    status, headers = await client.head()
    assert status == 101
    assert "sec-websocket-extensions" not in headers  # what isn't compressed is no bomb


async def heard(client: Raw) -> tuple[int, bytes]:
    """The next frame: its kind and what is in it."""
    first, size = await client.reader.readexactly(2)
    if size == 126:
        (size,) = struct.unpack(">H", await client.reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack(">Q", await client.reader.readexactly(8))
    return first & 0x0F, await client.reader.readexactly(size)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (frame(TEXT, b"hi", first=_FINAL | _COMPRESSED), 1002),
        (b"\x81\x02hi", 1002),  # without a mask
        (frame(0, b"no beginning"), 1002),
        (frame(3, b"no such kind"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"x", first=0), 1002),
        (frame(CLOSE, b"x"), 1002),
        (frame(CLOSE, b"\0\1"), 1002),
        (frame(CLOSE, b"\x03\xe8\xff"), 1007),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xc3", first=0) + frame(0, b"\x28"), 1007),
        (frame(BINARY, b"x", length=2**62), 1009),
        (frame(BINARY, b"x", length=2**64 - 1), 1009),
        (frame(BINARY, b"", first=0) + frame(0, b"", first=0) * 5000, 1009),
    ],
)
async def test_nonsense_ends_it_with_the_code_that_says_why_and_no_word_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture, said: bytes, code: int
) -> None:
    async with raw(house) as client:
        await upgraded(client)
        await client.say(end="", body=said)
        kind, reason = await heard(client)
        assert (kind, struct.unpack(">H", reason[:2])[0]) == (CLOSE, code)
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


async def test_a_good_bye_without_a_code(house: House) -> None:
    async with raw(house) as client:
        await upgraded(client)
        await client.say(end="", body=frame(CLOSE))
        assert await heard(client) == (CLOSE, b"")
        assert await client.gone()


async def test_who_sends_pings_and_reads_nothing_gets_the_last_ones_answered(house: House) -> None:
    """What nobody reads would be held for ever otherwise."""
    many = 100
    async with raw(house) as client:
        await upgraded(client)
        server_side = _connection(house)
        server_side.pause_writing()  # as asyncio does where the system takes nothing more
        house.started.clear()
        pings = b"".join(frame(PING, b"%0125d" % number) for number in range(many))
        await client.say(end="", body=pings + frame(TEXT, b"flood"))
        await house.started.wait()  # all of them have been heard
        server_side.resume_writing()
        pongs = []
        while (told := await heard(client))[0] == PONG:
            pongs.append(int(told[1]))
        assert 0 < len(pongs) < many
        assert pongs == list(range(many))[-len(pongs) :]


def _connection(house: House) -> PunctualWebSocket:
    assert house.door is not None
    (connection,) = house.door._server.server_state.connections
    assert isinstance(connection, PunctualWebSocket)
    return connection


async def test_a_thousand_tiny_messages_are_all_answered(house: House) -> None:
    async with raw(house) as client:
        await upgraded(client)
        await client.say(end="", body=b"".join(frame(TEXT, b"%d" % n) for n in range(1000)))
        assert [await heard(client) for _ in range(1000)] == [
            (TEXT, b"%d" % n) for n in range(1000)
        ]


async def test_who_speaks_before_our_yes_is_heard_after_it(house: House) -> None:
    async with raw(house) as client:
        await client.say(*UPGRADE, body=frame(BINARY, b"x" * 10_000))
        assert (await client.head())[0] == 101
        await client.say(end="", body=frame(TEXT, b"hello"))
        assert await heard(client) == (TEXT, b"hello")


async def test_a_long_handshake_and_a_long_message(house: House) -> None:
    uri = house.uri.replace("http", "ws") + "/ws"
    async with connect(uri, additional_headers={"X-Long": "x" * 7_000}) as socket:
        said = "".join(map(str, range(150_000)))
        await socket.send(said)
        assert await socket.recv() == said


async def test_an_upgrade_to_something_else_is_no_news(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """As `curl --http2` asks for it."""
    async with raw(house) as client:
        await client.say(
            *("GET /health HTTP/1.1", "Host: localhost", "Upgrade: h2c", "Connection: Upgrade")
        )
        assert (await client.answer())[0] == 200
    assert caplog.records == []


class _Pipe:
    """A transport that notes whether it would read."""

    def __init__(self) -> None:
        self.reads, self.closing = True, False

    def pause_reading(self) -> None:
        assert not self.closing
        self.reads = False

    def resume_reading(self) -> None:
        assert not self.closing  # under TLS it would raise
        self.reads = True

    def is_closing(self) -> bool:
        return self.closing


class _Listener:
    """What stands behind `InPieces`."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.pieces: list[bytes] = []

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        pass


class _Slow(InPieces, _Listener):
    pass


SAID = bytes(range(256)) * 400


def listening() -> tuple[_Pipe, _Slow]:
    pipe, slow = _Pipe(), _Slow()
    slow.connection_made(pipe)  # type: ignore[arg-type]
    return pipe, slow


async def _turns(many: int = 50) -> None:
    for _ in range(many):
        await asyncio.sleep(0)


async def test_others_have_their_turn_between_the_pieces() -> None:
    pipe, slow = listening()
    slow.data_received(SAID)
    turns = 0
    while not pipe.reads:
        assert len(slow.pieces) == turns + 1
        await asyncio.sleep(0)
        turns += 1
    assert turns == len(SAID) // 4096 - 1
    assert b"".join(slow.pieces) == SAID


async def test_nothing_more_is_read_meanwhile_even_if_the_protocol_would() -> None:
    pipe, slow = listening()
    slow.data_received(SAID)
    slow.transport.pause_reading()
    slow.transport.resume_reading()
    assert not pipe.reads
    slow.data_received(b"the last words")  # under TLS they may be decrypted already
    assert len(slow.pieces) == 1
    slow.transport.pause_reading()
    await _turns()
    assert b"".join(slow.pieces) == SAID + b"the last words"
    assert not pipe.reads  # since the protocol doesn't want to
    slow.transport.resume_reading()
    assert pipe.reads


@pytest.mark.parametrize("closing", [False, True])
async def test_of_a_client_that_has_gone_no_more_is_heard(closing: bool) -> None:
    pipe, slow = listening()
    slow.data_received(SAID)
    if closing:
        pipe.closing = True
    else:
        slow.connection_lost(None)
    await _turns()
    assert len(slow.pieces) == 1
    if closing:
        slow.transport.pause_reading()
        slow.transport.resume_reading()
