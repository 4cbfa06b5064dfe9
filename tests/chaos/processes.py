"""Servers in processes that are killed: started again at the same address by a keeper, as systemd does it.

Rule: a keeper waits `pause_s` before each start but the first, and ends its process with itself.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Kept:
    """One server and its successors; `starts` counts them, `kills` what `kill` did."""

    def __init__(self, kind: str, arguments: Sequence[str], pause_s: float) -> None:
        self.uri = f"tcp://127.0.0.1:{free_port()}"
        self.starts = 0
        self.kills = 0
        self.ready = asyncio.Event()
        self.pid = 0
        self._command = ("-m", "tests.chaos.server", kind, "--uri", self.uri, "--no-zeroconf")
        self._arguments = arguments
        self._pause_s = pause_s

    def kill(self) -> bool:
        """Now, as the kernel does it; whether there was one to kill."""
        if not self.ready.is_set() or not self.pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            self.kills += 1
        self.ready.clear()
        return True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Kept"]:
        """Keep it running; it is ready at the beginning."""
        keeper = asyncio.create_task(self._keep())
        ready = asyncio.create_task(self.ready.wait())
        try:
            await asyncio.wait((keeper, ready), return_when=asyncio.FIRST_COMPLETED, timeout=60)
            if keeper.done():
                keeper.result()
            assert self.ready.is_set(), f"{self._command} was not ready within a minute"
            yield self
        finally:
            for task in (keeper, ready):
                task.cancel()
            await asyncio.gather(keeper, ready, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                *self._arguments,
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "SOAK_PID": str(os.getpid())},
            )
            self.pid = process.pid
            self.starts += 1
            was_ready = False
            try:
                assert process.stdout is not None  # it was opened as a pipe
                async for line in process.stdout:
                    if line.startswith(b"ready "):
                        self.ready.set()
                        was_ready = True
            finally:
                self.ready.clear()
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                await process.wait()
                self.pid = 0
            if not was_ready:
                raise AssertionError(f"{self._command} ended before it was ready")
            await asyncio.sleep(self._pause_s)
