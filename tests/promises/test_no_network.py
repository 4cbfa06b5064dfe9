"""A machine without a network: a server starts, and serves this machine, and says why it isn't announced."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ALONE = ("unshare", "--user", "--map-root-user", "--net")
SCRIPT = 'ip link set lo up && exec "$0" "$@"'

CLIENT = """
import asyncio, sys
from wyoming.info import Describe, Info
from tests.wire_client import client_of
async def main():
    async with client_of(sys.argv[1]) as client:
        print(Info.from_event(await client.ask(Describe().event())).asr[0].name)
asyncio.run(main())
"""


def has_namespaces() -> bool:
    if not all(map(shutil.which, ("unshare", "ip", "nsenter"))):
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not has_namespaces(), reason="needs network namespaces and iproute2"
)


@contextlib.asynccontextmanager
async def server(uri: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`tests/small_server.py` where there is no interface but loopback; it would announce itself."""
    process = await asyncio.create_subprocess_exec(
        *(*ALONE, "sh", "-c", SCRIPT, sys.executable, "-m", "tests.small_server", "--uri", uri),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
        env={k: v for k, v in os.environ.items() if not k.startswith("WYOMING_VOICE_")},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(stream: asyncio.StreamReader | None, text: str) -> str:
    assert stream is not None
    async with asyncio.timeout(30):
        while text not in (line := (await stream.readline()).decode()):
            assert line, f"it ended without {text!r}"
    return line


async def described(process: asyncio.subprocess.Process, uri: str) -> str:
    """What a client beside the server, in its network, is told."""
    client = await asyncio.create_subprocess_exec(
        *("nsenter", "--target", str(process.pid), "--user", "--net", "--preserve-credentials"),
        *(sys.executable, "-c", CLIENT, uri),
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    out, _ = await client.communicate()
    return out.decode().strip()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
async def test_it_starts_serves_this_machine_and_ends(host: str) -> None:
    async with server(f"tcp://{host}:0") as process:
        ready = (await line_with(process.stdout, "ready ")).split()[1]
        if host == "0.0.0.0":
            await line_with(process.stderr, "not announced on the network yet: this machine has no")
        assert await described(process, ready.replace("0.0.0.0", "127.0.0.1")) == "fake"
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
