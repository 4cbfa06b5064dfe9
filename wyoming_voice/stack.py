"""Keeps server processes running: starts them, knows when they are ready, starts them again, ends them.

A server that ends before it was ever ready is not started again: its settings or its weights need a
person. One that worked before is, after a pause that doubles up to half a minute.
"""

import asyncio
import contextlib
import ctypes
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from wyoming_voice.errors import EngineError

_PAUSES_S = (1, 2, 4, 8, 15, 30)
_GRACE_S = 15.0  # beyond the servers' own time to drain
_HEALTHY_S = 60.0  # after so long a run the next failure counts as the first
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A server to run: its command, and the arguments that follow."""

    kind: str
    arguments: tuple[str, ...]


class Server:
    """One server process and its successors."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.uri = ""
        self.ready = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None

    async def keep_running(self) -> None:
        """Run it until cancelled; raises EngineError when it ends before it was ever ready."""
        failures = 0
        while True:
            start_s = asyncio.get_running_loop().time()
            async with self._process() as process:
                await self._follow(process)
                ended = f"the {self.plan.kind} server {_how(await process.wait())}"
            if not self.uri:
                raise EngineError(ended)
            if asyncio.get_running_loop().time() - start_s > _HEALTHY_S:
                failures = 0
            pause_s = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
            failures += 1
            _log.warning("%s; next start in %d s", ended, pause_s)
            await asyncio.sleep(pause_s)

    @contextlib.asynccontextmanager
    async def _process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        command = (sys.executable, "-m", "wyoming_voice", self.plan.kind, *self.plan.arguments)
        self.process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, preexec_fn=_end_with_parent
        )
        try:
            yield self.process
        finally:
            await end_process(self.process)

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        """Read what the server prints for its parent: `listening URI`, then `ready URI`."""
        assert process.stdout is not None  # it was opened as a pipe
        async for line in process.stdout:
            word, _, uri = line.decode(errors="replace").strip().partition(" ")
            if word == "ready":
                self.uri = uri
                self.ready.set()


@contextlib.asynccontextmanager
async def running(
    plans: Sequence[Plan], on_ready: Callable[[str, str], None]
) -> AsyncIterator[dict[str, str]]:
    """All servers of `plans`, ready to work: kind -> URI. Ends them at the end of the block.

    `on_ready(kind, uri)` is called as each becomes ready. Raises EngineError when one can't start; when
    one fails later, it is started again.
    """
    servers = [Server(plan) for plan in plans]
    keepers = [asyncio.create_task(server.keep_running()) for server in servers]
    try:
        await _all_ready(servers, keepers, on_ready)
        yield {server.plan.kind: server.uri for server in servers}
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


def end_on_signals() -> None:
    """Have SIGTERM and SIGINT cancel the task that calls this: the servers that it runs end with it.

    Once only: a second Ctrl-C must not interrupt the end of the servers, which is bounded.
    """
    task = asyncio.current_task()
    assert task is not None

    def cancel() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, cancel)


async def _all_ready(
    servers: list[Server], keepers: list[asyncio.Task[None]], on_ready: Callable[[str, str], None]
) -> None:
    async def one(server: Server) -> None:
        await server.ready.wait()
        on_ready(server.plan.kind, server.uri)

    waiting = [asyncio.create_task(one(server)) for server in servers]
    try:
        while not all(task.done() for task in waiting):
            pending = [task for task in (*waiting, *keepers) if not task.done()]
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for keeper in keepers:
                if keeper.done():
                    keeper.result()
    finally:
        for task in waiting:
            task.cancel()


def _end_with_parent() -> None:
    """In the new process: have Linux end it when its parent is killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _how(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"


async def end_process(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end, and make it when it doesn't within a few seconds."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
