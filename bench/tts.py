"""python -m bench.tts: how soon speech can be heard, and whether it halts, ours beside two plain ways.

Ours is asked over TCP; whole-sentence synthesis (wyoming-piper's way) and whole-text synthesis are loops
over the same engine in this process. All take turns run by run.
"""

import argparse
import asyncio
import contextlib
import time
from pathlib import Path

from bench.measure import OURS, Report
from bench.playback import Playback, played
from bench.servers import Measured, ours, weights
from bench.voices import (
    ESPEAK,
    KOKORO,
    Way,
    all_at_once,
    arguments_of,
    loaded,
    sentence_by_sentence,
)
from wyoming_voice.client import Speech
from wyoming_voice.core.timing import new_turn_id
from wyoming_voice.tts.engine import Engine
from wyoming_voice.wire import connect

TEXTS = {
    "one short sentence": "The kitchen light is on.",
    "one long sentence": (
        "The forecast for tomorrow is sunny in the morning, with some clouds after lunch and a light "
        "wind from the west, and in the evening there may be a shower."
    ),
    "three sentences": (
        "I have found two recipes for you. The first one is a soup of lentils and carrots, which takes "
        "about forty minutes. The second one is a salad, and it is ready in ten."
    ),
}
WAYS: dict[str, Way] = {"whole sentence": sentence_by_sentence, "whole text": all_at_once}


async def main() -> None:
    arguments = parsed()
    report = Report(
        f"TTS, {arguments.engine}, {arguments.threads} threads", {"runs": arguments.runs}
    )
    flags = await arguments_of(arguments.engine, arguments.threads)
    model = await weights("kokoro", KOKORO) if arguments.engine == KOKORO else Path()
    engine, voice = await asyncio.to_thread(loaded, arguments.engine, model, arguments.threads)
    async with ours("tts", *flags) as server:
        warming = TEXTS["three sentences"]
        await spoken_by_ours(server, warming)  # it learns its own pace, too
        await asyncio.to_thread(_spoken_plainly, sentence_by_sentence, engine, voice, warming)
        for name, text in TEXTS.items():
            for run in range(arguments.runs):
                await one_run(report, name, text, (server, engine, voice), backwards=run % 2 == 1)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.tts", description=__doc__)
    parser.add_argument("--engine", choices=(KOKORO, ESPEAK), default=KOKORO)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


async def one_run(
    report: Report, name: str, text: str, speakers: tuple[Measured, Engine, str], *, backwards: bool
) -> None:
    """Each contender speaks the text once."""
    server, engine, voice = speakers
    order = [OURS, *WAYS]
    for who in reversed(order) if backwards else order:
        cpu_s = server.cpu_s() + time.process_time()
        if who == OURS:
            playback = await spoken_by_ours(server, text)
        else:
            playback = await asyncio.to_thread(_spoken_plainly, WAYS[who], engine, voice, text)
        note(report, name, who, playback)
        spent_s = server.cpu_s() + time.process_time() - cpu_s
        report.row(f"{name}: CPU for a second of audio", "s/s").add(who, spent_s / playback.audio_s)


async def spoken_by_ours(server: Measured, text: str) -> Playback:
    """All the text is given at once, in a stream."""
    async with connect(server.uri) as connection:
        playback = Playback()
        speech = Speech(connection, new_turn_id())
        await speech.begin()
        await speech.add(text)
        await speech.end()
        async with contextlib.aclosing(speech.sounds()) as sounds:
            async for sound in sounds:
                playback.arrived(sound)
        return playback


def _spoken_plainly(way: Way, engine: Engine, voice: str, text: str) -> Playback:
    return played(way(engine, voice, text))


def note(report: Report, name: str, who: str, playback: Playback) -> None:
    """Keep what was measured; speech that nobody could hear ends the benchmark."""
    if playback.first_audible_s is None:
        raise SystemExit(f"{who} made nothing audible of {name!r}")
    report.row(f"{name}: first audible sample", "ms").add(who, 1000 * playback.first_audible_s)
    report.row(f"{name}: gaps", "ms").add(who, 1000 * playback.gaps_s)
    report.row(f"{name}: RTF", "s/s").add(who, playback.rtf)
    report.row(f"{name}: audio", "s").add(who, playback.audio_s)


if __name__ == "__main__":
    asyncio.run(main())
