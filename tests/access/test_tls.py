"""Wyoming under TLS: a whole turn, and every way in which it comes to nothing, told in words."""

import asyncio
import contextlib
import ssl
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from wyoming.event import Event

from satellite.doctor.network import looking
from satellite.standalone.lines import KINDS
from tests.access.papers import Authority
from tests.access.under_tls import ANYWHERE, TlsAsr, TlsHandle, TlsTts, UnderTls
from tests.fakes import FakeProgram, on_loopback
from tests.processes import small_server
from tests.satellite.standalone.stage import ANSWER, answered, standalone
from tests.wire_client import WireClient, client_of
from wyoming_voice import tls
from wyoming_voice.describing import describe
from wyoming_voice.errors import BadEvent, UpstreamError
from wyoming_voice.gate import Gate
from wyoming_voice.listening import serve, streams
from wyoming_voice.service import Service
from wyoming_voice.threshold import Threshold
from wyoming_voice.wire import Address, connect, parse_uri


def call_as(caller: tls.Caller) -> None:
    tls.identify(caller.authorities, caller.chain, caller.key)


@contextlib.asynccontextmanager
async def listening(shown: tls.Shown, **more: Any) -> AsyncIterator[Service]:
    """A service with a plain door and one under TLS."""
    settings = on_loopback(
        tls_uri=str(ANYWHERE),
        tls_cert=shown.chain,
        tls_key=shown.key,
        tls_client_ca=shown.client_authorities,
        **more,
    )
    service = Service(FakeProgram(), settings)
    await service.listen()
    await service.load()
    try:
        yield service
    finally:
        await service.stop()


def plain_and_tls(service: Service) -> tuple[str, str]:
    plain, under_tls = map(str, service.addresses)
    assert (plain[:6], under_tls[:6]) == ("tcp://", "tls://")
    return plain, under_tls


async def said_at(uri: str) -> str:
    """Why a description can't be had."""
    with pytest.raises((OSError, UpstreamError)) as failure:
        await describe(uri)
    return str(failure.value)


async def test_both_doors_lead_to_the_same_house(house: Authority) -> None:
    call_as(house.caller("kitchen"))
    async with listening(house.shown(to_clients_of=house), max_connections=2) as service:
        plain, under_tls = plain_and_tls(service)
        async with connect(plain) as first, connect(under_tls) as second:
            for connection in (first, second):
                await connection.write(_echo())
                assert (event := await connection.read()) is not None
                assert event.type == "echoed"
            assert "2 clients are connected already" in await said_at(under_tls)
            assert "2 clients are connected already" in await said_at(plain)


async def test_a_parent_is_told_both_doors(house: Authority) -> None:
    shown = house.shown()
    papers = ("--tls-cert", str(shown.chain), "--tls-key", str(shown.key))
    async with small_server("--tls-uri", str(ANYWHERE), *papers) as server:
        plain = await server.says("listening")
        uri = await server.says("tls")
        assert parse_uri(uri).tls
        assert parse_uri(uri).port
        assert await server.says("ready") == plain
        assert list(server.said) == ["listening", "tls", "ready"]


async def test_a_turn_of_a_satellite_with_its_certificate(house: Authority) -> None:
    call_as(house.caller("kitchen"))
    UnderTls.papers = house
    async with standalone(TlsAsr(), TlsHandle(*ANSWER), TlsTts()) as (direct, posts):
        await answered(direct, posts)
        assert posts.text == posts.spoken == "".join(ANSWER)


async def test_a_command_calls_as_its_settings_say(house: Authority) -> None:
    UnderTls.papers = house
    shown = ("--tls-client-cert", "kitchen.pem", "--tls-client-key", "kitchen.key")
    handle, tts = TlsHandle("It is noon."), TlsTts()
    async with handle.listening(), tts.listening():
        ask = ("ask", "--text", "what time is it", "--handle-uri", handle.uri, "--tts-uri", tts.uri)
        assert await _ran(house, *ask, "--tls-ca", "ca.pem", *shown) == (0, "")
        status, said = await _ran(house, *ask, "--tls-ca", "ca.pem")
        assert status == 1
        assert "it wants a certificate of its clients" in said
        status, said = await _ran(house, *ask)
        assert status == 1
        assert handle.uri in said
        assert "name that CA with --tls-ca" in said


async def _ran(house: Authority, *arguments: str) -> tuple[int, str]:
    """The exit status of a command beside the certificates, and what it complains of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wyoming_voice", *arguments),
        cwd=house.directory,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_without_a_certificate(house: Authority) -> None:
    call_as(house.caller())
    async with listening(house.shown(to_clients_of=house)) as service:
        _, uri = plain_and_tls(service)
        assert "it wants a certificate of its clients; show one: --tls-client" in await said_at(uri)


async def test_with_a_stranger_s(house: Authority, stranger: Authority) -> None:
    its = stranger.caller("kitchen")
    call_as(tls.Caller(house.pem, its.chain, its.key))
    async with listening(house.shown(to_clients_of=house)) as service:
        _, uri = plain_and_tls(service)
        assert "it doesn't know who signed our certificate" in await said_at(uri)


async def test_with_one_that_has_expired(house: Authority) -> None:
    call_as(house.caller("expired"))
    async with listening(house.shown(to_clients_of=house)) as service:
        _, uri = plain_and_tls(service)
        assert "our certificate (--tls-client-cert) has expired" in await said_at(uri)


async def test_a_server_that_nobody_here_trusts(house: Authority, stranger: Authority) -> None:
    async with listening(house.shown()) as service:
        _, uri = plain_and_tls(service)
        for caller in (stranger.caller(), tls.Caller()):
            call_as(caller)
            said = await said_at(uri)
            assert "descends from a CA that isn't trusted here; name that CA with --tls-ca" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("elsewhere", "its certificate is for another address: it lacks '127.0.0.1'; call it by"),
        ("late", "its certificate has expired"),
    ],
)
async def test_a_server_s_certificate_that_is_wrong(house: Authority, name: str, said: str) -> None:
    call_as(house.caller())
    async with listening(house.shown(name)) as service:
        assert said in await said_at(plain_and_tls(service)[1])


async def test_another_name(house: Authority) -> None:
    call_as(house.caller())
    async with listening(house.shown("elsewhere")) as service:
        _, uri = plain_and_tls(service)
        said = await said_at(uri.replace("127.0.0.1", "localhost"))
        assert "is for another name: it lacks 'localhost'" in said


async def test_the_wrong_word_before_the_address(house: Authority) -> None:
    call_as(house.caller())
    async with listening(house.shown()) as service:
        plain, under_tls = plain_and_tls(service)
        said = await said_at(under_tls.replace("tls:", "tcp:"))
        assert "this port speaks TLS; write tls:// in place of tcp://" in said
        said = await said_at(plain.replace("tcp:", "tls:"))
        assert "if it speaks plain Wyoming, write tcp://HOST:PORT" in said


async def test_a_server_that_takes_calls_and_says_nothing() -> None:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(tls.TlsFailed, match="took the call but no TLS"):
        async with connect(f"tls://127.0.0.1:{port}", timeout_s=0.3):
            pass
    server.close()
    for writer in held:
        writer.close()


@contextlib.asynccontextmanager
async def threshold_of(
    shown: tls.Shown, gate: Gate, handshake_s: float
) -> AsyncIterator[tuple[Threshold, Address]]:
    def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    inner = lambda: streams(never, 1024)  # noqa: E731
    threshold = Threshold(tls.Renewing(shown, pytest.fail), gate, inner, b"", handshake_s)
    server, address = await serve(ANYWHERE, threshold)
    try:
        yield threshold, address
    finally:
        server.close()
        threshold.close()


async def test_a_handshake_has_a_deadline(house: Authority) -> None:
    async with threshold_of(house.shown(), Gate(), 0.05) as (threshold, address):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        assert await reader.read() == b""
        writer.close()
        assert threshold.handshakes == 0


class Shut(Gate):
    """Lets nobody in."""

    def admits(self, transport: asyncio.BaseTransport) -> bool:
        return False


@pytest.mark.parametrize(("gate", "most"), [(Gate(), 64), (Shut(), 8)])
async def test_so_many_handshakes_at_a_time(house: Authority, gate: Gate, most: int) -> None:
    async with (
        threshold_of(house.shown(), gate, 30) as (threshold, address),
        contextlib.AsyncExitStack() as stack,
    ):
        for _ in range(most):
            streams_of_one = await asyncio.open_connection(address.host, address.port)
            stack.callback(streams_of_one[1].close)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        assert threshold.handshakes == most


async def test_last_words_arrive_under_tls(house: Authority) -> None:
    """Without half-closing: the client still sends while the server hangs up on it."""
    context = ssl.create_default_context(cafile=str(house.pem))
    async with listening(house.shown()) as service:
        port = service.addresses[1].port
        client = WireClient(*await asyncio.open_connection("127.0.0.1", port, ssl=context))
        await client.send_raw(b"nonsense\n" + b"x" * 200_000)
        assert (event := await client.read()) is not None
        assert (event.type, event.data["code"]) == ("error", "bad-event")
        assert await client.read() is None
        await client.hang_up()


def _echo() -> Event:
    return Event("echo")


async def test_a_doctor_says_what_is_wrong(house: Authority, stranger: Authority) -> None:
    call_as(stranger.caller())
    async with listening(house.shown()) as service:
        uri = str(service.addresses[1])
        async with looking({kind: [uri] for kind in KINDS}, None) as search:
            lines = await search.lines()
    assert all(uri in line.found for line in lines)
    assert all("name that CA with --tls-ca" in line.found for line in lines)


async def test_a_plain_server_knows_tls_by_its_first_byte(house: Authority) -> None:
    """A hello has no line end: it would be waited for until the client is given up as idle."""
    async with listening(house.shown()) as service, client_of(service.addresses[0]) as client:
        await client.send_raw(b"\x16\x03\x01\x02\x00")
        assert (event := await client.read()) is not None
        assert event.data["text"].startswith("this port speaks plain Wyoming, no TLS")


async def test_a_plain_client_knows_an_alert() -> None:
    """What others' TLS servers answer to a client that speaks none."""

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x15\x03\x01\x00\x02\x02\x46")
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    with pytest.raises(BadEvent, match=r"speaks TLS; write tls:// in place of tcp://"):
        await describe(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    server.close()
