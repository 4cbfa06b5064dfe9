"""One round of one measurement with one server: as many sessions at once as are asked for.

Whoever calls lets the contenders take turns, and repeats. Rule: a round's sessions begin at the same
moment, which is the hardest case, since what is paced ends together, too; but for `Pace.STAGGERED`, whose
moments are drawn at random from the round's number, the same for every contender and in every run.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle, islice
from typing import TypeVar

from wyoming_voice.benchmark.asking import TIMEOUT_S, Heard, answered, spoken, transcribed
from wyoming_voice.benchmark.playback import Playback
from wyoming_voice.benchmark.recording import CHUNK_MS, Recording
from wyoming_voice.benchmark.report import Better, Report, Row
from wyoming_voice.describing import describe
from wyoming_voice.errors import UpstreamError, why

_BETWEEN_QUESTIONS_S = 0.02

T = TypeVar("T")
About = dict[str, str | int]


class Pace(StrEnum):
    """How the sessions of a round give their audio."""

    PACED = "paced"
    """As microphones do, all from the same moment on."""

    STAGGERED = "staggered"
    """As microphones do, each from a moment of its own on, within the length of the longest utterance: as
    people in a house speak, of whom some end while others go on."""

    BURST = "burst"
    """The whole recording at once."""


@dataclass(frozen=True)
class Contender:
    """A server to be measured; `cpu_s` reads the CPU time that it has used, where that can be had."""

    who: str
    uri: str
    cpu_s: Callable[[], float] | None = None
    language: str | None = None
    in_pieces: bool = True
    timeout_s: float = TIMEOUT_S


def rounds_of(runs: int, sessions: int) -> int:
    """How many rounds give at least `runs` requests."""
    return math.ceil(runs / sessions)


def utterances(recordings: Sequence[Recording], sessions: int, round_: int) -> list[list[bytes]]:
    """What the sessions of a round say, in chunks: another each, and others in the next round."""
    chosen = islice(cycle(recordings), round_, round_ + sessions)
    return [recording.chunks() for recording in chosen]


def paces(sessions: int) -> list[Pace]:
    """Those that differ: one session alone has nobody to begin before."""
    return [pace for pace in Pace if sessions > 1 or pace is not Pace.STAGGERED]


def begins_s(said: Sequence[list[bytes]], pace: Pace, round_: int) -> list[float]:
    """When each session of a round begins, in seconds after the round does."""
    if pace is not Pace.STAGGERED:
        return [0.0] * len(said)
    longest_s = max(map(len, said)) * CHUNK_MS / 1000
    drawn = random.Random(round_)
    return [drawn.uniform(0, longest_s) for _ in said]


async def asr_round(
    report: Report, server: Contender, said: list[list[bytes]], pace: Pace, round_: int = 0
) -> list[Heard]:
    """Time from `audio-stop` to the transcript; for bursts also what gets through in a second."""
    sessions = len(said)
    name = f"{pace}, {sessions} at a time"
    about: About = {"pace": pace.value, "sessions": sessions}
    cpu_s, start_s = _spent(server), time.monotonic()
    heard = await together(
        _transcribed(server, chunks, at_once=pace is Pace.BURST, after_s=after_s)
        for chunks, after_s in zip(said, begins_s(said, pace, round_), strict=True)
    )
    spent_s = time.monotonic() - start_s
    after_stop = report.row(f"{name}: after stop", "ms", {"measure": "after stop", **about})
    after_stop.add(server.who, *(1000 * one.after_stop_s for one in heard))
    _note_cpu(report, name, server, cpu_s, about)
    if pace is Pace.BURST:
        rate = report.row(f"{name}: requests", "1/s", {"measure": "rate", **about}, Better.MORE)
        rate.add(server.who, sessions / spent_s)
    return heard


async def describe_round(report: Report, server: Contender, said: list[list[bytes]]) -> None:
    """How long a new client waits for a description while the engine hears others."""
    sessions = len(said)
    about: About = {"measure": "describe", "sessions": sessions}
    row = report.row(f"describe during a burst of {sessions}", "ms", about)
    await describe_during(
        row, server, (_transcribed(server, chunks, at_once=True) for chunks in said)
    )


async def describe_during(
    row: Row, server: Contender, work: Iterable[Coroutine[object, object, object]]
) -> None:
    """Ask for a description again and again until the work is done."""
    working = asyncio.ensure_future(together(work))
    try:
        while not working.done():
            row.add(server.who, await _described_in_ms(server))
            await asyncio.sleep(_BETWEEN_QUESTIONS_S)
        await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _described_in_ms(server: Contender) -> float:
    """Connecting included. Raises UpstreamError."""
    try:
        return (await describe(server.uri, timeout_s=server.timeout_s))[1]
    except OSError as error:
        raise UpstreamError(f"{server.uri} does not describe itself: {why(error)}") from error


async def tts_round(
    report: Report, server: Contender, name: str, text: str, sessions: int
) -> list[Playback]:
    """Time to the first sample that can be heard, halts of playback, and the real-time factor."""
    cpu_s = _spent(server)
    playbacks = await together(
        spoken(server.uri, text, in_pieces=server.in_pieces, timeout_s=server.timeout_s)
        for _ in range(sessions)
    )
    for playback in playbacks:
        note_playback(report, server.who, name, playback, sessions)
    if server.cpu_s is not None:
        spent_s = server.cpu_s() - cpu_s
        note_speech_cpu(report, server.who, name, spent_s, playbacks)
    return playbacks


def note_playback(
    report: Report, who: str, name: str, playback: Playback, sessions: int = 1
) -> None:
    """Keep what was measured of a speech that could be heard."""
    assert playback.first_audible_s is not None
    said = name if sessions == 1 else f"{name}, {sessions} at a time"
    about: About = {"text": name, "sessions": sessions}
    ttfa = report.row(f"{said}: first audible sample", "ms", {"measure": "first audible", **about})
    ttfa.add(who, 1000 * playback.first_audible_s)
    report.row(f"{said}: gaps", "ms", {"measure": "gaps", **about}).add(who, 1000 * playback.gaps_s)
    report.row(f"{said}: RTF", "s/s", {"measure": "rtf", **about}).add(who, playback.rtf)
    length = report.row(f"{said}: audio", "s", {"measure": "audio", **about}, Better.NEITHER)
    length.add(who, playback.audio_s)


def note_speech_cpu(
    report: Report, who: str, name: str, spent_s: float, playbacks: Sequence[Playback]
) -> None:
    """CPU time by the length of what was made."""
    sessions = len(playbacks)
    said = name if sessions == 1 else f"{name}, {sessions} at a time"
    row = report.row(
        f"{said}: CPU for a second of audio",
        "s/s",
        {"measure": "cpu", "text": name, "sessions": sessions},
    )
    row.add(who, spent_s / sum(playback.audio_s for playback in playbacks))


async def handle_round(report: Report, server: Contender, question: str, sessions: int) -> None:
    """Time to the first of an answer, and to its end."""
    answers = await together(
        answered(server.uri, question, server.timeout_s) for _ in range(sessions)
    )
    name = f"answer, {sessions} at a time"
    first = report.row(f"{name}: first text", "ms", {"measure": "first text", "sessions": sessions})
    whole = report.row(f"{name}: whole", "ms", {"measure": "whole answer", "sessions": sessions})
    for one in answers:
        first.add(server.who, 1000 * one.first_s)
        whole.add(server.who, 1000 * one.whole_s)


async def together(work: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """All results; the first failure ends the others, too."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _transcribed(
    server: Contender, chunks: list[bytes], *, at_once: bool, after_s: float = 0.0
) -> Heard:
    await asyncio.sleep(after_s)
    return await transcribed(
        server.uri,
        chunks,
        at_once=at_once,
        language=server.language,
        timeout_s=server.timeout_s,
    )


def _spent(server: Contender) -> float:
    return server.cpu_s() if server.cpu_s is not None else 0.0


def _note_cpu(report: Report, name: str, server: Contender, before_s: float, about: About) -> None:
    if server.cpu_s is None:
        return
    row = report.row(f"{name}: CPU a request", "ms", {"measure": "cpu", **about})
    row.add(server.who, 1000 * (server.cpu_s() - before_s) / int(about["sessions"]))
