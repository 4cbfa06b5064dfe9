"""python -m bench.films: what subtitles of a film cost, ours beside whisper-ctranslate2.

The film is spoken commands one after another, as MP4 with AAC. All get the same weights, threads and beam,
decode every stretch of speech without what was said before it, and take turns. Each program is a process
that loads its model, writes SRT and ends: its time for a minute of film, its CPU time, the most memory that
it held, and when its first cue stood on standard output. Ours times words, as cues of a readable length
need it; the peer does with and without. A running server of ours is asked for the same film over
HTTP. The command model, which has learnt single commands, shows whose cues hold what was said; with the
scripted one every window gives the same sentence, so that only its work counts.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import numpy as np

from bench.over_http import caller
from bench.processes import Work, words_of, worked
from bench.servers import PEERS, Measured, ours, run, whisper
from bench.speech import recordings
from tests.subtitles.films import film
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.calibrate.words import word_error_rate
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import UpstreamError

SERVER = f"{OURS}, POST /transcribe"
PEER = "whisper-ctranslate2"
PEER_WORDS = f"{PEER}, words"
PEER_BATCHED = f"{PEER}, words, batched"

_BATCH = "4"
_WARM_UP_MIN = 0.1


@dataclass(frozen=True)
class Film:
    """What is to be subtitled, and what is said in it."""

    path: Path
    text: str
    minutes: float


@dataclass(frozen=True)
class House:
    """What all ways share; `flags` are those of our recogniser."""

    arguments: argparse.Namespace
    model: Path
    flags: tuple[str, ...]
    server: Measured
    client: httpx.AsyncClient


Way = Callable[[], Awaitable[Work]]


async def main() -> None:
    arguments = parsed()
    model = await whisper(arguments.model)
    facts = {
        "effort": f"{arguments.threads} threads, beam {arguments.beam}, for all",
        "runs": arguments.runs,
    }
    report = Report(f"films, {arguments.model}", facts)
    flags: tuple[str, ...] = (
        "--model",
        str(model),
        "--cpu-threads",
        str(arguments.threads),
        "--language",
        "en",
    )
    flags += ("--device", "cpu", "--beam-size", str(arguments.beam))
    with tempfile.TemporaryDirectory() as folder:
        async with ours("asr", *flags, "--http", "tcp://127.0.0.1:0") as server, caller() as client:
            house = House(arguments, model, flags, server, client)
            short = filmed(Path(folder) / "short.mp4", _WARM_UP_MIN)
            for way in ways(house, short).values():
                await way()  # programs and models are in the disk's cache from then on
            made = filmed(Path(folder) / "film.mp4", arguments.minutes)
            report.facts["film"] = f"{made.minutes:.2f} minutes, MP4 with AAC"
            await rounds(report, ways(house, made), made, arguments)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.films", description=__doc__)
    parser.add_argument("--model", default="command", help="as in bench.asr")
    parser.add_argument("--minutes", type=float, default=2.5, help="of film, at least")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--peers", type=Path, default=PEERS, help="what bench/peers.sh built")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def filmed(path: Path, minutes: float) -> Film:
    """All commands as often as it takes."""
    said = recordings()
    once = np.concatenate([one.samples for one in said])
    times = math.ceil(60 * minutes * SPEECH.rate_hz / len(once))
    sound = np.tile(once, times)
    text = " ".join([one.text for one in said] * times)
    return Film(film(path, "aac", sound), text, len(sound) / SPEECH.rate_hz / 60)


def ways(house: House, made: Film) -> dict[str, Way]:
    """Who subtitles a film -> how to have it done."""
    subtitles = (sys.executable, "-m", "wyoming_voice", "subtitles")
    command = (*subtitles, str(made.path), "--output", "-", *house.flags)
    return {
        OURS: partial(worked, command),
        SERVER: partial(uploaded, house.client, house.server, made),
        **peers(made, house.model, house.arguments),
    }


def peers(made: Film, model: Path, arguments: argparse.Namespace) -> dict[str, Way]:
    """The peer as it comes, with what makes its cues readable, and in its fastest way."""
    if arguments.no_peers:
        return {}
    program = arguments.peers / "bin" / "whisper-ctranslate2"
    if not program.exists():
        raise SystemExit(f"no {program}: run bench/peers.sh, or give --no-peers")
    output = ("--output_dir", str(made.path.parent), "--output_format", "srt")
    plain = (
        *(str(program), str(made.path), "--model_directory", str(model), *output),
        *("--local_files_only", "True", "--device", "cpu", "--language", "en"),
        *("--threads", str(arguments.threads), "--beam_size", str(arguments.beam)),
        *("--vad_filter", "True", "--condition_on_previous_text", "False"),
    )
    words: tuple[str, ...] = (*plain, *("--word_timestamps", "True", "--max_line_width", "42"))
    words += ("--max_line_count", "2")
    batched = (*words, "--batched", "True", "--batch_size", _BATCH)
    commands = {PEER: plain, PEER_WORDS: words, PEER_BATCHED: batched}
    return {who: partial(worked, command) for who, command in commands.items()}


async def uploaded(client: httpx.AsyncClient, server: Measured, made: Film) -> Work:
    """The film to a server that has its model; the first segment counts as its first cue."""
    url = f"http://{server.http}/transcribe?stream=true&language=en&word_timestamps=true"
    before_s, begin_s = server.cpu_s(), time.monotonic()
    first_s, lines = 0.0, []
    content = made.path.read_bytes()
    async with client.stream("POST", url, content=content) as answer:
        if answer.status_code != httpx.codes.OK:
            raise UpstreamError(f"{url} answers {answer.status_code}")
        async for line in answer.aiter_lines():
            message = json.loads(line)
            if message["type"] == "error":
                raise UpstreamError(message["error"]["message"])
            if message["type"] == "segment":
                first_s = first_s or time.monotonic() - begin_s
                lines.append(message["text"])
    whole_s = time.monotonic() - begin_s
    return Work(whole_s, server.cpu_s() - before_s, server.peak_mb(), first_s, tuple(lines))


async def rounds(
    report: Report, ways: Mapping[str, Way], made: Film, arguments: argparse.Namespace
) -> None:
    """All in turns."""
    there = list(ways)
    for number in range(arguments.runs):
        for who in there if number % 2 == 0 else there[::-1]:
            work = await ways[who]()
            note(report, who, work, made)
            if arguments.model == "command":
                wrong = word_error_rate([made.text], [words_of(work.lines)], "en")
                report.row("words wrong", "%", {"measure": "wrong"}).add(who, 100 * wrong)


def note(report: Report, who: str, work: Work, made: Film) -> None:
    """What one way took."""
    for what, unit, value in (
        ("time for a minute of film", "s", work.whole_s / made.minutes),
        ("CPU for a minute of film", "s", work.cpu_s / made.minutes),
        ("first cue after", "s", work.first_s),
        ("peak memory", "MiB", work.peak_mb),
    ):
        report.row(what, unit, {"measure": what}).add(who, value)


if __name__ == "__main__":
    run(main())
