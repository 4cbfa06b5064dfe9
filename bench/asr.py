"""python -m bench.asr: how long after `audio-stop` the transcript comes, ours beside wyoming-faster-whisper.

All servers get the same weights, threads and beam, take turns run by run, and are asked over TCP, with
audio at a microphone's pace, all from the same moment on or each from one of its own, and with the whole
recording at once. Ours runs again without speculation, with a short audio context where that suffices, and
with threads of its own choice. The bare engine, called in this process, shows what the server adds to it.
"""

import argparse
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import (
    HEARD_AT_ONCE,
    HEARD_PACED,
    NAMES,
    SHORT,
    Recogniser,
    Running,
    all_started,
    note_speculation,
)
from bench.engine import overhead_rounds
from bench.hanging_up import hang_up_rounds
from bench.servers import PEERS, run, whisper
from bench.speech import recordings
from wyoming_voice.benchmark.asking import transcribed
from wyoming_voice.benchmark.recording import CHUNK_MS, TRAILING_SILENCE_MS, Recording
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.benchmark.rounds import (
    Pace,
    asr_round,
    describe_round,
    paces,
    rounds_of,
    utterances,
)


@dataclass(frozen=True)
class Bench:
    """What all measurements share."""

    report: Report
    servers: dict[str, Running]
    recordings: list[Recording]
    runs: int

    def turns(self, rounds: int, whose: Collection[str] = ()) -> Iterator[tuple[int, Running]]:
        """For each round the servers, in an order that changes from round to round."""
        there = [one for who, one in self.servers.items() if not whose or who in whose]
        for number in range(rounds):
            for running in there if number % 2 == 0 else there[::-1]:
                yield number, running


async def main() -> None:
    arguments = parsed()
    recogniser = Recogniser(
        await whisper(arguments.model),
        arguments.threads,
        arguments.beam,
        arguments.workers,
        arguments.peers,
    )
    report = Report(f"ASR, {arguments.model}", facts_of(arguments))
    said = recordings()
    await cold_starts(report, recogniser, arguments.contenders, said[0], arguments.starts)
    async with all_started(recogniser, arguments.contenders) as servers:
        bench = Bench(report, servers, said, arguments.runs)
        await warm_up(bench)
        for sessions in arguments.sessions:
            for pace in paces(sessions):
                await rounds(bench, sessions, pace)
        await describe_rounds(bench, max(arguments.sessions))
        await hang_up_rounds(report, bench.turns(rounds_of(arguments.runs, 4), HEARD_PACED), said)
        note_memory(bench)
        if OURS in servers:
            await overhead_rounds(report, servers[OURS], recogniser, said, arguments.runs)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.asr", description=__doc__)
    parser.add_argument(
        "--model",
        default="base.en",
        help="command: the small model of the tests; a directory; or a size, with random weights",
    )
    parser.add_argument("--runs", type=int, default=8, help="requests at each number of sessions")
    parser.add_argument("--starts", type=int, default=2, help="cold starts of each server")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="decodes at a time, ours alone")
    add_contenders(parser)
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def add_contenders(parser: argparse.ArgumentParser) -> None:
    """The options that say who is measured."""
    parser.add_argument("--contenders", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--peers", type=Path, default=PEERS, help="what bench/peers.sh built")


def facts_of(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "effort": f"{arguments.threads} threads, beam {arguments.beam}, for all",
        "runs": f"{arguments.runs} requests or more",
        "audio": f"{CHUNK_MS} ms chunks, {TRAILING_SILENCE_MS} ms of silence after the speech",
    }


async def cold_starts(
    report: Report,
    recogniser: Recogniser,
    names: Collection[str],
    said: Recording,
    starts: int,
) -> None:
    """The first request of a server's life."""
    row = report.row("first request, burst: after stop", "ms", {"measure": "cold"})
    for _ in range(starts):
        for who in (NAMES[name] for name in names):
            if who not in HEARD_AT_ONCE:
                continue
            async with recogniser.started(who) as running:
                uri = running.contender.uri
                heard = await transcribed(uri, said.chunks(), at_once=True, language="en")
                row.add(who, 1000 * heard.after_stop_s)


async def warm_up(bench: Bench) -> None:
    """Each server is asked everything once."""
    for running in bench.servers.values():
        for number in range(len(bench.recordings)):
            said = utterances(bench.recordings, 1, number)
            await asr_round(Report(""), running.contender, said, Pace.BURST)


async def rounds(bench: Bench, sessions: int, pace: Pace) -> None:
    """All who are heard at this pace, in turns."""
    for running in bench.servers.values():
        running.log.news()
    whose = HEARD_AT_ONCE if pace is Pace.BURST else HEARD_PACED
    for number, running in bench.turns(rounds_of(bench.runs, sessions), whose):
        said = utterances(bench.recordings, sessions, number)
        await asr_round(bench.report, running.contender, said, pace, number)
    for who in () if pace is Pace.BURST else (OURS, SHORT):
        if who in bench.servers:
            name = f"{pace}, {sessions} at a time"
            note_speculation(bench.report, name, bench.servers[who], sessions)


async def describe_rounds(bench: Bench, sessions: int) -> None:
    """While all cores work."""
    for number, running in bench.turns(rounds_of(bench.runs, sessions), HEARD_AT_ONCE):
        said = utterances(bench.recordings, sessions, number)
        await describe_round(bench.report, running.contender, said)


def note_memory(bench: Bench) -> None:
    """The most that each server ever held."""
    row = bench.report.row("peak memory", "MiB", {"measure": "memory"})
    for who, running in bench.servers.items():
        row.add(who, running.server.peak_mb())


if __name__ == "__main__":
    run(main())
