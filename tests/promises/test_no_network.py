"""A machine without a network: a server starts, and serves this machine, and says why it isn't announced."""

import asyncio
import contextlib
import shutil
import signal
import subprocess
import sys

import pytest

from tests.processes import REPOSITORY, Process, begun

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


def server(uri: str) -> contextlib.AbstractAsyncContextManager[Process]:
    """`tests/small_server.py` where there is no interface but loopback; it would announce itself."""
    command = (sys.executable, "-m", "tests.small_server", "--uri", uri)
    return begun(*ALONE, "sh", "-c", SCRIPT, *command)


async def described(pid: int, uri: str) -> str:
    """What a client beside the server, in its network, is told."""
    client = await asyncio.create_subprocess_exec(
        *("nsenter", "--target", str(pid), "--user", "--net", "--preserve-credentials"),
        *(sys.executable, "-c", CLIENT, uri),
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    out, _ = await client.communicate()
    return out.decode().strip()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
async def test_it_starts_serves_this_machine_and_ends(host: str) -> None:
    async with server(f"tcp://{host}:0") as alone:
        ready = await alone.says("ready")
        if host == "0.0.0.0":
            await alone.logged("not announced on the network yet: this machine has no")
        assert await described(alone.process.pid, ready.replace("0.0.0.0", "127.0.0.1")) == "fake"
        alone.process.send_signal(signal.SIGTERM)
        assert await alone.process.wait() == 0
