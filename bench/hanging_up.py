"""How long a server goes on for a client that has hung up, as the next client feels it.

A client sends a minute of speech and hangs up while it is decoded; another's short request waits behind it.
What the other waits from that moment on, without what its request takes alone, is the time that the server
needed to become free.
"""

import asyncio
import time
from collections.abc import Iterable

from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from bench.contenders import Running
from bench.speech import long_recording
from wyoming_voice.benchmark.asking import transcribed
from wyoming_voice.benchmark.recording import Recording
from wyoming_voice.benchmark.report import Report
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.wire import connect

_LONG_S = 60.0
_INTO_WORK_S = 0.3
_INTO_WAIT_S = 0.1


async def hang_up_rounds(
    report: Report, turns: Iterable[tuple[int, Running]], said: list[Recording]
) -> None:
    """Another recording in each round."""
    row = report.row("hang-up to the next client served", "ms", {"measure": "hang-up"})
    long = long_recording(_LONG_S).chunks(1000)
    for number, running in turns:
        short = said[number % len(said)].chunks()
        uri = running.contender.uri
        alone = await transcribed(uri, short, at_once=True, language="en")
        waited_s = await _waited_after_hang_up(uri, long, short)
        row.add(running.contender.who, 1000 * max(0.0, waited_s - alone.after_stop_s))


async def _waited_after_hang_up(uri: str, long: list[bytes], short: list[bytes]) -> float:
    rate, width, channels = SPEECH.rate_hz, SPEECH.width_bytes, SPEECH.channels
    async with connect(uri) as connection:
        await connection.write(Transcribe(language="en").event())
        await connection.write(AudioStart(rate, width, channels).event())
        for chunk in long:
            await connection.write(AudioChunk(rate, width, channels, chunk).event())
        await connection.write(AudioStop().event())
        await asyncio.sleep(_INTO_WORK_S)
        waiting = asyncio.create_task(transcribed(uri, short, at_once=True, language="en"))
        await asyncio.sleep(_INTO_WAIT_S)
        hung_up_s = time.monotonic()
    await waiting
    return time.monotonic() - hung_up_s
