"""python -m bench.beside URI: utterances one after another until it is ended, each with its time in ms.

A process of its own, so that what others of the benchmark do at the same time isn't in its times.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator

from bench.servers import ROOT
from wyoming_voice.benchmark.asking import transcribed
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import VoiceError
from wyoming_voice.stack import end_process

_CHUNKS = [bytes(SPEECH.size_bytes(100))] * 10
_PAUSE_S = 0.1


@contextlib.asynccontextmanager
async def beside(uri: str) -> AsyncIterator[list[float]]:
    """Times in ms while the block runs, complete after it; infinite for who wasn't served."""
    command = (sys.executable, "-m", "bench.beside", uri)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None  # it was opened as a pipe
    await process.stdout.readline()
    times_ms: list[float] = []
    try:
        yield times_ms
    finally:
        said = asyncio.create_task(process.stdout.read())
        await end_process(process)
        times_ms += [float(line) for line in (await said).split()]


async def main(uri: str) -> None:
    print(flush=True)
    while True:
        begin_s = time.monotonic()
        try:
            await transcribed(uri, _CHUNKS, at_once=True, timeout_s=10)
        except VoiceError:
            print("inf", flush=True)
        else:
            print(1000 * (time.monotonic() - begin_s), flush=True)
        await asyncio.sleep(_PAUSE_S)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
