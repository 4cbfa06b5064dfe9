"""An engine's process never outlives its server, however that ends, and holds up no end that is asked for."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from tests.isolation.watching import ends
from tests.processes import begun
from tests.wire_client import client_of

REPOSITORY = Path(__file__).parents[2]

_ALONE = """
import sys
import numpy as np
from wyoming_voice.asr.engine import DecodeOptions
from tests.isolation.engines import obedient
engine = obedient()
engine.load()
print(engine.pid, flush=True)
sys.stdin.readline()
list(engine.transcribe(np.ones(4, np.float32), DecodeOptions(initial_prompt="say:a")))
print(engine.pid, flush=True)
sys.stdin.readline()
"""

_SERVER = """
import asyncio, sys
from tests.isolation.engines import obedient
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.config import load
from wyoming_voice.service import run_service
arguments = ["--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--no-vad-gate", "--drain-s", "0.1"]
settings = load(AsrSettings, [*arguments, "--initial-prompt", "hang"], {})
program = AsrProgram(settings, [obedient(needs=sys.argv[1])])
asyncio.run(run_service(program, settings))
"""


def test_it_ends_with_its_server_and_leaves_signals_to_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ALONE],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        adjustment = Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii")
        assert int(adjustment) >= 500
        server.stdin.write("\n")
        server.stdin.flush()
        assert int(server.stdout.readline()) == pid
        os.kill(pid, signal.SIGSTOP)  # nor can it see by itself that nobody is there any more
        with ends(pid):
            server.kill()


@pytest.mark.parametrize("needs", ["for ever", ""], ids=["while it is loaded", "at work"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_an_engine_that_hangs_holds_no_end_up_and_lives_on_after_none(
    needs: str, number: signal.Signals
) -> None:
    async with begun(sys.executable, "-c", _SERVER, needs) as served, asyncio.timeout(30):
        server = served.process
        assert server.stderr is not None
        async with client_of(await served.says("listening")) as client:
            await client.send(Transcribe().event(), AudioStart(16_000, 2, 1).event())
            await client.send(AudioChunk(16_000, 2, 1, bytes(32_000)).event())
            await client.send(AudioStop().event())
            while b"hangs in" not in (line := await server.stderr.readline()):
                assert line, "it ended"
            with ends(int(line.split()[-1])):
                server.send_signal(number)
                assert await server.wait() == (0 if number == signal.SIGTERM else -number)
