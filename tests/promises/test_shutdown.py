"""A server that is told to end does, with status 0 and in bounded time, and cuts nobody off that it need not.

What goes before is in tests/test_service.py (idle, with a request in progress, stuck, while it loads), of the
HTTP doors in tests/http/test_in_a_service.py, of the engine's process in tests/isolation/.
"""

import signal
from pathlib import Path

import pytest
from wyoming.event import Event

from tests.processes import small_server
from tests.wire_client import client_of


async def test_a_client_that_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    async with (
        small_server("--uri", f"unix://{path}", "--drain-s", "0.2") as server,
        client_of(await server.says("listening")) as client,
    ):
        await client.send(Event("flood"))
        assert (await client.read_until("water"))[-1].payload
        server.process.terminate()
        status, errors = await server.ended()
    assert status == 0
    assert "Traceback" not in errors
    assert not path.exists()


@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
async def test_told_again_it_still_lets_a_request_end(again: signal.Signals) -> None:
    async with small_server("--drain-s", "600") as server:
        async with client_of(await server.says("listening")) as client:
            await client.send(Event("hold"))
            await client.read_until("held")
            server.process.terminate()
            await server.logged("waiting for 1 clients to get their answers")
            server.process.send_signal(again)
            await client.send(Event("release"))
            assert [event.type for event in await client.read_to_end()] == ["released"]
        status, errors = await server.ended()
    assert status == 0
    assert "Traceback" not in errors


async def test_all_that_were_accepted_are_answered_before_it_ends() -> None:
    """Each asks once more than is being answered; the drain is for all of it."""
    async with small_server("--drain-s", "600") as server:
        uri = await server.says("listening")
        async with client_of(uri) as first, client_of(uri) as second:
            for client in (first, second):
                await client.send(Event("hold"), Event("echo", {"text": "and this"}))
                await client.read_until("held")
            server.process.terminate()
            await server.logged("waiting for 2 clients to get their answers")
            await first.send(Event("release"))
            for client in (first, second):
                events = await client.read_to_end()
                assert [event.type for event in events] == ["released", "echoed"]
        assert (await server.ended())[0] == 0
