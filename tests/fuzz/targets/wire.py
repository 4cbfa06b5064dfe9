"""The wire: events out of any bytes at any split, addresses, and what a server says of itself."""

import asyncio
import contextlib
from collections.abc import Iterator

from wyoming.event import Event

from tests.fuzz.draw import Draw, cut
from tests.fuzz.sink import heard
from tests.fuzz.target import Target, check_told, dice, finished, spoken
from wyoming_voice.access import Allowed, network_of
from wyoming_voice.describing import describe_on
from wyoming_voice.errors import BadEvent, ConfigError, TooLarge, UpstreamError
from wyoming_voice.wire import WireLimits, encode, parse_uri, read_event

LIMITS = WireLimits(header_bytes=512, data_bytes=1024, payload_bytes=2048)


def wire_reader(data: bytes) -> None:
    """Any bytes at any split are the same events, and then an end, BadEvent or TooLarge."""
    draw = Draw(data)
    sizes = draw.sizes()
    raw = draw.rest()
    assert finished(_read(raw, sizes)) == finished(_read(raw, iter([len(raw)])))


async def _read(raw: bytes, sizes: Iterator[int]) -> list[object]:
    reader = asyncio.StreamReader(limit=LIMITS.header_bytes)
    feeding = asyncio.create_task(_feed(reader, raw, sizes))
    read: list[object] = []
    try:
        while (event := await read_event(reader, LIMITS)) is not None:
            _check(event)
            read.append((event.type, repr(event.data), event.payload))
    except (BadEvent, TooLarge) as error:
        check_told(error)
        read.append((error.code, str(error)))
    await feeding
    return read


async def _feed(reader: asyncio.StreamReader, raw: bytes, sizes: Iterator[int]) -> None:
    for piece in cut(raw, sizes):
        reader.feed_data(piece)
        await asyncio.sleep(0)
    reader.feed_eof()


def _check(event: Event) -> None:
    assert isinstance(event.type, str)
    assert event.type
    assert isinstance(event.data, dict)
    assert len(event.payload or b"") <= LIMITS.payload_bytes
    encode(event)  # what came in can be sent on, whatever it is


def wire_round_trip(data: bytes) -> None:
    """What is written is what is read, unless it is too deep to be looked through; half a surrogate pair,
    which has no UTF-8, becomes `?`."""
    draw = Draw(data)
    event = draw.event({"transcript": {"text": (), "context": ()}, "audio-chunk": {"rate": (1,)}})
    written = encode(event)
    room = WireLimits(header_bytes=len(written), data_bytes=len(written), payload_bytes=200)
    too_deep = levels(event.data) > 64
    try:
        read = finished(_read_one(written, room))
    except BadEvent:
        if not too_deep:
            raise
        return
    assert read is not None
    assert not too_deep
    assert (read.type, read.payload or b"") == (event.type, event.payload or b"")
    if b"?" not in written:
        assert encode(read) == written


def levels(value: object) -> int:
    """How deep a JSON value is, what is empty left out: 1 for a list of numbers."""
    found, row = 0, [value]
    while row := [one for one in row if one and isinstance(one, dict | list)]:
        found += 1
        row = [held for one in row for held in (one.values() if isinstance(one, dict) else one)]
    return found


async def _read_one(raw: bytes, room: WireLimits) -> Event | None:
    reader = asyncio.StreamReader(limit=room.header_bytes)
    reader.feed_data(raw)
    reader.feed_eof()
    return await read_event(reader, room)


def address(data: bytes) -> None:
    """A text is an address that means the same when it is written again, or a ConfigError."""
    uri = Draw(data).rest_text()
    with contextlib.suppress(ConfigError):
        found = parse_uri(uri)
        assert found.path or 0 <= found.port <= 65_535
        assert parse_uri(str(found)) == found


def networks(data: bytes) -> None:
    """Any texts are networks or a ValueError in words; this machine is always let in, no other text is."""
    draw = Draw(data)
    text, host = draw.text(60), draw.rest_text()
    try:
        allowed = Allowed([text])
    except ValueError:
        return
    assert str(Allowed([str(allowed)])) == str(allowed)
    assert allowed.admits("127.0.0.1")
    assert allowed.admits("::1")
    assert allowed.admits(str(network_of(text).network_address))
    assert not allowed.admits(f"x{host}")  # no number, whatever follows


def description(data: bytes) -> None:
    """Whatever a server says of itself is read, or is one of the errors that are told of it."""
    draw = Draw(data)
    model: dict[str, object] = draw.fields(
        {"name": (), "languages": (["en"], []), "attribution": ({"name": "", "url": ""},)}
        | {"installed": (True, False), "description": (None, ""), "version": ("1", None)}
        | {"supports_transcript_streaming": (True,)}
    )
    service = model | {"models": [model], "voices": [model]}
    listed: list[object] = [service, draw.value()] if draw.flag() else [service]
    kinds = ("asr", "tts", "handle", "intent", "wake", "mic", "snd")
    info = {kind: listed for kind in kinds if draw.flag()} | {"extensions": draw.value()}
    with contextlib.suppress(UpstreamError, BadEvent):
        finished(_described(encode(Event("info", info))))


async def _described(said: bytes) -> None:
    found = await describe_on(heard(said)[0], "tcp://127.0.0.1:1")
    assert all(isinstance(name, str) for name in found.extensions)


TARGETS = (
    Target(
        wire_reader,
        (
            *spoken(
                '{"type":"ping"}\n{"type":"transcript","data":{"text":"on"}}\n',
                '{"type":"audio-chunk","data_length":13,"payload_length":4}\n{"rate":16000}abcd',
                '{"type":"a","data_length":2}\n{}{"type":"b","payload_length":1}\nx',
                '{"type":"t","data":' + "[" * 60 + "]" * 60 + "}\n",
                head=b"\0\3",
            ),
        ),
        ('"type"', '"data"', '"data_length"', '"payload_length"', '"version"', "\\n", "\\ud83d"),
    ),
    Target(wire_round_trip, dice()),
    Target(
        address,
        tuple(
            text.encode()
            for text in ("tcp://127.0.0.1:10300", "unix:///run/a", "tcp://[::1]:0", "tls://a:1")
        ),
        ("tcp://", "unix://", "tls://", "[::", "]:", "%", "@"),
        256,
    ),
    Target(
        networks,
        tuple(
            bytes([len(text)]) + f"{text}{host}".encode()
            for text in ("192.168.1.0/24", "fd00::/8", "::ffff:10.0.0.0/104", "10.0.0.5")
            for host in ("192.168.1.7", "::ffff:10.0.0.5", "fe80::1%eth0")
        ),
        ("::ffff:", "/", "/24", "%eth0", "127.0.0.1"),
        128,
    ),
    Target(description, dice()),
)
