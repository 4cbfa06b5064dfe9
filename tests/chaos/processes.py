"""Servers in processes that are killed: started again at the same address by a keeper, as systemd does it.

Rules: a keeper waits `pause_s` before each start but the first, and ends its process with itself; a port
stays claimed while nobody listens there; and a keeper that fails is told of, never waited for.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


READY_S = 60.0
"""The longest that a server may take to its first start."""


def claimed_port() -> socket.socket:
    """A port of loopback for as long as this is open: where nobody listens there, nobody else gets it.

    Whoever listens there must set SO_REUSEADDR, as asyncio's servers do.
    """
    claim = socket.socket()
    claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    claim.bind(("127.0.0.1", 0))
    return claim


@contextlib.asynccontextmanager
async def kept(keep: Coroutine[object, object, None], ready: asyncio.Event) -> AsyncIterator[None]:
    """Run a keeper, whose server is ready at the beginning; raises what the keeper raised, ever."""
    keeper, waiting = asyncio.create_task(keep), asyncio.create_task(ready.wait())
    try:
        await asyncio.wait((keeper, waiting), return_when=asyncio.FIRST_COMPLETED, timeout=READY_S)
        _raise_of(keeper)
        assert ready.is_set(), f"a server was not ready within {READY_S:.0f} s"
        yield
        _raise_of(keeper)
    finally:
        for task in (keeper, waiting):
            task.cancel()
        await asyncio.gather(keeper, waiting, return_exceptions=True)


def _raise_of(keeper: asyncio.Task[None]) -> None:
    if keeper.done():
        keeper.result()


class Kept:
    """One server and its successors; `starts` counts them, `kills` what `kill` did.

    `doors` are the addresses that the last one has told of: `ready`, `http`.
    """

    def __init__(self, kind: str, arguments: Sequence[str], pause_s: float) -> None:
        self._claim = claimed_port()
        self.uri = f"tcp://127.0.0.1:{self._claim.getsockname()[1]}"
        self.starts = 0
        self.kills = 0
        self.ready = asyncio.Event()
        self.pid = 0
        self.doors: dict[str, str] = {}
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
        with self._claim:
            async with kept(self._keep(), self.ready):
                yield self

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
                    door, _, uri = line.decode().strip().partition(" ")
                    self.doors[door] = uri
                    if door == "ready":
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
