"""One command of the shell: fed a text, bounded in time and output, leaving nothing behind.

Rule: a command is over when it and all that it started have closed their output; one that takes longer is
killed with its process group. (A program that is meant to stay redirects its output, as under ssh.)
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TEXT_BYTES = 8192
"""The most that a command is told: less than a pipe holds, so that writing it never waits."""

_OUTPUT_BYTES = 4096
"""How much of its output is kept."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went: the exit status, None when it had to be killed; the first 4 KiB of its output."""

    status: int | None
    output: str


def plain(text: str) -> str:
    """As much of a text as a command can be given, without what no environment variable holds."""
    return text.replace("\0", "").encode(errors="replace")[:TEXT_BYTES].decode(errors="ignore")


async def run_command(
    command: str, text: str, environment: Mapping[str, str], limit_s: float
) -> Ended:
    """Run a command to its end or for `limit_s`; `text` (see `plain`) is its standard input.

    `environment` is added to ours. Raises OSError when it can't be started; killed when cancelled.
    """
    with _output() as output:
        process = await _started(command, text, environment, output.its_end)
        output.listen()
        try:
            async with asyncio.timeout(limit_s):
                await output.complete.wait()
                return Ended(await process.wait(), output.text)
        except TimeoutError:
            return Ended(None, output.text)
        finally:
            if process.returncode is None or not output.complete.is_set():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


async def _started(
    command: str, text: str, environment: Mapping[str, str], output_fd: int
) -> asyncio.subprocess.Process:
    its_input, ours = os.pipe()
    try:
        os.write(ours, text.encode())
        os.close(ours)
        return await asyncio.create_subprocess_shell(
            command,
            stdin=its_input,
            stdout=output_fd,
            stderr=output_fd,
            env=os.environ | environment,
            start_new_session=True,
        )
    finally:
        os.close(its_input)
        os.close(output_fd)


class _Output:
    """The end of a pipe that is read to its end, of which the beginning is kept."""

    def __init__(self) -> None:
        self.complete = asyncio.Event()
        self._fd, self.its_end = os.pipe()
        os.set_blocking(self._fd, False)
        self._kept = b""

    @property
    def text(self) -> str:
        return self._kept.decode(errors="replace").strip()

    def listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)

    def _read(self) -> None:
        chunk = os.read(self._fd, 65_536)
        self._kept += chunk[: _OUTPUT_BYTES - len(self._kept)]
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._fd)
            self.complete.set()


@contextlib.contextmanager
def _output() -> Iterator[_Output]:
    output = _Output()
    try:
        yield output
    finally:
        output.close()
