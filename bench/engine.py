"""What our server adds to its engine: a request over TCP beside the same audio given by a plain call."""

import asyncio
import time

from bench.contenders import Recogniser, Running
from wyoming_voice.asr.engine import DecodeOptions
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings
from wyoming_voice.audio import Audio
from wyoming_voice.benchmark.asking import transcribed
from wyoming_voice.benchmark.recording import Recording
from wyoming_voice.benchmark.report import Report

BARE = "bare engine"


async def overhead_rounds(
    report: Report, running: Running, recogniser: Recogniser, said: list[Recording], runs: int
) -> None:
    """Alternating, one at a time, all at once."""
    settings = WhisperSettings(device="cpu", cpu_threads=recogniser.threads)
    engine = Whisper(str(recogniser.model), settings)
    await asyncio.to_thread(engine.load)
    options = DecodeOptions(language="en", beam_size=recogniser.beams)
    row = report.row("burst, 1 at a time: beside a plain call", "ms", {"measure": "overhead"})
    await asyncio.to_thread(_decoded_s, engine, options, said[0].samples)
    for run in range(runs):
        recording = said[run % len(said)]
        bare_s = await asyncio.to_thread(_decoded_s, engine, options, recording.samples)
        row.add(BARE, 1000 * bare_s)
        chunks, uri = recording.chunks(), running.contender.uri
        heard = await transcribed(uri, chunks, at_once=True, language="en")
        row.add(running.contender.who, 1000 * heard.after_stop_s)


def _decoded_s(engine: Whisper, options: DecodeOptions, samples: Audio) -> float:
    start_s = time.monotonic()
    for _ in engine.transcribe(samples, options):
        pass
    return time.monotonic() - start_s
