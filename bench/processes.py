"""Programs that write subtitles and end: how long they worked, what they held, when their first cue came."""

import asyncio
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from wyoming_voice.errors import UpstreamError

_TIME = re.compile(r"^\W*[\d:.,]+ --> [\d:.,]+\]?")
"""What every line has that begins a subtitle, in SRT, VTT and what Whisper's command lines print."""


@dataclass(frozen=True)
class Work:
    """One program from its start to its end. `lines`: what it wrote, `first_s`: when the first cue began."""

    whole_s: float
    cpu_s: float
    peak_mb: float
    first_s: float
    lines: tuple[str, ...]


async def worked(command: Sequence[str]) -> Work:
    """Run a program that writes subtitles to its standard output. Raises UpstreamError where it fails."""
    with tempfile.TemporaryFile() as errors:
        begin_s = time.monotonic()
        process = _started(command, errors)
        try:
            work = await asyncio.to_thread(_followed, process, begin_s)
        finally:
            if process.returncode is None:
                process.kill()
        if work is None:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-500:]
            raise UpstreamError(f"{command[0]} ended with status {process.returncode}: {said}")
    return work


def _started(command: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[str]:
    """Not asyncio's: that one would take the child's account of itself away from `wait4`."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True
    )


def _followed(process: subprocess.Popen[str], begin_s: float) -> Work | None:
    """None for a program that failed, or wrote no cue."""
    assert process.stdout is not None  # it was opened as a pipe
    lines, first_s = _read(process.stdout, begin_s)
    _, status, usage = os.wait4(process.pid, 0)
    whole_s = time.monotonic() - begin_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or first_s is None:
        return None
    cpu_s = usage.ru_utime + usage.ru_stime
    return Work(whole_s, cpu_s, usage.ru_maxrss / 1024, first_s, tuple(lines))


def _read(output: IO[str], begin_s: float) -> tuple[list[str], float | None]:
    lines: list[str] = []
    first_s: float | None = None
    for line in output:
        if first_s is None and _TIME.match(line):
            first_s = time.monotonic() - begin_s
        lines.append(line.strip())
    return lines, first_s


def words_of(lines: Sequence[str]) -> str:
    """What the cues say, without their numbers and times."""
    timeless = (_TIME.sub("", line).strip() for line in lines)
    return " ".join(line for line in timeless if line and not line.isdecimal())
