"""python -m tests.chaos.soak: the long form of the chaos tests, measured; `make soak` runs it.

Rule: what must never be is a failure, is listed, and makes the exit status 1; all else is a figure. The parts
are independent: one that breaks off is a failure, and the others are run all the same.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

from tests.chaos.conversation import Plan, told
from tests.chaos.engines import Fate
from tests.chaos.soak_crowds import crowds
from tests.chaos.soak_doors import doors
from tests.chaos.soak_flat import flat
from tests.chaos.soak_isolated import isolated
from tests.chaos.soak_network import network
from tests.chaos.soak_speech import speech
from wyoming_voice.benchmark.machine import machine, versions

ROOT = Path(__file__).parent.parent.parent
RESULT = ROOT / "bench" / "results" / "soak.json"
COMMAND = {"full": "make soak", "quick": "make soak SOAK=quick"}

Facts = dict[str, Any]
Part = Callable[[], Awaitable[tuple[Facts, list[str]]]]

_ALL = {"asked": 15, "acting": 10, "acted": 10}
PLANS = {
    "two of each kind, killed at random": (Plan(each=2, every_s=1.0, spare=True), 500, 25),
    "two of each kind, killed at chosen points": (
        Plan(
            each=2,
            at=_ALL,
            dies={"asr": (Fate.DIES_HALFWAY, 7), "tts": (Fate.DIES_HALFWAY, 7)},
        ),
        100,
        10,
    ),
    "one of each kind, killed and started again": (Plan(each=1, every_s=6.0), 60, 6),
    "two of each kind, TTS killed after its last sound": (
        Plan(each=2, dies={"tts": (Fate.DIES_LAST, 5)}),
        40,
        6,
    ),
}
"""Name -> plan, turns of the full form, turns of the quick one."""


def conversation(plan: Plan, turns: int) -> Part:
    """A part that is a conversation."""

    async def part() -> tuple[Facts, list[str]]:
        story = await told(plan, turns)
        failures = [f"lost: {turn}" for turn in story.turns if turn.lost]
        failures += [f"heard twice: {turn}" for turn in story.turns if turn.twice]
        failures += [f"done twice: {number}" for number, times in story.acts.items() if times > 1]
        for turn in story.turns:
            if turn.understood not in ([], [turn.number]):
                failures.append(f"understood twice, or wrong: {turn}")
        return story.facts, failures

    return part


def parts(profile: str, recordings: Path | None) -> dict[str, Part]:
    """Name -> what measures it."""
    full = profile == "full"
    return {
        "network": lambda: network(seeds=12 if full else 1),
        "crowds": lambda: crowds(idle=1000 if full else 200, requests=200 if full else 15),
        "flat": lambda: flat(requests=10_000 if full else 600),
        "isolated": lambda: isolated(requests=2000 if full else 200, kills=5),
        "doors": lambda: doors(
            requests=1000 if full else 80, seeds=4 if full else 1, silent=20 if full else 5
        ),
        "speech": lambda: speech(turns=48 if full else 6, every_s=0.7, recordings=recordings),
        **{
            name: conversation(plan, long if full else short)
            for name, (plan, long, short) in PLANS.items()
        },
    }


async def measured(part: Part) -> tuple[Facts, list[str]]:
    """Facts and failures; a part that raises has failed."""
    try:
        return await part()
    except (OSError, AssertionError, ExceptionGroup, ValueError, KeyError) as error:
        return {}, [f"broke off: {error!r}"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--profile", choices=list(COMMAND), default="full")
    parser.add_argument("--only", nargs="+", default=[], help="these parts alone")
    parser.add_argument(
        "--recordings", type=Path, help="WAV files, one utterance each, for the part `speech`"
    )
    parser.add_argument("--json", type=Path, help="where the result goes (full: bench/results)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    begin_s, load = time.monotonic(), os.getloadavg()[0]
    found: dict[str, Facts] = {}
    failures: dict[str, list[str]] = {}
    for name, part in parts(arguments.profile, arguments.recordings).items():
        if arguments.only and name not in arguments.only:
            continue
        part_s = time.monotonic()
        found[name], failures[name] = asyncio.run(measured(part))
        print(f"## {name} ({time.monotonic() - part_s:.0f} s)", flush=True)
        print(json.dumps(found[name], indent=1), flush=True)
        for failure in failures[name]:
            print(f"FAILED {failure}", flush=True)
    document = {
        "benchmark": "soak",
        "command": COMMAND[arguments.profile],
        "date": date.today().isoformat(),
        "machine": machine(),
        "load": {"before": load, "after": os.getloadavg()[0]},
        "versions": versions(),
        "minutes": round((time.monotonic() - begin_s) / 60, 1),
        "parts": found,
        "failures": {name: lines for name, lines in failures.items() if lines},
    }
    target = arguments.json or (
        RESULT if arguments.profile == "full" and not arguments.only else ROOT / "build/soak.json"
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    count = sum(map(len, failures.values()))
    print(f"{document['minutes']} min, {count} failures; {target}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
