"""Servers of ours in processes of their own: how they begin, what they say of themselves, how they end.

Rule: none outlives its block, and none sees the settings of whoever runs the tests.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PATIENCE_S = 40.0


class Process:
    """One that has begun; `said` is what its lines on standard output were, by their first word."""

    def __init__(self, process: asyncio.subprocess.Process, home: Path, log: Path | None) -> None:
        self.process = process
        self.home = home
        self.said: dict[str, str] = {}
        self._log = log

    @property
    def door(self) -> str:
        """Where its HTTP door is, once it has said so."""
        return self.said["http"].replace("tcp:", "http:")

    @property
    def log(self) -> str:
        """All that it has logged into its file."""
        return self._log.read_text() if self._log is not None else "(its log is a pipe)"

    async def line(self) -> str:
        """Its next line; empty at its end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            line = (await self.process.stdout.readline()).decode().strip()
        if line:
            word, _, rest = line.partition(" ")
            self.said[word] = rest
        return line

    async def says(self, word: str) -> str:
        """What stands behind `word`: `listening`, `tls`, `http`, `ready`."""
        while word not in self.said:
            assert await self.line(), f"it ended without saying {word!r}: {self.log}"
        return self.said[word]

    async def logged(self, text: str) -> None:
        """Where the log is a pipe: wait for a line with this text."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            while text not in (line := (await self.process.stderr.readline()).decode()):
                assert line, f"it ended without logging {text!r}"

    async def ended(self) -> tuple[int | None, str]:
        """Exit status, and what has come through the pipe of the log."""
        async with asyncio.timeout(PATIENCE_S):
            _, errors = await self.process.communicate()
        return self.process.returncode, (errors or b"").decode()


@contextlib.asynccontextmanager
async def begun(
    *command: str,
    environ: Mapping[str, str] | None = None,
    home: Path = REPOSITORY,
    log: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> AsyncIterator[Process]:
    """Any command that begins a server; killed at the end of the block if it is still there.

    It logs into a pipe, or into the file `log`, which has room for whatever comes.
    """
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("WYOMING_", "XDG_"))}
    with contextlib.ExitStack() as files:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=files.enter_context(log.open("wb")) if log else asyncio.subprocess.PIPE,
            cwd=home,
            env={**ours, "PYTHONPATH": str(REPOSITORY), **(environ or {})},
            pass_fds=pass_fds,
        )
    try:
        yield Process(process, home, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def small_server(*arguments: str) -> contextlib.AbstractAsyncContextManager[Process]:
    """`tests/small_server.py`, which nobody finds on the network."""
    return begun(sys.executable, "-m", "tests.small_server", "--no-zeroconf", *arguments)


@contextlib.asynccontextmanager
async def at_home(room: Path, name: str, *arguments: str) -> AsyncIterator[Process]:
    """`wyoming-voice NAME` in an empty home below `room`; told to end after the block, it does, with 0."""
    home = room / name
    home.mkdir()
    environ = {"HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = (sys.executable, "-m", "wyoming_voice", name, *arguments)
    async with begun(*command, environ=environ, home=home, log=room / f"{name}.log") as process:
        yield process
        process.process.terminate()
        assert await process.process.wait() == 0
