"""What a process of its own costs an engine, and what it gives back: memory, reloads, time per request.

    python -m bench.isolation --engines pocketsphinx espeak whisper kokoro --json out.json
    python -m bench.isolation --engines whisper --only answers

Memory is the proportional set size (Pss of proc(5)) of a server and its engine's process together; ours is
the server with `--unload-after`, beside it the one without. Whisper and Kokoro are of full size with random
weights. Calls alternate between an engine in this process and the same in one of its own, and answers between
a server with its engine in a process of its own and one without, both of which run all the while: answers of
servers that are started one after another differ by more than what is asked here. Of an answer to speech at
its own pace only what is left of the decode after the pause can be seen, by a few tenths of a second less
than a whole one: what a process costs is therefore a larger part of it than of an answer to speech that came
all at once.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
from wyoming.event import Event

from bench.servers import run, weights, whisper
from bench.speech import recordings
from wyoming_voice.asr.engine import DecodeOptions
from wyoming_voice.asr.engines import engines
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.audio import Audio
from wyoming_voice.benchmark.asking import transcribed
from wyoming_voice.benchmark.recording import Recording
from wyoming_voice.benchmark.report import OURS, Report, Row
from wyoming_voice.config import load
from wyoming_voice.isolation.isolated import Isolated
from wyoming_voice.stack import end_process
from wyoming_voice.tts.engine import Utterance
from wyoming_voice.tts.engines import cast
from wyoming_voice.tts.settings import TtsSettings
from wyoming_voice.wire import connect

T = TypeVar("T")
INSIDE = "in the server"
_TEXT = "Turn on the light in the kitchen."
_UNLOAD_AFTER_S = 3

_NUMBERS = itertools.count(10)
"""So that no answer is one that was kept."""


@dataclass(frozen=True)
class Subject:
    """An engine: the server that has it, and the arguments that name it."""

    name: str
    kind: str
    arguments: tuple[str, ...]


async def main() -> None:
    arguments = parsed()
    report = Report("engines in processes of their own", {"rounds": arguments.rounds})
    said = recordings()[0]
    for name in arguments.engines:
        subject = await subject_of(name)
        if "memory" in arguments.only:
            await memory_rounds(report, subject, said, arguments.starts)
        if "calls" in arguments.only:
            await call_rounds(report, subject, said, arguments.rounds, arguments.starts)
        if "answers" in arguments.only:
            await answer_rounds(report, subject, said, arguments.rounds)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.isolation", description=__doc__)
    known = ["pocketsphinx", "espeak", "whisper", "kokoro"]
    parser.add_argument("--engines", nargs="+", choices=known, default=known)
    parts = ["memory", "calls", "answers"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    rounds = "calls and answers of each engine on each side"
    parser.add_argument("--rounds", type=int, default=20, help=rounds)
    parser.add_argument("--starts", type=int, default=3, help="servers started, engines reloaded")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


async def subject_of(name: str) -> Subject:
    """By its name; weights that are missing are made."""
    alike = ("--device", "cpu", "--cpu-threads", "2")  # what is measured at a start may differ
    match name:
        case "whisper":
            model = str(await whisper("base.en"))
            return Subject("whisper base.en", "asr", (*alike, "--workers", "1", "--model", model))
        case "kokoro":
            model = str(await weights("kokoro", "kokoro"))
            same = (
                *alike,
                "--precision",
                "float32",
                "--cache-mb",
                "0",
            )  # nor is anything made ahead
            return Subject("kokoro", "tts", (*same, "--model", model))
        case "pocketsphinx":
            return Subject(name, "asr", ("--engine", name))
        case _:
            return Subject(name, "tts", ("--engine", name))


async def memory_rounds(report: Report, subject: Subject, said: Recording, starts: int) -> None:
    """Servers from before they have loaded until they have unloaded and loaded again."""
    row = partial(_row, report, subject.name)
    for _ in range(starts):
        for who, more in ((OURS, ("--unload-after", f"{_UNLOAD_AFTER_S}s")), (INSIDE, ())):
            async with _server(subject, more) as server:
                row("memory before the engine is loaded", "MiB").add(who, server.before_mb)
                row("memory with the engine", "MiB").add(who, server.memory_mb())
                if who != OURS:
                    continue
                await server.unloaded()
                row("memory once it is unloaded", "MiB").add(who, server.memory_mb())
                after_s = await _asked(subject, server.uri, said)
                row("answer, engine unloaded", "ms").add(who, 1000 * after_s)


async def call_rounds(
    report: Report, subject: Subject, said: Recording, rounds: int, starts: int
) -> None:
    """One engine here and one in a process of its own, by turns."""
    row = partial(_row, report, subject.name)
    sides = {
        who: _side(subject, said.samples, more)
        for who, more in ((OURS, ("--isolate",)), (INSIDE, ()))
    }
    for side in sides.values():
        await asyncio.to_thread(side.load)
        await asyncio.to_thread(side.call)  # which sets up what is left
    for number in range(rounds):
        for who, side in _turned(sides, number):
            begun_s = time.perf_counter()
            await asyncio.to_thread(side.call)
            row("one call", "ms").add(who, 1000 * (time.perf_counter() - begun_s))
    engine = sides[OURS].engine
    assert isinstance(engine, Isolated)
    for _ in range(starts):
        _killed(engine)
        await asyncio.to_thread(engine.wait)
        reload_s = dict(engine.numbers())["engine_load_seconds"]
        row("loaded again", "ms").add(OURS, 1000 * reload_s)
    engine.close()
    engine.join(10)


async def answer_rounds(report: Report, subject: Subject, said: Recording, rounds: int) -> None:
    """A server with its engine in a process of its own and one without, both at hand, by turns."""
    row = partial(_row, report, subject.name)
    async with _server(subject, ("--isolate",)) as apart, _server(subject, ()) as inside:
        servers = {OURS: apart, INSIDE: inside}
        for server in servers.values():
            await _asked(subject, server.uri, said)  # which sets up what is left
        for number in range(rounds):
            for who, server in _turned(servers, number):
                spent_s = await _asked(subject, server.uri, said)
                row("answer, engine in memory", "ms").add(who, 1000 * spent_s)
            if subject.kind == "asr":
                for who, server in _turned(servers, number):
                    heard = await transcribed(
                        server.uri, said.chunks(), at_once=True, language="en"
                    )
                    row("answer to what came all at once", "ms").add(who, 1000 * heard.after_stop_s)


def _turned(sides: dict[str, T], number: int) -> list[tuple[str, T]]:
    """Who goes second goes first the next time: what the first leaves behind is borne by both."""
    return [*sides.items()][:: 1 if number % 2 else -1]


@dataclass(frozen=True)
class Side:
    """An engine, and the same request to it each time."""

    engine: object
    load: Callable[[], None]
    call: Callable[[], None]


def _side(subject: Subject, samples: Audio, more: tuple[str, ...]) -> Side:
    arguments = [*subject.arguments, *more]
    if subject.kind == "asr":
        recogniser = engines(load(AsrSettings, arguments, {}))[0]
        options = DecodeOptions(language="en")
        return Side(
            recogniser,
            recogniser.load,
            lambda: deque(recogniser.transcribe(samples, options)).clear(),
        )
    made = cast(load(TtsSettings, arguments, {}))
    utterance = Utterance(_TEXT, made.catalogue.voices[0].name)
    voice = made.engine
    return Side(voice, voice.load, lambda: deque(voice.synthesize(utterance)).clear())


def _row(report: Report, name: str, what: str, unit: str) -> Row:
    return report.row(f"{name}: {what}", unit, {"engine": name, "measure": what})


def _killed(engine: Isolated) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    while not engine.failing:
        time.sleep(0.001)


async def _asked(subject: Subject, uri: str, said: Recording) -> float:
    """Seconds from the end of what is said to its text, or from a text to the first of its sound."""
    if subject.kind == "asr":
        heard = await transcribed(uri, said.chunks(), at_once=False, language="en")
        return heard.after_stop_s
    async with connect(uri) as connection:
        begun_s = time.perf_counter()
        await connection.write(
            Event("synthesize", {"text": f"There are {next(_NUMBERS)} lights on."})
        )
        async for event in connection:
            if event.type in ("audio-chunk", "error"):
                break
        return time.perf_counter() - begun_s


class _Server:
    """A server's process, and its engine's."""

    def __init__(self, uri: str, pid: int, before_mb: float) -> None:
        self.uri = uri
        self.before_mb = before_mb
        self._process = psutil.Process(pid)

    def memory_mb(self) -> float:
        """Of both together."""
        return _pss_mb(self._process, *self._process.children(recursive=True))

    async def unloaded(self) -> None:
        """Wait until the engine's process has ended."""
        async with asyncio.timeout(60):
            for child in self._process.children():
                await asyncio.to_thread(child.wait)


@contextlib.asynccontextmanager
async def _server(subject: Subject, more: tuple[str, ...]) -> AsyncIterator[_Server]:
    listen = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf", "--log-level", "warning")
    command = (sys.executable, "-m", "wyoming_voice", subject.kind, *listen)
    process = await asyncio.create_subprocess_exec(
        *command, *subject.arguments, *more, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None  # it was opened as a pipe
        before_mb = 0.0
        async for line in process.stdout:
            word, _, uri = line.decode().strip().partition(" ")
            if word == "listening":
                before_mb = _pss_mb(psutil.Process(process.pid))
            if word == "ready":
                yield _Server(uri, process.pid, before_mb)
                return
        raise SystemExit(f"the server ended with status {await process.wait()} before it was ready")
    finally:
        await end_process(process)


def _pss_mb(*processes: psutil.Process) -> float:
    return float(sum(one.memory_full_info().pss for one in processes)) / 2**20


if __name__ == "__main__":
    run(main())
