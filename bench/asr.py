"""python -m bench.asr: how long after `audio-stop` the transcript comes, ours beside wyoming-faster-whisper.

Both servers get the same weights, threads and beam, take turns run by run, and are asked over TCP, with
audio at a microphone's pace and all at once. The bare engine, called in this process, shows what the
server adds to it.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.measure import OURS, Report
from bench.servers import PEERS, ROOT, Measured, faster_whisper_peer, ours, weights
from bench.speech import CHUNK_MS, TRAILING_SILENCE_MS, Recording, recordings, transcribed
from wyoming_voice.asr.engine import DecodeOptions
from wyoming_voice.asr.whisper import Whisper, WhisperSettings
from wyoming_voice.describing import describe

COMMAND_MODEL = ROOT / "tests" / "models" / "command_whisper"
_BETWEEN_QUESTIONS_S = 0.02


@dataclass(frozen=True)
class Bench:
    """What all measurements share."""

    report: Report
    servers: dict[str, Measured]
    recordings: list[Recording]
    runs: int

    def turns(self) -> list[list[tuple[str, Measured]]]:
        """For each run the servers, in an order that changes from run to run."""
        there = list(self.servers.items())
        return [there if run % 2 == 0 else there[::-1] for run in range(self.runs)]

    def utterances(self, sessions: int, run: int) -> list[Recording]:
        """What the sessions of a run say."""
        return list(islice(cycle(self.recordings), run, run + sessions))


async def main() -> None:
    arguments = parsed()
    model = named_model(arguments.model) or await weights(
        "whisper", f"whisper-{arguments.model}", "--size", arguments.model
    )
    report = Report(
        f"ASR, {arguments.model}, {arguments.threads} threads, beam {arguments.beam}",
        {
            "weights": model.name,
            "runs": arguments.runs,
            "workers of ours": arguments.workers,
            "audio": f"{CHUNK_MS} ms chunks, {TRAILING_SILENCE_MS} ms of silence after the speech",
        },
    )
    async with both(model, arguments) as servers:
        bench = Bench(report, servers, recordings(), arguments.runs)
        report.facts["transcripts"] = await warmed_up(bench, arguments.model == "command")
        for sessions in arguments.sessions:
            await paced_runs(bench, sessions)
            await burst_runs(bench, sessions)
        await describe_runs(bench, max(arguments.sessions))
        await overhead_runs(bench, model, arguments)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.asr", description=__doc__)
    parser.add_argument(
        "--model",
        default="base.en",
        help="command: the small model of the tests; a directory; or a size, with random weights",
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="decodes at a time, ours alone")
    parser.add_argument("--no-peer", action="store_true", help="measure ours alone")
    parser.add_argument("--peers", type=Path, default=PEERS, help="what bench/peers.sh built")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def named_model(name: str) -> Path | None:
    """The directory that the command line names; None for a size, which is made."""
    if name == "command":
        return COMMAND_MODEL
    return Path(name).absolute() if "/" in name else None


@contextlib.asynccontextmanager
async def both(model: Path, arguments: argparse.Namespace) -> AsyncIterator[dict[str, Measured]]:
    """The servers by their contender's name."""
    flags = ("--model", str(model), "--language", "en", "--device", "cpu")
    effort = ("--cpu-threads", str(arguments.threads), "--beam-size", str(arguments.beam))
    workers = ("--workers", str(arguments.workers))
    async with contextlib.AsyncExitStack() as stack:
        servers = {OURS: await stack.enter_async_context(ours("asr", *flags, *effort, *workers))}
        if not arguments.no_peer:
            peer = faster_whisper_peer(model, arguments.threads, arguments.beam, arguments.peers)
            servers["faster-whisper"] = await stack.enter_async_context(peer)
        yield servers


async def warmed_up(bench: Bench, understands: bool) -> dict[str, str]:
    """Ask each server everything once; what its transcripts are worth.

    The command model understands: its right transcripts are counted. Random weights say the same always.
    """
    worth: dict[str, str] = {}
    for who, server in bench.servers.items():
        heard = [
            (await transcribed(server.uri, recording.chunks(CHUNK_MS), at_once=True)).text
            for recording in bench.recordings
        ]
        right = sum(text == said.text for text, said in zip(heard, bench.recordings, strict=True))
        worth[who] = f"{right} of {len(heard)} right" if understands else " | ".join({*heard})
    return worth


async def paced_runs(bench: Bench, sessions: int) -> None:
    """All sessions begin at the same moment: the hardest case, since all end together too."""
    name = f"paced, {sessions} at a time"
    await _runs(bench, sessions, name, at_once=False)


async def burst_runs(bench: Bench, sessions: int) -> None:
    """The whole recording at once."""
    name = f"burst, {sessions} at a time"
    await _runs(bench, sessions, name, at_once=True)


async def _runs(bench: Bench, sessions: int, name: str, *, at_once: bool) -> None:
    after_stop = bench.report.row(f"{name}: after stop", "ms")
    cpu = bench.report.row(f"{name}: CPU a request", "ms")
    rate = bench.report.row(f"{name}: requests a second", "1/s") if at_once else None
    for run, turn in enumerate(bench.turns()):
        spoken = [recording.chunks(CHUNK_MS) for recording in bench.utterances(sessions, run)]
        for who, server in turn:
            cpu_s, start_s = server.cpu_s(), time.monotonic()
            heard = await asyncio.gather(
                *(transcribed(server.uri, chunks, at_once=at_once) for chunks in spoken)
            )
            spent_s = time.monotonic() - start_s
            after_stop.add(who, *(1000 * one.after_stop_s for one in heard))
            cpu.add(who, 1000 * (server.cpu_s() - cpu_s) / sessions)
            if rate is not None:
                rate.add(who, sessions / spent_s)


async def describe_runs(bench: Bench, sessions: int) -> None:
    """How long a new client waits for a description while the engine works for others."""
    row = bench.report.row(f"describe during a burst of {sessions}", "ms")
    for run, turn in enumerate(bench.turns()):
        spoken = [recording.chunks(CHUNK_MS) for recording in bench.utterances(sessions, run)]
        for who, server in turn:
            working = asyncio.gather(
                *(transcribed(server.uri, chunks, at_once=True) for chunks in spoken)
            )
            while not working.done():
                row.add(who, (await describe(server.uri, timeout_s=30.0))[1])
                await asyncio.sleep(_BETWEEN_QUESTIONS_S)
            await working


async def overhead_runs(bench: Bench, model: Path, arguments: argparse.Namespace) -> None:
    """A request over TCP beside the same audio given to the engine by a plain call."""
    engine = Whisper(str(model), WhisperSettings(device="cpu", cpu_threads=arguments.threads))
    await asyncio.to_thread(engine.load)
    decode = bare(engine, DecodeOptions(language="en", beam_size=arguments.beam))
    row = bench.report.row("burst, 1 at a time: beside a plain call", "ms")
    uri = bench.servers[OURS].uri
    for run in range(bench.runs):
        (recording,) = bench.utterances(1, run)
        row.add("bare engine", 1000 * await asyncio.to_thread(decode, recording.samples))
        heard = await transcribed(uri, recording.chunks(CHUNK_MS), at_once=True)
        row.add(OURS, 1000 * heard.after_stop_s)


def bare(engine: Whisper, options: DecodeOptions) -> Callable[[npt.NDArray[np.float32]], float]:
    """A function that decodes audio and returns the seconds that it took."""

    def decode(samples: npt.NDArray[np.float32]) -> float:
        start_s = time.monotonic()
        for _ in engine.transcribe(samples, options):
            pass
        return time.monotonic() - start_s

    return decode


if __name__ == "__main__":
    asyncio.run(main())
