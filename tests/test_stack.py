"""Server processes as `up` and `demo` keep them: real ones, of the lightest kind."""

import asyncio
import sys

import pytest

from wyoming_voice.describing import describe
from wyoming_voice.errors import EngineError
from wyoming_voice.stack import Plan, Server, running
from wyoming_voice.wire import connect

HANDLE = Plan("handle", ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--llm-url", "none"))
BROKEN = Plan("handle", ("--uri", "tcp://127.0.0.1:0", "--max-queue", "none"))


async def test_servers_are_ready_inside_the_block_and_gone_after_it() -> None:
    told: list[str] = []
    async with running([HANDLE, HANDLE], lambda kind, uri: told.append(uri)) as uris:
        info, _ = await describe(uris["handle"])
        assert info.handle[0].name == "local"
    assert len(told) == 2
    for uri in told:
        with pytest.raises(OSError, match="Connect call failed"):
            await describe(uri)


async def test_a_server_that_cannot_start_fails_the_stack() -> None:
    with pytest.raises(EngineError, match="the handle server ended with status 2"):
        async with running([HANDLE, BROKEN], lambda kind, uri: None):
            pass


async def test_a_server_that_dies_is_started_again() -> None:
    server = Server(HANDLE)
    keeper = asyncio.create_task(server.keep_running())
    try:
        await server.ready.wait()
        first = server.uri
        server.ready.clear()
        assert server.process is not None
        server.process.kill()
        await server.ready.wait()
        assert server.uri != first
        await describe(server.uri)
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def test_servers_end_when_their_parent_is_killed_outright() -> None:
    """On Linux; elsewhere nothing tells a child of that."""
    if sys.platform != "linux":
        pytest.skip("needs prctl")
    code = (
        "import asyncio\n"
        "from wyoming_voice.stack import Plan, running\n"
        f"plan = {HANDLE!r}\n"
        "async def main():\n"
        "    async with running([plan], lambda kind, uri: print(uri, flush=True)):\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    uri = (await parent.stdout.readline()).decode().strip()
    async with connect(uri) as connection:
        parent.kill()
        await parent.wait()
        async with asyncio.timeout(20):
            assert await connection.read() is None
