"""Clients that lie, stall, flood and vanish against a real service, with a well-behaved one beside them."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping

from tests.fakes import INFO, FakeProgram, on_loopback
from tests.test_wire import MALFORMED, TOO_LARGE
from tests.wire_client import PATIENCE_S, WireClient, client_of
from wyoming_voice import peer
from wyoming_voice import service as service_module
from wyoming_voice.describing import Description
from wyoming_voice.errors import Busy
from wyoming_voice.extensions import PONGS, STATUS
from wyoming_voice.peer import PENDING_REQUESTS
from wyoming_voice.service import Service, serving
from wyoming_voice.wire import Address, Connection, WireLimits


@pytest.fixture
def program() -> FakeProgram:
    return FakeProgram()


@pytest.fixture
async def server(program: FakeProgram) -> AsyncIterator[Address]:
    settings = on_loopback(max_header_bytes=4096, max_data_bytes=2000, max_payload_bytes=100_000)
    async with serving(program, settings) as address:
        yield address


async def still_served(client: WireClient) -> None:
    assert await client.ask(Ping("still there?").event()) == Event("pong", {"text": "still there?"})
    assert await client.ask(Event("echo", {"n": 1})) == Event("echoed", {"n": 1})


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


async def room_again(server: Address) -> None:
    """Ask until a place is free; pytest's time-out says when none ever is."""
    answer: Event | None = None
    while answer is None or answer.type != "pong":
        async with client_of(server) as client:
            answer = await client.ask(Ping("room?").event())


def errors_in(events: list[Event]) -> list[str | None]:
    return [Error.from_event(event).code for event in events if Error.is_type(event.type)]


BAD = {name: (raw, "bad-event") for name, raw in MALFORMED.items()}
BAD |= {name: (raw, "too-large") for name, raw in TOO_LARGE.items()}
BAD["payload over the limit"] = (b'{"type":"x","payload_length":100001}\n', "too-large")
BAD["an event out of place"] = (b'{"type":"wrong"}\n', "bad-event")


@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD.keys())
async def test_nonsense_is_told_then_closed_and_nobody_else_notices(
    server: Address, raw: bytes, code: str
) -> None:
    async with client_of(server) as good, client_of(server) as bad:
        await still_served(good)
        await bad.send_raw(raw)
        told = await bad.read_to_end()
        assert errors_in(told) == [code]
        assert "echoed" not in [event.type for event in told]
        await still_served(good)


async def test_the_error_reaches_a_client_that_is_still_sending(server: Address) -> None:
    async with client_of(server) as bad:
        bad.writer.write(b"nonsense\n")
        told = asyncio.create_task(bad.read_until("error"))
        while not told.done():
            bad.writer.write(bytes(4096))
            await asyncio.sleep(0)
        for _ in range(20):  # without lingering, the first of these has the connection reset
            await bad.send_raw(bytes(4096))
        assert errors_in(await told) == ["bad-event"]
        assert await bad.read() is None
        assert bad.reader.exception() is None


async def test_a_payload_that_is_cut_off_is_a_quiet_goodbye(
    server: Address, caplog: pytest.LogCaptureFixture
) -> None:
    async with client_of(server) as good, client_of(server) as bad:
        await bad.send_raw(b'{"type":"x","payload_length":100}\nabc')
        bad.writer.write_eof()
        assert await bad.read_to_end() == []
        await still_served(good)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_half_a_surrogate_pair_in_a_ping_is_no_bug_of_ours(
    server: Address, caplog: pytest.LogCaptureFixture
) -> None:
    async with client_of(server) as client:
        await client.send_raw(b'{"type":"ping","data":{"text":"a\\ud83d"}}\n')
        assert await client.read() == Event("pong", {"text": "a?"})
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_unknown_events_mean_nothing(server: Address) -> None:
    async with client_of(server) as client:
        await client.send(Event("colour", {"a": 1}, b"123"), Event("select-program", {"name": "x"}))
        await still_served(client)


async def test_a_ping_whose_text_is_no_string_gets_a_pong(server: Address) -> None:
    async with client_of(server) as client:
        assert await client.ask(Event("ping", {"text": [1]})) == Event("pong", {"text": None})


async def test_a_thousand_pings_in_one_go(server: Address) -> None:
    async with client_of(server) as client:
        await client.send(*(Ping(str(n)).event() for n in range(1000)))
        pongs = [await client.read() for _ in range(1000)]
    assert [pong.data["text"] for pong in pongs if pong] == [str(n) for n in range(1000)]


async def test_one_client_s_burst_leaves_the_loop_to_others(program: FakeProgram) -> None:
    """The longest stretch without a turn for anybody else, counted in events, not in time."""
    pushed = 0

    class Counting:
        def push(self, event: Event) -> None:
            nonlocal pushed
            pushed += 1

    program.converse = Counting  # type: ignore[assignment,method-assign]
    async with serving(program, on_loopback()) as server, client_of(server) as client:
        before = most = 0
        client.writer.write(b'{"type":"x"}\n' * 4000)
        while pushed < 4000:
            await asyncio.sleep(0)
            most, before = max(most, pushed - before), pushed
    assert most <= 2


async def test_describe_is_answered_while_loading_and_while_working() -> None:
    program = FakeProgram()
    program.may_load.clear()
    service = Service(program, on_loopback())
    server = await service.listen()
    loading = asyncio.create_task(service.load())
    async with client_of(server) as client, client_of(server) as other:
        await client.send(Event("hold"), Describe().event(), Ping("loading").event())
        assert [event.type for event in await client.read_until("pong")] == ["info", "pong"]
        program.may_load.set()
        assert [event.type for event in await client.read_until("held")] == ["held"]
        for anyone in (client, other):
            info = await anyone.ask(Describe().event())
            assert info is not None
            assert Description.of(info) == replace(INFO, extensions=frozenset({PONGS, STATUS}))
            assert await anyone.ask(Ping("working").event()) == Event("pong", {"text": "working"})
        program.release.set()
        assert [event.type for event in await client.read_until("released")] == ["released"]
    await loading
    await service.stop()
    assert program.closed


async def test_requests_of_one_connection_are_answered_in_turn(
    server: Address, program: FakeProgram
) -> None:
    async with client_of(server) as client, client_of(server) as other:
        await client.send(Event("hold"), Event("echo", {"n": 1}), Event("echo", {"n": 2}))
        await client.read_until("held")
        await still_served(other)
        program.release.set()
        assert [await client.read() for _ in range(3)] == [
            Event("released"),
            Event("echoed", {"n": 1}),
            Event("echoed", {"n": 2}),
        ]


async def test_too_many_waiting_requests_are_refused_and_the_one_at_work_ends(
    server: Address, program: FakeProgram
) -> None:
    async with client_of(server) as good, client_of(server) as greedy:
        await greedy.send(Event("hold"))
        await greedy.read_until("held")
        await greedy.send(*(Event("echo", {"n": n}) for n in range(PENDING_REQUESTS)))
        assert await greedy.ask(Ping("all of them wait").event()) is not None
        await greedy.send(Event("echo", {"n": "one too many"}))
        events = await greedy.read_to_end()
        assert errors_in(events) == ["busy"]
        assert events[-1].type == "farewell"
        await soon(program.cleaned_up)
        await still_served(good)


async def test_hanging_up_ends_the_work(server: Address, program: FakeProgram) -> None:
    async with client_of(server) as client:
        await client.send(Event("hold"))
        await client.read_until("held")
        await client.hang_up()
        await soon(program.cleaned_up)


async def test_a_reset_ends_the_work_without_a_word_in_the_log(
    server: Address, program: FakeProgram, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with client_of(server) as client:
        await client.send(Event("hold"))
        await client.read_until("held")
        client.writer.transport.abort()
        await soon(program.cleaned_up)
    async with client_of(server) as good:
        await still_served(good)
    assert [r.getMessage() for r in caplog.records if "outcome=gone" in r.getMessage()]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_reset_in_the_middle_of_an_answer_is_no_bug_of_ours(
    server: Address, program: FakeProgram, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        program.cleaned_up.clear()
        async with client_of(server) as client:
            await client.send(Event("flood"))
            await client.read()
            client.writer.transport.abort()
            await soon(program.cleaned_up)
    async with client_of(server) as good:
        await still_served(good)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_client_that_never_reads_is_dropped_and_frees_its_work_and_place(
    program: FakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "_LAST_WORDS_S", 0.05)
    settings = on_loopback(write_timeout_s=0.1, max_connections=1)
    async with serving(program, settings) as server, client_of(server) as deaf:
        await deaf.send(Event("flood"))
        await soon(program.cleaned_up)
        await room_again(server)
        assert (await deaf.read_to_end())[-1].type != "error"


@pytest.mark.parametrize(
    ("request_type", "code", "text"),
    [
        ("fail", "engine-failed", "the engine failed on purpose"),
        ("crash", "error", "internal error; the server's log says more"),
    ],
)
async def test_a_request_that_fails_is_told_with_its_farewell(
    server: Address, request_type: str, code: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with client_of(server) as good, client_of(server) as client:
        await client.send(Event(request_type))
        begun, error, *farewell = await client.read_to_end()
        assert begun.type == "begun"
        assert Error.from_event(error) == Error(text, code)
        assert [event.type for event in farewell] == ["farewell"]
        await still_served(good)
    traced = [record for record in caplog.records if record.exc_info]
    assert len(traced) == (1 if request_type == "crash" else 0)


async def test_the_log_line_of_a_request_names_its_outcome(
    server: Address, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for request_type in ("echo", "fail", "crash"):
        async with client_of(server) as client:
            await client.ask(Event(request_type))
            client.writer.write_eof()
            await client.read_to_end()
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("turn=")]
    outcomes = [line.rpartition("outcome=")[2] for line in lines]
    assert outcomes == ["ok", "engine-failed", "internal-error"]
    assert all(" kind=asr " in line and " total=" in line for line in lines)


async def test_a_bug_in_a_conversation_hurts_one_connection_only(
    server: Address, caplog: pytest.LogCaptureFixture
) -> None:
    async with client_of(server) as good, client_of(server) as client:
        await client.send(Event("stumble"))
        assert errors_in(await client.read_to_end()) == ["error"]
        await still_served(good)
    assert [record for record in caplog.records if record.exc_info]


async def test_one_client_too_many_is_refused_until_another_leaves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(FakeProgram(), on_loopback(max_connections=2)) as server:
        async with client_of(server) as first, client_of(server) as second:
            await still_served(first)
            await still_served(second)
            for _ in range(2):
                async with client_of(server) as third:
                    assert errors_in(await third.read_to_end()) == ["busy"]
            await still_served(first)
        await room_again(server)
    told = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert told == [
        "refused a client at 127.0.0.1: 2 are connected already (--max-connections); told once a minute"
    ]


async def test_a_silent_client_is_let_go_and_told_why() -> None:
    settings = on_loopback(idle_timeout_s=0.05)
    async with serving(FakeProgram(), settings) as server, client_of(server) as client:
        assert errors_in(await client.read_to_end()) == ["too-slow"]


async def test_a_request_that_is_cut_off_by_a_mistake_is_logged_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with serving(FakeProgram(), on_loopback()) as server, client_of(server) as client:
        assert await client.ask(Event("hold")) == Event("held")
        await client.send(Event("wrong"))
        await client.read_to_end()
    assert "outcome=bad-event" in caplog.text
    assert "outcome=gone" not in caplog.text


async def test_nobody_is_idle_while_the_model_loads() -> None:
    program = FakeProgram()
    program.may_load.clear()
    service = Service(program, on_loopback(idle_timeout_s=0.01))
    server = await service.listen()
    loading = asyncio.create_task(service.load())
    async with client_of(server) as client, client_of(server) as other:
        for _ in range(200):
            assert await other.ask(Ping().event()) is not None
        assert await client.ask(Ping("hello").event()) == Event("pong", {"text": "hello"})
    program.may_load.set()
    await loading
    await service.stop()


async def test_last_words_do_not_wait_for_a_client_that_never_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer, "_LAST_WORDS_S", 0.05)
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(bytes(10_000_000))
    async with asyncio.timeout(PATIENCE_S):
        await peer.refuse(Connection(reader, writer, WireLimits(write_timeout_s=600)), Busy("full"))
    theirs.close()


async def test_a_flood_of_refused_clients_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service_module, "_REFUSALS", 1)
    async with (
        serving(FakeProgram(), on_loopback(max_connections=1)) as server,
        client_of(server) as served,
        client_of(server) as told,
        client_of(server) as cut,
    ):
        await still_served(served)
        first = await told.read()
        assert first is not None
        assert errors_in([first]) == ["busy"]
        assert await cut.read() is None
        await still_served(served)
    assert len([record for record in caplog.records if "refused" in record.getMessage()]) == 1
