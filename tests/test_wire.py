"""The bounded reader and writer, alone and against the public `wyoming` package."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming import event as public
from wyoming.event import Event

from wyoming_voice.errors import BadEvent, ConfigError, TooLarge, TooSlow
from wyoming_voice.listening import remove_stale_socket
from wyoming_voice.wire import (
    Address,
    Connection,
    PeerGone,
    WireLimits,
    connect,
    encode,
    parse_uri,
    read_event,
)

LIMITS = WireLimits(header_bytes=4096, data_bytes=2000, payload_bytes=3000)


def reader_of(raw: bytes, *, at_end: bool = True) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LIMITS.header_bytes)
    reader.feed_data(raw)
    if at_end:
        reader.feed_eof()
    return reader


async def read(raw: bytes) -> Event | None:
    return await read_event(reader_of(raw), LIMITS)


def line(**header: Any) -> bytes:
    return json.dumps(header).encode() + b"\n"


def nested(levels: int) -> list[Any]:
    """Lists in lists, the innermost of which is not empty."""
    return [nested(levels - 1)] if levels > 1 else [1]


@pytest.mark.parametrize(
    ("raw", "data", "payload"),
    [
        (line(type="x"), {}, None),
        (line(type="x", data={"a": nested(62)}), {"a": nested(62)}, None),
        (line(type="x", data={"a": [[1]] * 99}), {"a": [[1]] * 99}, None),
        (line(type="x", data={"a": 1}), {"a": 1}, None),
        (line(type="x", data=None), {}, None),
        (line(type="x", data_length=8) + b'{"a": 2}', {"a": 2}, None),
        (line(type="x", data=None, data_length=8) + b'{"a": 2}', {"a": 2}, None),
        (
            line(type="x", data={"a": 1, "b": 1}, data_length=8) + b'{"a": 2}',
            {"a": 2, "b": 1},
            None,
        ),
        (line(type="x", payload_length=3) + b"abc", {}, b"abc"),
        (line(type="x", data_length=2, payload_length=2) + b"{}ab", {}, b"ab"),
        (line(type="x", data_length=None, payload_length=None), {}, None),
        (line(type="x", version="9", colour="blue", data={"y": None}), {"y": None}, None),
        (b'{"type": "x"}\r\n', {}, None),
        ('{"type":"x","data":{"a":"ü€😀"}}\n'.encode(), {"a": "ü€😀"}, None),
    ],
)
async def test_reads(raw: bytes, data: dict[str, Any], payload: bytes | None) -> None:
    assert await read(raw) == Event("x", data, payload)


async def test_reads_one_event_after_another() -> None:
    reader = reader_of(line(type="a", payload_length=1) + b"1" + line(type="b"))
    assert [await read_event(reader, LIMITS) for _ in range(3)] == [
        Event("a", payload=b"1"),
        Event("b"),
        None,
    ]


DEEP = json.dumps({"a": nested(64)}).encode()

MALFORMED = {
    "not JSON": b"hello\n",
    "an empty line": b"\n",
    "a web page's request": b'POST / HTTP/1.1\r\nHost: x\r\n\r\n{"type":"echo"}\n',
    "a list": b"[1]\n",
    "a number": b"17\n",
    "a string": b'"describe"\n',
    "null": b"null\n",
    "no type": line(data={}),
    "a type that is no string": line(type=7),
    "an empty type": line(type=""),
    "invalid UTF-8": b'{"type": "\xff\xfe"}\n',
    "a surrogate in UTF-8": b'{"type": "\xed\xa0\x80"}\n',
    "UTF-16": '{"type": "x"}'.encode("utf-16-be") + b"\x00\n",
    "inline data that is a list": line(type="x", data=[1]),
    "inline data that is a string": line(type="x", data="y"),
    "nested without end": b'{"type": "x", "data": ' + b"[" * 4000 + b"\n",
    "negative data_length": line(type="x", data_length=-1),
    "negative payload_length": line(type="x", payload_length=-5),
    "a fraction as length": line(type="x", payload_length=1.5),
    "infinity as length": b'{"type": "x", "payload_length": 1e999}\n',
    "a string as length": line(type="x", data_length="8"),
    "a boolean as length": line(type="x", payload_length=True),
    "data that is not JSON": line(type="x", data_length=3) + b"abc",
    "data that is a list": line(type="x", data_length=3) + b"[1]",
    "inline data with more levels than anybody needs": line(type="x", data={"a": nested(64)}),
    "data with more levels than anybody needs": line(type="x", data_length=len(DEEP)) + DEEP,
    "data in invalid UTF-8": line(type="x", data_length=9) + b'{"a":"\xff"}',
}
TOO_LARGE = {
    "a long header": b'{"type": "' + b"x" * 5000 + b'"}\n',
    "a header without end": b"x" * 20_000,
    "data over the limit": line(type="x", data_length=2001),
    "payload over the limit": line(type="x", payload_length=3001),
    "payload of an exabyte": line(type="x", payload_length=10**18),
    "a length of 4000 digits": b'{"type": "x", "data_length": ' + b"9" * 4000 + b"}\n",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_is_a_bad_event(raw: bytes) -> None:
    with pytest.raises(BadEvent) as caught:
        await read(raw)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("raw", TOO_LARGE.values(), ids=TOO_LARGE.keys())
async def test_too_large_is_refused(raw: bytes) -> None:
    with pytest.raises(TooLarge) as caught:
        await read(raw)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "header",
    [
        line(type="x", data_length=2001),
        line(type="x", payload_length=-1),
        line(data_length=100),
        line(type="x", data=[], payload_length=100),
    ],
)
async def test_what_is_wrong_with_a_header_is_said_before_more_is_read(header: bytes) -> None:
    with pytest.raises((BadEvent, TooLarge)):
        async with asyncio.timeout(5):
            await read_event(reader_of(header, at_end=False), LIMITS)


async def test_exactly_the_limits_pass() -> None:
    data = json.dumps({"a": "x" * 1991}).encode()
    assert len(data) == 2000
    event = await read(line(type="x", data_length=2000, payload_length=3000) + data + bytes(3000))
    assert event is not None
    assert (len(event.data["a"]), len(event.payload or b"")) == (1991, 3000)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'{"type": "x"',
        b'{"type": "x"}',
        line(type="x", data_length=10) + b'{"a"',
        line(type="x", payload_length=10),
        line(type="x", payload_length=10) + b"abc",
    ],
)
async def test_a_peer_that_is_cut_off_has_gone(raw: bytes) -> None:
    assert await read(raw) is None


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError(110, "timed out")])
async def test_a_network_that_fails_is_a_peer_that_has_gone(error: OSError) -> None:
    reader = asyncio.StreamReader()
    reader.set_exception(error)
    assert await read_event(reader, LIMITS) is None


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
events = st.builds(
    Event,
    type=text.filter(bool),
    data=st.dictionaries(text, values, max_size=4),
    payload=st.none() | st.binary(min_size=1, max_size=100),
)


@given(events)
def test_the_public_reader_reads_what_we_write(event: Event) -> None:
    assert public.read_event(io.BufferedReader(io.BytesIO(encode(event)))) == event


@given(events)
async def test_we_read_what_the_public_writer_writes(event: Event) -> None:
    buffer = io.BytesIO()
    public.write_event(event, buffer)
    assert await read(buffer.getvalue()) == event


@given(events)
async def test_we_read_what_we_write(event: Event) -> None:
    assert await read(encode(event)) == event


async def test_half_a_surrogate_pair_passes_as_a_question_mark() -> None:
    event = await read(b'{"type": "x", "data": {"text": "a\\ud83d"}}\n')
    assert event is not None
    assert await read(encode(event)) == Event("x", {"text": "a?"})


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda b: line(type="x") + b + b"\n"))
async def test_any_bytes_give_events_or_a_peer_error(raw: bytes) -> None:
    reader = reader_of(raw)
    try:
        while await read_event(reader, LIMITS) is not None:
            pass
    except (BadEvent, TooLarge) as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("tcp://127.0.0.1:10300", Address("127.0.0.1", 10300)),
        ("tcp://0.0.0.0:0", Address("0.0.0.0", 0)),
        ("tcp://[::1]:5", Address("::1", 5)),
        ("tcp://speech.local:5", Address("speech.local", 5)),
        ("unix:///run/asr.sock", Address(path="/run/asr.sock")),
        ("unix://asr.sock", Address(path="asr.sock")),
        ("unix:///run/a#b?c", Address(path="/run/a#b?c")),
    ],
)
def test_uris(uri: str, address: Address) -> None:
    assert parse_uri(uri) == address
    assert str(address) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "127.0.0.1:1",
        "tcp://host",
        "tcp://:5",
        "tcp://h:70000",
        "tcp://h:x",
        "tcp://[::1",
        "unix://",
        "http://h:1",
        "stdio://",
    ],
)
def test_a_bad_uri_is_told_with_the_remedy(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"tcp://HOST:PORT or unix:///PATH"):
        parse_uri(uri)


async def test_a_client_over_a_unix_socket(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, LIMITS)
        async for event in connection:
            await connection.write(Event("echo", event.data, event.payload))
        await connection.close()

    path = str(tmp_path / "s.sock")
    async with (
        await asyncio.start_unix_server(answer, path),
        connect(f"unix://{path}") as connection,
    ):
        await connection.write(Event("a", {"x": 1}, b"123"))
        assert await connection.read() == Event("echo", {"x": 1}, b"123")
    with pytest.raises(OSError, match=r"refused|No such"):
        async with connect(f"unix://{path}"):
            pass


async def test_a_peer_that_never_reads_is_given_up_and_closing_does_not_wait_for_it() -> None:
    outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, WireLimits(write_timeout_s=0.05))
        written_bytes = 0
        try:
            while True:
                written_bytes += 4_000_000
                await connection.write(Event("water", payload=bytes(4_000_000)))
        except TooSlow:
            await connection.close()
            outcome.set_result(written_bytes)

    async with await asyncio.start_server(flood, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        deaf, writer = await asyncio.open_connection("127.0.0.1", port)
        written_bytes = await asyncio.wait_for(outcome, 10)
        assert len(await asyncio.wait_for(deaf.read(), 10)) < written_bytes  # the rest was dropped
        writer.close()


async def test_writing_to_a_peer_that_hung_up_says_so() -> None:
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, WireLimits())
        try:
            while True:
                await connection.write(Event("water", payload=bytes(1000)))
        except PeerGone:
            await connection.close()
            outcome.set_result(None)

    async with await asyncio.start_server(flood, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.abort()
        await asyncio.wait_for(outcome, 10)


async def test_a_stale_socket_goes_a_live_one_and_a_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    remove_stale_socket(str(path))
    async with await asyncio.start_unix_server(lambda r, w: w.close(), str(path)):
        with pytest.raises(ConfigError, match="another server listens on"):
            remove_stale_socket(str(path))
        assert path.is_socket()
        dead = tmp_path / "dead.sock"
        path.rename(dead)
    remove_stale_socket(str(dead))
    assert not dead.exists()
    path.write_text("precious")
    with pytest.raises(ConfigError, match="is not a socket; name another path"):
        remove_stale_socket(str(path))
    assert path.read_text() == "precious"
