"""Debian's HAProxy with our configuration before several servers: one dies, comes, goes, loads, is stuck."""

import asyncio
import contextlib
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from wyoming.event import Event

from bench.balanced import each_says, talking
from bench.balancer import (
    CONFIGURATION,
    HURRIED,
    OF_A_SERVER,
    Site,
    balancing,
    fleet,
    program,
    worker,
)
from tests.access.papers import Authority
from tests.wire_client import WireClient, client_of
from wyoming_voice import tls
from wyoming_voice.describing import describe
from wyoming_voice.errors import UpstreamError

pytestmark = pytest.mark.skipif(
    program() is None, reason="HAProxy is not on PATH (apt install haproxy), or this is no Linux"
)
SMALL = "tests.small_server"


async def begun(uri: str, stack: contextlib.AsyncExitStack) -> tuple[WireClient, str]:
    """A client whose server says at once that it has begun, and its name."""
    client = await stack.enter_async_context(client_of(uri))
    described = await client.ask(Event("describe"))
    assert described is not None
    return client, described.data["asr"][0]["name"]


async def ask(client: WireClient) -> None:
    await client.send(
        Event("audio-start", {"rate": 16000, "width": 2, "channels": 1}), Event("audio-stop")
    )


@pytest.fixture
def site() -> Site:
    return Site.free()


@pytest.fixture(params=["as it is", "with a name for all servers"])
def configuration(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = CONFIGURATION.read_text(encoding="utf-8")
    if request.param != "as it is":
        text, templates = re.subn("# (server-template)", r"\1", text)
        assert templates == 3
    path = tmp_path / "haproxy.cfg"
    path.write_text(text, encoding="utf-8")
    return path


def test_haproxy_takes_the_file(configuration: Path) -> None:
    binary = program()
    assert binary is not None
    command = (binary, "-c", "-f", str(configuration))
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "is valid" in checked.stdout + checked.stderr


def test_every_server_is_given_up_when_its_machine_has_gone() -> None:
    """HAProxy 2.6 passes over the `tcp-ut` of a default-server (looked for with strace)."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    lines = re.findall(r"^ +(?:# )?server(?:-template)? .*$", text, re.MULTILINE)
    assert len(lines) == 9
    assert all(line.endswith(" tcp-ut 20s") for line in lines)
    assert OF_A_SERVER in (CONFIGURATION.parent / "README.md").read_text(encoding="utf-8")


async def test_nothing_is_lost_when_one_dies_one_comes_and_one_is_drained(
    site: Site, tmp_path: Path
) -> None:
    async with (
        fleet(site, [1, 2, 3], "--service-ms", "20") as workers,
        balancing(
            site, {"asr": [(one.name, one.host) for one in workers[:2]]}, tmp_path
        ) as balancer,
        talking(balancer.uri("asr"), 4) as satellites,
    ):
        first, second, third = workers
        assert set(await each_says(satellites)) == {"s1", "s2"}

        first.process.kill()
        await each_says(satellites)
        await balancer.until_status("asr", "DOWN", "s1")
        assert set(await each_says(satellites)) == {"s2"}

        await balancer.add("asr", third)
        assert set(await each_says(satellites, more=6)) == {"s2", "s3"}

        failures = sum(len(satellite.directory.failures) for satellite in satellites)
        await balancer.drain("asr", "s2")
        second.process.terminate()
        await second.process.wait()
        assert set(await each_says(satellites)) == {"s3"}
        assert sum(len(satellite.directory.failures) for satellite in satellites) == failures
    assert [satellite.lost for satellite in satellites] == [0] * 4


async def test_nothing_is_lost_when_one_freezes(site: Site, tmp_path: Path) -> None:
    async with (
        fleet(site, [1, 2], "--service-ms", "20") as workers,
        balancing(site, {"asr": [(one.name, one.host) for one in workers]}, tmp_path) as balancer,
        talking(balancer.uri("asr"), 4) as satellites,
    ):
        assert set(await each_says(satellites)) == {"s1", "s2"}
        workers[0].process.send_signal(signal.SIGSTOP)
        try:
            await each_says(satellites)
        finally:
            workers[0].process.send_signal(signal.SIGCONT)
    failures = [why for satellite in satellites for why in satellite.directory.failures]
    assert all("no sign of life" in why for why in failures), failures
    assert failures
    assert [satellite.lost for satellite in satellites] == [0] * 4


async def test_a_client_of_another_kind_sees_its_connection_end(site: Site, tmp_path: Path) -> None:
    async with (
        worker(site, 1, "--service-ms", "60000") as one,
        balancing(site, {"asr": [(one.name, one.host)]}, tmp_path) as balancer,
        client_of(balancer.uri("asr")) as client,
    ):
        await client.ask(Event("describe"))
        await ask(client)
        one.process.kill()
        assert await client.read() is None


async def test_what_has_begun_ends_well_when_a_server_is_told_to_stop(
    site: Site, tmp_path: Path
) -> None:
    async with (
        worker(site, 1, module=SMALL) as stopped,
        worker(site, 2) as other,
        balancing(site, {"asr": [(stopped.name, stopped.host)]}, tmp_path) as balancer,
        contextlib.AsyncExitStack() as stack,
    ):
        client, _ = await begun(balancer.uri("asr"), stack)
        held = await client.ask(Event("hold"))
        assert held is not None
        await balancer.add("asr", other)
        stopped.process.terminate()
        await balancer.until_status("asr", "DOWN", stopped.name)
        assert (await begun(balancer.uri("asr"), stack))[1] == other.name
        released = await client.ask(Event("release"))
        assert released is not None
        assert (held.type, released.type) == ("held", "released")


async def test_who_is_frozen_gets_nobody_more_and_keeps_what_it_has(tmp_path: Path) -> None:
    site = Site.free(HURRIED | {"timeout check 2s": "timeout check 500ms"})
    async with (
        worker(site, 1, module=SMALL) as frozen,
        worker(site, 2) as other,
        balancing(site, {"asr": [(frozen.name, frozen.host)]}, tmp_path) as balancer,
        contextlib.AsyncExitStack() as stack,
    ):
        client, _ = await begun(balancer.uri("asr"), stack)
        assert await client.ask(Event("hold")) is not None
        await balancer.add("asr", other)
        frozen.process.send_signal(signal.SIGSTOP)
        await balancer.until_status("asr", "DOWN", frozen.name)
        assert (await begun(balancer.uri("asr"), stack))[1] == other.name
        frozen.process.send_signal(signal.SIGCONT)
        released = await client.ask(Event("release"))
        assert released is not None
        assert released.type == "released"
        await balancer.until_status("asr", "UP", frozen.name)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
async def test_tls_goes_through_to_the_servers(tmp_path: Path) -> None:
    """As the README has it: only checks are HAProxy's own, and they show a certificate as clients do."""
    house = Authority(tmp_path)
    for name in ("server", "kitchen"):
        house.sign(name)
    both = tmp_path / "both.pem"
    both.write_text("".join((tmp_path / f"kitchen.{end}").read_text() for end in ("pem", "key")))
    papers = f"default-server ca-file {house.pem} crt {both} check "
    under_tls = {"tcp-check connect\n": "tcp-check connect ssl\n", "default-server check ": papers}
    site = Site.free(HURRIED | under_tls)
    shown = house.shown(to_clients_of=house)
    doors = ("--uri", "tcp://127.0.0.1:0", "--tls-uri", f"tls://{site.host(1)}:{site.service}")
    certified = ("--tls-cert", str(shown.chain), "--tls-key", str(shown.key))
    async with (
        worker(site, 1, *doors, *certified, "--tls-client-ca", str(house.pem)) as one,
        balancing(site, {"asr": [(one.name, one.host)]}, tmp_path) as balancer,
    ):
        await balancer.until_status("asr", "UP", one.name)
        uri = balancer.uri("asr").replace("tcp:", "tls:")
        caller = house.caller("kitchen")
        tls.identify(caller.authorities, caller.chain, caller.key)
        try:
            described, _ = await describe(uri)
        finally:
            tls.identify(None, None, None)
        assert described.asr[0].name == one.name
        with pytest.raises((OSError, UpstreamError)):
            await describe(uri)


async def test_who_loads_or_is_stuck_gets_nobody(site: Site, tmp_path: Path) -> None:
    async with (
        worker(site, 1) as well,
        worker(site, 2, "--load", "never", module=SMALL) as loading,
        worker(site, 3, "--deadline-s", "0.1", module=SMALL) as stuck,
        client_of(f"tcp://{stuck.host}:{site.service}") as client,
    ):
        await client.send(Event("stick"))
        await client.read_until("stuck")
        named = [(one.name, one.host) for one in (well, loading, stuck)]
        async with (
            balancing(site, {"asr": named}, tmp_path) as balancer,
            contextlib.AsyncExitStack() as stack,
        ):
            await balancer.until_status("asr", "DOWN", "s2", "s3")
            names = [(await begun(balancer.uri("asr"), stack))[1] for _ in range(6)]
            assert names == ["s1"] * 6


async def test_with_nobody_left_a_client_is_told_at_once(site: Site, tmp_path: Path) -> None:
    async with balancing(site, {"asr": [("s1", site.host(1))]}, tmp_path) as balancer:
        await balancer.until_status("asr", "DOWN", "s1")
        async with client_of(balancer.uri("asr")) as client:
            assert await client.read() is None
        async with client_of(balancer.uri("numbers")) as prometheus:
            await prometheus.send_raw(b"GET /metrics HTTP/1.0\r\n\r\n")
            page = (await prometheus.reader.read()).decode()
        assert 'haproxy_server_status{proxy="asr",server="s1",state="DOWN"} 1' in page


async def test_who_hangs_up_hangs_up_on_the_server(site: Site, tmp_path: Path) -> None:
    async with (
        worker(site, 1, "--service-ms", "60000") as one,
        balancing(site, {"asr": [(one.name, one.host)]}, tmp_path) as balancer,
    ):
        async with client_of(balancer.uri("asr")) as client:
            await client.ask(Event("describe"))
            await ask(client)
            await balancer.until("asr", "s1", lambda row: row["scur"] == "1")
        await balancer.until("asr", "s1", lambda row: row["scur"] == "0")


async def test_a_conversation_stays_with_its_server(site: Site, tmp_path: Path) -> None:
    async with fleet(site, [1, 2, 3]) as workers:
        named = [(one.name, one.host) for one in workers]
        async with balancing(site, {"handle": named[:2]}, tmp_path) as balancer:
            begun_at = await where(site)
            assert set(begun_at.values()) == {"s1", "s2"}
            await balancer.add("handle", workers[2])
            await balancer.drain("handle", "s1")
            assert await where(site) == begun_at
            later = {await who_answers(site, f"127.0.79.{number}") for number in range(1, 30)}
            assert later == {"s2", "s3"}
        async with balancing(site, {"handle": named[:2]}, tmp_path):
            assert await where(site) == begun_at


async def where(site: Site) -> dict[int, str]:
    """Satellite -> its server."""
    return {number: await who_answers(site, f"127.0.78.{number}") for number in range(1, 20)}


async def who_answers(site: Site, source: str) -> str:
    """The name of the server that a machine with this address is given."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", site.fronts["handle"], local_addr=(source, 0)
    )
    client = WireClient(reader, writer)
    described = await client.ask(Event("describe"))
    assert described is not None
    await client.hang_up()
    return str(described.data["asr"][0]["name"])
