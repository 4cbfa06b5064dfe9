"""Who is found, and what is told of them: ours, others', gateways, and those who aren't there."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable

import pytest
from rich.console import Console
from wyoming.event import Event

from tests.fakes import INFO, FakeProgram, on_loopback
from tests.wire_client import PATIENCE_S, client_of
from wyoming_voice import __version__
from wyoming_voice.discovery import announced
from wyoming_voice.service import Service, serving
from wyoming_voice.status import command
from wyoming_voice.status.command import StatusSettings, plan_of, run
from wyoming_voice.status.finding import Plan, Survey, survey
from wyoming_voice.status.report import Load, Report, State, Trouble
from wyoming_voice.status.table import all_well, as_json, show
from wyoming_voice.wire import Address, parse_uri


async def looked(*named: str, **given: object) -> Survey:
    """A survey of those that are named and nobody else."""
    plan = {"usual": (), "look_s": 0, "timeout_s": PATIENCE_S, "named": named, **given}
    return await survey(Plan(**plan))  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def somebody(answer: Callable[[bytes], bytes]) -> AsyncIterator[Address]:
    """A server that answers the first line with anything at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                writer.write(answer(line))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def test_ours_tell_how_they_are() -> None:
    program = FakeProgram()
    async with serving(program, on_loopback()) as address, client_of(address) as client:
        await client.ask(Event("echo"))
        async with client_of(address) as failing:
            await failing.send(Event("fail"))
            await failing.read_until("farewell")
        await client.send(Event("hold"))
        await client.read_until("held")
        (told,) = (await looked(str(address))).reports
        program.release.set()
    assert (told.state, told.version, told.what) == (State.READY, __version__, ("asr",))
    assert told.engine == "fake"
    assert told.engines["wyoming"]
    assert told.load == Load(connections=1, answering=1)  # who asks is not counted
    assert told.requests == {"ok": 1, "engine-failed": 1}
    assert told.uptime_s is not None
    (error,) = told.troubles
    assert (error.code, error.text) == ("engine-failed", "the engine failed on purpose")
    assert abs(error.at_s - time.time()) < 60


async def test_one_that_loads_one_that_is_stuck_and_one_that_stops() -> None:
    program = FakeProgram()
    program.may_load.clear()
    service = Service(program, on_loopback())
    uri = str(await service.listen())
    loading = asyncio.create_task(service.load())
    states = [(await looked(uri)).reports[0].state]
    program.may_load.set()
    await loading
    for fault in ("reloading", "stuck"):
        setattr(program, fault, True)
        states.append((await looked(uri)).reports[0].state)
    async with client_of(parse_uri(uri)) as client:
        await client.send(Event("hold"))
        await client.read_until("held")
        stopping = asyncio.create_task(service.stop())
        await asyncio.sleep(0)
        answer = await client.ask(Event("status"))
        assert answer is not None
        program.release.set()
    await stopping
    assert states == [State.LOADING, State.RESTARTING, State.STUCK]
    assert answer.data["health"] == "stopping"


async def test_errors_without_a_request_and_the_latest_last() -> None:
    async with serving(FakeProgram(), on_loopback()) as address:
        for kind in ("wrong", "fail", "wrong"):
            async with client_of(address) as client:
                await client.send(Event(kind))
                await client.read_until("error")
        (told,) = (await looked(str(address))).reports
    assert [error.code for error in told.troubles] == ["engine-failed", "bad-event"]
    assert told.requests == {"engine-failed": 1}


async def test_others_tell_what_they_are() -> None:
    info = INFO.event()
    info.data["asr"][0]["version"] = "9.9"
    data = json.dumps(info.data).encode()
    line = json.dumps({"type": "info", "data_length": len(data)}).encode() + b"\n" + data
    async with somebody(lambda _: line) as address:
        (told,) = (await looked(str(address))).reports
    assert (told.state, told.what, told.engine) == (State.READY, ("asr",), "fake 9.9")
    assert (told.load, told.uptime_s) == (None, None)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 70_000])
async def test_who_is_no_wyoming_server_is_missed_in_words(answer: bytes) -> None:
    async with somebody(lambda _: answer) as address:
        found = await looked(str(address), timeout_s=0.5)
    (told,) = found.reports
    assert told.state is State.NO_ANSWER
    assert told.remark
    assert not all_well(found)


async def test_who_turns_us_away_is_there() -> None:
    settings = on_loopback(max_connections=1)
    async with serving(FakeProgram(), settings) as address, client_of(address) as first:
        await first.ask(Event("echo"))
        (full,) = (await looked(str(address))).reports
    assert full.state is State.FULL
    assert full.remark.endswith("1 clients are connected already; try again later")
    assert not full.well
    line = b'{"type": "error", "data": {"text": "not from there", "code": "forbidden"}}\n'
    async with somebody(lambda _: line) as address:
        (refused,) = (await looked(str(address))).reports
    assert (refused.state, refused.well) == (State.REFUSED, False)
    assert refused.remark == f"{address} says: not from there"


async def test_who_is_named_is_missed_and_who_might_be_there_is_not(unused_tcp_port: int) -> None:
    nobody = f"tcp://127.0.0.1:{unused_tcp_port}"
    assert (await looked(usual=(nobody,))).reports == ()
    (told,) = (await looked(nobody, usual=(nobody,))).reports
    assert (told.state, told.remark) == (State.NO_ANSWER, "Connection refused")


async def test_nobody_is_listed_twice() -> None:
    settings = on_loopback("tcp://0.0.0.0:0")
    async with serving(FakeProgram(), settings) as address:
        here = [f"tcp://{host}:{address.port}" for host in ("127.0.0.1", "localhost")]
        found = await looked(*here, usual=(here[0],))
    assert len(found.reports) == 1


async def test_whoever_is_announced_has_a_name_also_by_an_address_that_leads_nowhere() -> None:
    attic = f"attic {secrets.token_hex(4)}"  # others' tests announce on loopback, too
    settings = on_loopback(no_zeroconf=False, zeroconf=attic, advertise_host="::1")
    async with (
        serving(FakeProgram(), settings) as address,
        announced("asr", INFO, address, settings),
    ):
        found = await looked(str(address), look_s=2, on_loopback=True)
    told = [(one.name, one.address, one.state) for one in found.reports if attic in one.name]
    assert told == [(f"{attic} asr", str(address), "ready")]


async def test_a_gateway_by_its_health() -> None:
    rows = [{"kind": "asr", "state": "up"}, {"kind": "tts", "state": "away"}]
    account = {"version": "1.2", "answering": 2, "requests": {"ok": 5}, "uptime_s": 60}
    body = json.dumps({"status": "ok", "services": rows, "account": account}).encode()
    answers = iter([b"HTTP/1.0 200 OK\r\n\r\n" + body])
    ends = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).startswith(b"GET /health HTTP/1.0")
        writer.write(next(answers))
        writer.close()
        ends.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    (told,) = (await looked(gateway=address)).reports
    server.close()
    assert (told.what, told.state, told.version) == (("gateway",), State.READY, "1.2")
    assert told.remark == "its servers that are not ready: tts"
    assert (told.load, told.requests) == (Load(answering=2), {"ok": 5})


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"hello\r\n\r\n{}", b"HTTP/1.0 200 OK\r\n\r\n{}"),
        b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 9000,
    ],
)
async def test_what_is_no_gateway_is_missed_only_where_one_was_named(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    assert (await looked(gateway=address)).reports == ()
    (told,) = (await looked(gateway=address, gateway_named=True)).reports
    server.close()
    assert (told.state, told.remark) == (State.NO_ANSWER, "what answers is no gateway")


def test_a_person_and_a_program_see_the_same() -> None:
    report = Report(
        "ki[red]tchen",
        "tcp://192.168.1.5:10300",
        State.STUCK,
        ("asr",),
        "1.0",
        "whisper 2",
        load=Load(4, 1, 0),
        requests={"ok": 7, "busy": 9},
        uptime_s=93_784,
        troubles=(Trouble(0.0, "busy", "no [bold]room"), Trouble(1e300, "x", "y")),
        remark="it hangs",
    )
    console = Console(markup=False, emoji=False, highlight=False, width=140, record=True)
    found = Survey((report,), "no route")
    with console.capture() as captured:
        show(console, found)
    said = captured.get()
    for words in (
        *("asr ki[red]tchen", "tcp://192.168.1.5:10300", "1.0, whisper 2", "stuck"),
        *("1 answering, 4 connected", "9 busy, 7 ok", "1d 2h", "it hangs", "no [bold]room"),
        *("the network can't be searched: no route", "at an unknown time"),
    ):
        assert words in said
    told = json.loads(as_json(found))
    assert (told["well"], told["network"]) == (False, "no route")
    assert told["services"][0]["requests"] == {"ok": 7, "busy": 9}
    assert told["services"][0]["state"] == "stuck"


def test_an_error_is_not_of_an_address() -> None:
    report = Report(
        *("", "tls://192.168.1.5:10301", State.READY, ("asr",)),
        engine="whisper 2",
        troubles=(Trouble(0.0, "bad-event", "no TLS"),),
    )
    console = Console(markup=False, emoji=False, highlight=False, width=140)
    with console.capture() as captured:
        show(console, Survey((report,)))
    last = captured.get().splitlines()[-1]
    assert last.endswith("  asr whisper 2  bad-event: no TLS")


async def test_a_file_has_all_of_a_wide_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Report("attic " * 20, "tcp://192.0.2.1:1", State.READY, ("asr",), "1.0", "w" * 200)

    async def found(_: Plan) -> Survey:
        return Survey((told,))

    monkeypatch.setattr(command, "survey", found)
    assert await run(StatusSettings(timeout_s=1)) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.rstrip().endswith("up")
    assert told.name.strip() in row
    assert told.engine in row


async def test_the_command_from_settings_to_status(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with serving(FakeProgram(), on_loopback()) as address:
        monkeypatch.setenv("WYOMING_VOICE_SATELLITE_ASR_URI", str(address))
        monkeypatch.setenv("WYOMING_VOICE_GATEWAY_HTTP", "tcp://0.0.0.0:8123")
        monkeypatch.setenv("WYOMING_VOICE_GATEWAY_INSECURE", "true")
        settings = StatusSettings(uri=["tcp://127.0.0.1:9"], timeout_s=1, format="json")
        plan = plan_of(settings)
        assert plan.named == ("tcp://127.0.0.1:9", str(address))
        assert (plan.gateway, plan.gateway_named) == (Address("127.0.0.1", 8123), True)
        assert await run(settings) == 1
    told = json.loads(capsys.readouterr().out)
    states = {service["address"]: service["state"] for service in told["services"]}
    assert states[str(address)] == "ready"
    assert states["tcp://127.0.0.1:9"] == states["http://127.0.0.1:8123"] == "no answer"
