"""python -m bench.texts: whether the transcripts are right, and the same with and without speculation.

The small command model understands what it is told here. Commands are said straight, and two at a time with
a pause between them, in which a speculative transcript must not end the utterance; then come sounds that
hold no words. All at a microphone's pace.
"""

import argparse
import string
from pathlib import Path

from bench.asr import add_contenders
from bench.contenders import HEARD_PACED, WITHOUT, Recogniser, Running, all_started
from bench.contenders import note_speculation as note
from bench.servers import COMMAND_MODEL, run
from bench.speech import COMMANDS, hesitant, recordings, unspoken
from wyoming_voice.benchmark.asking import transcribed
from wyoming_voice.benchmark.recording import Recording
from wyoming_voice.benchmark.report import OURS, Better, Report
from wyoming_voice.benchmark.rounds import together


async def main() -> None:
    arguments = parsed()
    recogniser = Recogniser(COMMAND_MODEL, arguments.threads, peers=arguments.peers)
    report = Report("transcripts, command model", {"commands": ", ".join(COMMANDS)})
    names = [name for name in arguments.contenders if name != "own"]
    spoken = {"straight": recordings(), "with a pause": hesitant()}
    async with all_started(recogniser, names) as servers:
        for _ in range(arguments.runs):
            for name, said in spoken.items():
                await spoken_round(report, servers, name, said)
            await unspoken_round(report, servers)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.texts", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    add_contenders(parser)
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


async def spoken_round(
    report: Report, servers: dict[str, Running], name: str, said: list[Recording]
) -> None:
    """Each server hears all of it, all at a time."""
    texts: dict[str, list[str]] = {}
    for who, running in servers.items():
        assert who in HEARD_PACED
        running.log.news()
        texts[who] = await heard_at_once(running, said)
        right = [same(text, one.text) for text, one in zip(texts[who], said, strict=True)]
        row = report.row(f"{name}: right", "%", {"measure": "right", "said": name}, Better.MORE)
        row.add(who, *(100.0 * one for one in right))
    if OURS in texts:
        note(report, name, servers[OURS], len(said))
    if OURS in texts and WITHOUT in texts:
        equal = [a == b for a, b in zip(texts[OURS], texts[WITHOUT], strict=True)]
        about = {"measure": "equal", "said": name}
        row = report.row(f"{name}: as without speculation", "%", about, Better.MORE)
        row.add(OURS, *(100.0 * one for one in equal))


async def unspoken_round(report: Report, servers: dict[str, Running]) -> None:
    """How many of the sounds without words are given words."""
    row = report.row("no words, yet text", "%", {"measure": "invented"})
    sounds = unspoken()
    for who, running in servers.items():
        texts = await heard_at_once(running, list(sounds.values()))
        row.add(who, *(100.0 * bool(text) for text in texts))
        for name, text in zip(sounds, texts, strict=True):
            if text:
                report.facts[f"{who} heard in {name}"] = repr(text)


async def heard_at_once(running: Running, said: list[Recording]) -> list[str]:
    """What the server understands of each, in their order."""
    uri = running.contender.uri
    heard = await together(
        transcribed(uri, one.chunks(), at_once=False, language="en") for one in said
    )
    return [one.text for one in heard]


def same(text: str, other: str) -> bool:
    """Whether both are the same words, whatever their case and punctuation."""
    return _words(text) == _words(other)


def _words(text: str) -> list[str]:
    return text.lower().translate(str.maketrans("", "", string.punctuation)).split()


if __name__ == "__main__":
    run(main())
