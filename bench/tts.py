"""python -m bench.tts: how soon speech can be heard, and whether it halts, ours beside two plain ways.

Ours is asked over TCP; whole-sentence synthesis (wyoming-piper's way) and whole-text synthesis are loops
over the same engine in this process. All take turns run by run, with the same threads and in float32; where
Kokoro speaks, ours does so a second time with a precision of its own choice. Many clients at a time ask ours
alone. It goes without its cache of what was said before, but for the row that shows it.
"""

import argparse
import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ours, run, weights
from bench.voices import (
    ESPEAK,
    KOKORO,
    NO_CACHE,
    PRECISION,
    Way,
    all_at_once,
    arguments_of,
    loaded,
    sentence_by_sentence,
)
from wyoming_voice.benchmark.asking import spoken
from wyoming_voice.benchmark.playback import Playback, played
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.benchmark.rounds import (
    About,
    Contender,
    describe_during,
    note_playback,
    note_speech_cpu,
    rounds_of,
    tts_round,
)
from wyoming_voice.benchmark.texts import LONGEST, SENTENCE, TEXTS
from wyoming_voice.client import Speech
from wyoming_voice.core.timing import new_turn_id
from wyoming_voice.tts.engine import Engine
from wyoming_voice.wire import connect

WAYS: dict[str, Way] = {"whole sentence": sentence_by_sentence, "whole text": all_at_once}
OWN_PRECISION = f"{OURS}, precision of its choice"
_LONG = " ".join(TEXTS.values())
_LOOK_S = 0.02


@dataclass(frozen=True)
class Plain:
    """The engine of the plain ways."""

    engine: Engine
    voice: str

    async def speak(self, way: Way, text: str) -> Playback:
        """In a thread, so that time goes on."""
        return await asyncio.to_thread(lambda: played(way(self.engine, self.voice, text)))


@dataclass(frozen=True)
class Bench:
    """What all measurements share; the first of `servers` is ours."""

    report: Report
    servers: list[Contender]
    plain: Plain
    runs: int

    @property
    def ours(self) -> Contender:
        """What is compared."""
        return self.servers[0]


async def main() -> None:
    arguments = parsed()
    facts: dict[str, object] = {
        "runs": arguments.runs,
        "effort": f"{arguments.threads} threads, {PRECISION}, for all",
    }
    report = Report(f"TTS, {arguments.engine}", facts)
    flags = await arguments_of(arguments.engine, arguments.threads)
    await cold_starts(report, flags, arguments.starts)
    if arguments.engine == KOKORO:  # the other engine's speech is not worth keeping
        await said_before(report, flags, arguments.runs)
    model = await weights("kokoro", KOKORO) if arguments.engine == KOKORO else Path()
    engine, voice = await asyncio.to_thread(loaded, arguments.engine, model, arguments.threads)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(ours("tts", *flags, *NO_CACHE))
        servers = [Contender(OURS, server.uri, server.cpu_s)]
        if arguments.engine == KOKORO:
            own = await arguments_of(KOKORO, arguments.threads, "auto")
            other = await stack.enter_async_context(ours("tts", *own, *NO_CACHE))
            servers.append(Contender(OWN_PRECISION, other.uri, other.cpu_s))
        await measure(
            Bench(report, servers, Plain(engine, voice), arguments.runs), arguments.sessions
        )
        report.row("peak memory", "MiB", {"measure": "memory"}).add(OURS, server.peak_mb())
    report.publish(arguments.json)


async def measure(bench: Bench, sessions: list[int]) -> None:
    """One client at a time, then many, and what they make others wait."""
    await warm_up(bench)
    for name, text in TEXTS.items():
        for number in range(bench.runs):
            await one_run(bench, name, text, backwards=number % 2 == 1)
    for count in sessions:
        if count > 1:
            await many_at_a_time(bench, count)
    await describe_while_speaking(bench, max(sessions))
    for _ in range(rounds_of(bench.runs, 4)):
        await hang_up_round(bench.report, bench.ours)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.tts", description=__doc__)
    parser.add_argument("--engine", choices=(KOKORO, ESPEAK), default=KOKORO)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--starts", type=int, default=2, help="cold starts")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


async def cold_starts(report: Report, flags: list[str], starts: int) -> None:
    """The first request of a server's life."""
    row = report.row("first request: first audible sample", "ms", {"measure": "cold"})
    for _ in range(starts):
        async with ours("tts", *flags) as server:
            playback = await spoken(server.uri, TEXTS[SENTENCE])
            row.add(OURS, 1000 * _audible_s(playback))


async def said_before(report: Report, flags: list[str], runs: int) -> None:
    """With the cache that all other measurements go without."""
    async with ours("tts", *flags) as server:
        contender = Contender(f"{OURS}, said before", server.uri, server.cpu_s)
        await spoken(server.uri, TEXTS[SENTENCE])
        for _ in range(runs):
            await tts_round(report, contender, SENTENCE, TEXTS[SENTENCE], 1)


async def warm_up(bench: Bench) -> None:
    """Each speaks once; ours learns its own pace, too."""
    text = TEXTS[LONGEST]
    for server in bench.servers:
        await spoken(server.uri, text)
    await bench.plain.speak(sentence_by_sentence, text)


async def one_run(bench: Bench, name: str, text: str, *, backwards: bool) -> None:
    """Each contender speaks the text once."""
    order: list[Contender | str] = [*bench.servers, *WAYS]
    for who in reversed(order) if backwards else order:
        if isinstance(who, Contender):
            await tts_round(bench.report, who, name, text, 1)
            continue
        cpu_s = time.process_time()
        playback = await bench.plain.speak(WAYS[who], text)
        note_speech_cpu(bench.report, who, name, time.process_time() - cpu_s, [playback])
        note_playback(bench.report, who, name, playback)


async def many_at_a_time(bench: Bench, count: int) -> None:
    """The shortest text, which shows the wait for others, and the longest, in which playback may halt."""
    for name, rounds in ((SENTENCE, rounds_of(bench.runs, count)), (LONGEST, 1)):
        for number in range(rounds):
            for server in bench.servers if number % 2 == 0 else bench.servers[::-1]:
                await tts_round(bench.report, server, name, TEXTS[name], count)


async def describe_while_speaking(bench: Bench, count: int) -> None:
    """While the engine is busy."""
    about: About = {"measure": "describe", "sessions": count}
    row = bench.report.row(f"describe while {count} speak", "ms", about)
    speaking = (spoken(bench.ours.uri, TEXTS[SENTENCE]) for _ in range(count))
    await describe_during(row, bench.ours, speaking)


async def hang_up_round(report: Report, contender: Contender) -> None:
    """A client leaves a long text as soon as it hears something; another's short text waits behind it.

    What the other waits from then on, without what its request takes alone.
    """
    short = TEXTS[SENTENCE]
    alone_s = _audible_s(await spoken(contender.uri, short))
    async with connect(contender.uri) as connection:
        speech = Speech(connection, new_turn_id())
        await speech.begin()
        await speech.add(_LONG)
        await speech.end()
        async with contextlib.aclosing(speech.sounds()) as sounds:
            await anext(sounds)
        waiting = asyncio.create_task(_heard_at_s(contender.uri, short))
        await asyncio.sleep(_LOOK_S)
        hung_up_s = time.monotonic()
    waited_s = await waiting - hung_up_s
    row = report.row("hang-up to the next client served", "ms", {"measure": "hang-up"})
    row.add(OURS, 1000 * max(0.0, waited_s - alone_s))


async def _heard_at_s(uri: str, text: str) -> float:
    playback = await spoken(uri, text)
    return playback.begin_s + _audible_s(playback)


def _audible_s(playback: Playback) -> float:
    assert playback.first_audible_s is not None  # `spoken` raises where nothing is
    return playback.first_audible_s


if __name__ == "__main__":
    run(main())
