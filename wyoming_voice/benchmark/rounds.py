"""One round of one measurement with one server: as many sessions at once as are asked for.

Whoever calls lets the contenders take turns, and repeats. Rule: a round's sessions begin at the same
moment, which is the hardest case, since what is paced ends together, too.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TypeVar

from wyoming_voice.benchmark.asking import TIMEOUT_S, Heard, answered, spoken, transcribed
from wyoming_voice.benchmark.playback import Playback
from wyoming_voice.benchmark.recording import Recording
from wyoming_voice.benchmark.report import Better, Report, Row
from wyoming_voice.describing import describe
from wyoming_voice.errors import UpstreamError, why

_BETWEEN_QUESTIONS_S = 0.02


T = TypeVar("T")
About = dict[str, str | int]


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
    """How many rounds give at least `runs` requests; two at least, where more than one is wanted."""
    return max(min(runs, 2), math.ceil(runs / sessions))


def utterances(recordings: Sequence[Recording], sessions: int, round_: int) -> list[list[bytes]]:
    """What the sessions of a round say, in chunks: another each, and others in the next round."""
    chosen = islice(cycle(recordings), round_, round_ + sessions)
    return [recording.chunks() for recording in chosen]


async def asr_round(
    report: Report, server: Contender, said: list[list[bytes]], *, at_once: bool
) -> list[Heard]:
    """Time from `audio-stop` to the transcript; for bursts also what gets through in a second."""
    pace, sessions = "burst" if at_once else "paced", len(said)
    name = f"{pace}, {sessions} at a time"
    about: About = {"pace": pace, "sessions": sessions}
    cpu_s, start_s = _spent(server), time.monotonic()
    heard = await together(_transcribed(server, chunks, at_once=at_once) for chunks in said)
    spent_s = time.monotonic() - start_s
    after_stop = report.row(f"{name}: after stop", "ms", {"measure": "after stop", **about})
    after_stop.add(server.who, *(1000 * one.after_stop_s for one in heard))
    _note_cpu(report, name, server, cpu_s, about)
    if at_once:
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


async def _transcribed(server: Contender, chunks: list[bytes], *, at_once: bool) -> Heard:
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
