"""Announced, found, renamed, gone: two multicast endpoints on loopback; names and addresses without any."""

import asyncio
import contextlib
import ipaddress
import secrets
import socket
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
from wyoming.event import Event, async_write_event
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf._dns import DNSPointer
from zeroconf._protocol.outgoing import DNSOutgoing
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf
from zeroconf.const import _CLASS_IN, _FLAGS_AA, _FLAGS_QR_RESPONSE, _TYPE_PTR

from tests.fakes import INFO, FakeProgram, on_loopback
from tests.wire_client import PATIENCE_S
from wyoming_voice import __version__, announcement, discovery
from wyoming_voice.describing import describe
from wyoming_voice.discovery import SERVICE_TYPE, Found, Gone, announced, discover, watch
from wyoming_voice.errors import UpstreamError
from wyoming_voice.service import serving
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.wire import Address

FIND_S = 2.0
"""RFC 6762, 6: what was announced within the last second is answered a second later."""


def no_multicast() -> str:
    """Why two endpoints of this machine can't hear each other over loopback; empty where they can."""
    group, listener = "224.0.0.251", socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with listener, sender:
        try:
            membership = socket.inet_aton(group) + socket.inet_aton("127.0.0.1")
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            listener.bind(("", 0))
            listener.settimeout(1)
            interface = socket.inet_aton("127.0.0.1")
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            sender.sendto(b"x", (group, listener.getsockname()[1]))
            listener.recv(1)
        except OSError as error:
            return f"no multicast on loopback: {error}"
    return ""


NO_MULTICAST = no_multicast()
multicast = pytest.mark.skipif(bool(NO_MULTICAST), reason=NO_MULTICAST)


def openly(name: str = "test host", port: int = 0) -> ServiceSettings:
    """Announced, on loopback only."""
    return on_loopback(
        no_zeroconf=False, zeroconf=name, advertise_host="127.0.0.1", advertise_port=port
    )


@contextlib.asynccontextmanager
async def announced_server(name: str, kind: str = "asr") -> AsyncIterator[Address]:
    program = FakeProgram()
    async with (
        serving(program, on_loopback()) as address,
        announced(kind, program.info, address, openly(name)),
    ):
        yield address


@contextlib.asynccontextmanager
async def overheard() -> AsyncIterator[dict[str, asyncio.Event]]:
    """An event for each service name, set when its goodbye is heard."""
    gone: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def changed(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is ServiceStateChange.Removed:
            gone[name].set()

    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    try:
        async with AsyncServiceBrowser(zeroconf.zeroconf, SERVICE_TYPE, handlers=[changed]):
            yield gone
    finally:
        await zeroconf.async_close()


@contextlib.asynccontextmanager
async def several_addresses(run: str) -> AsyncIterator[None]:
    """A server of somebody else's, whose first addresses can't be used by others."""
    texts = ["fe80::1", "169.254.1.1", "127.0.0.1"]
    service = AsyncServiceInfo(
        SERVICE_TYPE,
        f"{run} several.{SERVICE_TYPE}",
        port=1,
        server=f"several-{run}.local.",
        addresses=[ipaddress.ip_address(text).packed for text in texts],
    )
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    try:
        await (await zeroconf.async_register_service(service))
        yield
    finally:
        await zeroconf.async_close()


@multicast
async def test_announced_renamed_found_described_and_gone_after_the_goodbye(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = secrets.token_hex(3)  # another run of the tests on this machine is heard, too
    nobody, elsewhere = Address("127.0.0.1", 1), openly(f"{run} elsewhere", port=2)
    long = run + "x" * 100
    async with contextlib.AsyncExitStack() as listeners:
        gone = await listeners.enter_async_context(overheard())
        async with contextlib.AsyncExitStack() as servers:
            with monkeypatch.context() as patched:
                patched.setattr(discovery, "_LOOK_AROUND_S", 0)  # nobody has these names
                kitchen, *_ = await asyncio.gather(
                    servers.enter_async_context(announced_server(f"{run}.kitchen é")),
                    servers.enter_async_context(announced_server(long)),
                    servers.enter_async_context(announced_server(long, "tts")),
                    servers.enter_async_context(announced("handle", INFO, nobody, elsewhere)),
                    servers.enter_async_context(several_addresses(run)),
                )
            await servers.enter_async_context(announced_server(long))
            heard = await discover(FIND_S, on_loopback=True)
            found = {server.name: server for server in heard if server.name.startswith(run)}
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(gone[f"{name}.{SERVICE_TYPE}"].wait() for name in found))

    cut = long[:55]
    assert set(found) == {
        *(f"{run}-kitchen é asr", f"{cut} asr", f"{cut} asr-2", f"{cut} tts"),
        *(f"{run} elsewhere handle", f"{run} several"),
    }
    described = found[f"{run}-kitchen é asr"]
    assert described.uri == str(kitchen)
    assert described.properties == {"service": "asr", "version": __version__, "models": "small"}
    assert described.info is not None
    assert (described.info.asr, described.kinds) == (INFO.asr, ["asr"])
    assert described.round_trip_ms is not None
    assert described.round_trip_ms > 0
    assert len({found[f"{cut} {rest}"].uri for rest in ("asr", "asr-2", "tts")}) == 3
    silent = found[f"{run} elsewhere handle"]
    assert (silent.uri, silent.info, silent.round_trip_ms) == ("tcp://127.0.0.1:2", None, None)
    assert silent.kinds == []
    assert found[f"{run} several"].uri == "tcp://127.0.0.1:1"


@multicast
async def test_servers_are_seen_to_come_and_go_while_they_are_watched_for() -> None:
    run = secrets.token_hex(3)
    async with (
        contextlib.aclosing(watch(on_loopback=True)) as news,
        asyncio.timeout(3 * PATIENCE_S),
    ):

        async def next_of_this_run() -> Found | Gone:
            while not (one := await anext(news)).name.startswith(run):
                pass
            return one

        coming = asyncio.create_task(next_of_this_run())
        async with announced_server(f"{run} kitchen") as address:
            found = await coming
            assert isinstance(found, Found)
            assert (found.name, found.uri) == (f"{run} kitchen asr", str(address))
        assert await next_of_this_run() == Gone(f"{run} kitchen asr")


@multicast
async def test_a_name_that_no_service_may_have_is_passed_over() -> None:
    run = secrets.token_hex(3)
    async with (
        contextlib.aclosing(watch(on_loopback=True)) as news,
        asyncio.timeout(3 * PATIENCE_S),
    ):
        coming = asyncio.create_task(anext(news))
        zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
        try:
            await zeroconf.zeroconf.async_wait_for_start()
            spoiled = DNSOutgoing(_FLAGS_QR_RESPONSE | _FLAGS_AA)
            name = f"{run}\x07bell.{SERVICE_TYPE}"
            spoiled.add_answer_at_time(DNSPointer(SERVICE_TYPE, _TYPE_PTR, _CLASS_IN, 120, name), 0)
            zeroconf.zeroconf.async_send(spoiled)
            async with announced_server(f"{run} kitchen"):
                while not (found := await coming).name.startswith(run):
                    coming = asyncio.create_task(anext(news))
                assert found.name == f"{run} kitchen asr"
        finally:
            await zeroconf.async_close()


async def test_a_network_that_changes_is_listened_to_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.asynccontextmanager
    async def nothing(*_: object, **__: object) -> AsyncIterator[None]:
        yield None

    addresses = iter([["192.0.2.1"], ["192.0.2.1"], ["192.0.2.1", "192.0.2.2"]])
    monkeypatch.setattr(discovery, "_multicast", nothing)
    monkeypatch.setattr(discovery, "_browsing", nothing)
    monkeypatch.setattr(discovery, "_LOOK_AGAIN_S", 0)
    monkeypatch.setattr(discovery, "interface_addresses", lambda *_: next(addresses))
    assert [news async for news in watch()] == []


@pytest.mark.parametrize(
    "answer",
    [
        Event("info", {"asr": [{"name": 7}]}),
        Event("info", {"asr": 7}),
        Event("info", {"tts": ["x"]}),
        Event("info", {"satellite": "x"}),
        None,
    ],
)
async def test_a_server_that_talks_nonsense_is_an_upstream_error(answer: Event | None) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        if answer is not None:
            await async_write_event(answer, writer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        uri = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(UpstreamError, match=uri):
            await describe(uri)


async def test_nobody_there_is_an_os_error() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="Connect call failed"):
            await describe(f"tcp://127.0.0.1:{sock.getsockname()[1]}")


@pytest.mark.parametrize(
    "settings",
    [
        on_loopback(),
        on_loopback(no_zeroconf=False),
        on_loopback(no_zeroconf=False, advertise_host="nowhere.invalid"),
    ],
)
async def test_nothing_to_announce_is_no_failure(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(**_: object) -> None:
        raise AssertionError("no endpoint may be opened")

    monkeypatch.setattr(discovery, "_multicast", forbidden)
    monkeypatch.setattr(announcement, "_resolved", resolved_offline)
    async with announced("asr", INFO, Address("127.0.0.1", 1), settings):
        pass


async def resolved_offline(host: str) -> list[announcement.IpAddress]:
    return [ipaddress.ip_address(host)] if host == "127.0.0.1" else []


async def test_a_network_that_can_t_be_used_is_logged_never_fatal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(discovery, "AsyncZeroconf", broken)
    async with announced("asr", INFO, Address("127.0.0.1", 1), openly()):
        pass
    assert "not announced on the network: no such device" in caplog.text


async def test_loopback_alone_never_falls_back_to_other_interfaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def broken(**arguments: object) -> None:
        asked.append(arguments["interfaces"])
        raise OSError("no such device")

    monkeypatch.setattr(discovery, "AsyncZeroconf", broken)
    with pytest.raises(OSError, match="no such device"):
        await discover(0.01, on_loopback=True)
    assert asked == [["127.0.0.1"]]


async def test_addresses_that_come_late_or_change_are_announced_with_a_goodbye_to_the_old(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    addresses: list[announcement.IpAddress] = []
    told: list[str] = []
    news = asyncio.Event()

    def tell(what: str) -> None:
        told.append(what)
        news.set()

    @contextlib.asynccontextmanager
    async def registered(
        service: AsyncServiceInfo, at: list[announcement.IpAddress]
    ) -> AsyncIterator[str]:
        tell(f"here at {', '.join(service.parsed_addresses())}")
        try:
            yield service.name
        finally:
            tell("goodbye")

    @contextlib.asynccontextmanager
    async def registered_at_first_in_vain(
        service: AsyncServiceInfo, at: list[announcement.IpAddress]
    ) -> AsyncIterator[str]:
        monkeypatch.setattr(discovery, "_registered", registered)
        tell("in vain")
        raise OSError("no such device")
        yield ""

    async def until_told(count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(told) < count:
                news.clear()
                await news.wait()

    monkeypatch.setattr(discovery, "_LOOK_AGAIN_S", 0)
    monkeypatch.setattr(discovery, "_registered", registered_at_first_in_vain)
    for module in (announcement, discovery):
        monkeypatch.setattr(module, "interface_addresses", lambda *_: list(addresses))
    everywhere = on_loopback("tcp://0.0.0.0:1", no_zeroconf=False)
    async with announced("asr", INFO, Address("0.0.0.0", 1), everywhere):
        assert told == []
        addresses.append(ipaddress.ip_address("192.0.2.1"))
        await until_told(2)
        addresses[:] = [ipaddress.ip_address("192.0.2.2")]
        await until_told(4)
    assert told == ["in vain", "here at 192.0.2.1", "goodbye", "here at 192.0.2.2", "goodbye"]
    assert caplog.text.count("not announced on the network yet: this machine has no address") == 1
    assert caplog.text.count("not announced on the network: no such device") == 1
