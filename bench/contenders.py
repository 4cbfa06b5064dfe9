"""The recognisers that are measured side by side: ours in its variants, and wyoming-faster-whisper."""

import contextlib
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from pathlib import Path

from bench.records import LogReader
from bench.servers import PEERS, Measured, faster_whisper_peer, ours
from wyoming_voice.benchmark.report import OURS, Better, Report
from wyoming_voice.benchmark.rounds import Contender

WITHOUT = "ours without speculation"
OWN_THREADS = "ours, threads of its choice"
SHORT = "ours, audio context auto"
PEER = "faster-whisper"

NAMES = {"ours": OURS, "without": WITHOUT, "short": SHORT, "own": OWN_THREADS, "peer": PEER}
"""What a command line calls them -> what a report does."""

HEARD_PACED = frozenset((OURS, WITHOUT, SHORT, PEER))
HEARD_AT_ONCE = frozenset((OURS, SHORT, OWN_THREADS, PEER))
"""Speculation makes no difference to a burst, and threads are told apart best by bursts."""


@dataclass(frozen=True)
class Recogniser:
    """How all of them are started: the same weights, threads and beam."""

    model: Path
    threads: int = 2
    beams: int = 1
    workers: int = 1
    peers: Path = PEERS

    @contextlib.asynccontextmanager
    async def started(self, who: str) -> AsyncIterator["Running"]:
        """One server, for as long as the block runs."""
        async with self._server(who) as server:
            yield Running(Contender(who, server.uri, server.cpu_s, language="en"), server)

    def _server(self, who: str) -> contextlib.AbstractAsyncContextManager[Measured]:
        if who == PEER:
            return faster_whisper_peer(self.model, self.threads, self.beams, self.peers)
        threads, workers = (0, 0) if who == OWN_THREADS else (self.threads, self.workers)
        flags = ["--model", str(self.model), "--language", "en", "--device", "cpu"]
        flags += ["--cpu-threads", str(threads), "--workers", str(workers)]
        flags += ["--beam-size", str(self.beams)]
        if who == WITHOUT:
            flags += ["--speculate-after-ms", "0"]
        if who == SHORT:
            flags += ["--audio-context", "auto"]
        return ours("asr", *flags)


@dataclass
class Running:
    """A server that is measured, and what its log says."""

    contender: Contender
    server: Measured
    log: LogReader = field(init=False)

    def __post_init__(self) -> None:
        self.log = LogReader(self.server.log)


@contextlib.asynccontextmanager
async def all_started(
    recogniser: Recogniser, names: Collection[str]
) -> AsyncIterator[dict[str, Running]]:
    """Contender -> its server, in the order of the names."""
    async with contextlib.AsyncExitStack() as stack:
        yield {
            who: await stack.enter_async_context(recogniser.started(who))
            for who in (NAMES[name] for name in names)
        }


def note_speculation(report: Report, name: str, running: Running, sessions: int) -> None:
    """From the log of ours: how often the transcript was ready, what that saved, what was in vain."""
    requests = [one for one in running.log.news() if "speculation" in one.facts]
    if not requests:
        return
    who, about = running.contender.who, {"sessions": sessions}
    hits = [float(one.facts["speculation"] == "hit") for one in requests]
    hit_row = report.row(
        f"{name}: speculation hits", "%", {"measure": "hits", **about}, Better.MORE
    )
    hit_row.add(who, *(100 * hit for hit in hits))
    saved = report.row(f"{name}: saved by it", "ms", {"measure": "saved", **about}, Better.NEITHER)
    saved.add(who, *(one.stages_ms.get("saved", 0.0) for one in requests))
    wasted = report.row(f"{name}: decoded in vain", "ms", {"measure": "wasted", **about})
    wasted.add(who, *(one.stages_ms.get("wasted", 0.0) for one in requests))
