"""python -m bench: the whole suite on this machine, one JSON file each in build/bench/PROFILE, and the plots.

Two profiles: `full` takes about 30 minutes on two quiet cores (the doors and the films five of them), `quick`
four, to see that all of it still works. Each benchmark is a command of its own (`python -m bench.asr
--help`). One that fails is told at the end, and the others are measured all the same.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from bench.servers import PEERS, ROOT, WEIGHTS

SUITE: dict[str, dict[str, tuple[str, ...]]] = {
    "full": {
        "asr": ("--runs", "4", "--starts", "1", "--sessions", "1", "4", "8", "16"),
        "texts": ("--runs", "1"),
        "names": ("--halves", "measured"),
        "tts": ("--runs", "3", "--starts", "1", "--sessions", "1", "4", "8"),
        "turn": ("--model", "base.en", "--engine", "kokoro", "--runs", "3"),
        "turn-small": ("--model", "command", "--engine", "espeak", "--runs", "4"),
        "doors": (
            *("--model", "base.en", "--engine", "kokoro", "--parts", "asr", "tts"),
            *("--runs", "3", "--paced", "0"),
        ),
        "doors-small": ("--runs", "12", "--paced", "3"),
        "films": ("--model", "base.en", "--minutes", "2", "--runs", "2"),
        "films-small": ("--model", "command", "--minutes", "2.5", "--runs", "3"),
        "isolation": ("--rounds", "10", "--starts", "2"),
        "satellite": ("--rounds", "1", "--turns", "6", "--seconds", "8"),
        "fast": ("--rounds", "200"),
        "haproxy": ("--rounds", "300", "--requests", "100"),
        "capacity": ("--requests", "400", "--turns", "10000"),
        "crowd": ("--connections", "10000", "--requests", "100"),
    },
    "quick": {
        "asr": (
            *("--model", "command", "--threads", "1", "--runs", "2", "--starts", "1"),
            *("--sessions", "1", "4"),
        ),
        "texts": ("--runs", "1"),
        "names": ("--halves", "measured", "--voices", "espeak-ng en-us", "--sentences", "10"),
        "tts": ("--engine", "espeak", "--runs", "2", "--starts", "1", "--sessions", "1", "4"),
        "turn-small": ("--model", "command", "--engine", "espeak", "--runs", "2"),
        "doors-small": ("--runs", "2", "--paced", "1"),
        "films-small": ("--model", "command", "--minutes", "0.5", "--runs", "1"),
        "isolation": (
            *("--engines", "espeak", "pocketsphinx"),
            *("--rounds", "3", "--starts", "1"),
        ),
        "fast": ("--rounds", "20"),
        "haproxy": ("--rounds", "30", "--requests", "16"),
        "capacity": ("--requests", "60", "--turns", "1000", "--rooms", "1", "10", "100"),
        "crowd": ("--connections", "300", "--requests", "10", "--parts", "standing", "haproxy"),
    },
}
"""Profile -> benchmark -> its arguments; one that runs twice has another name after a hyphen."""

_WITH_PEERS = ("asr", "texts", "doors", "films", "satellite")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--profile", choices=list(SUITE), default="full")
    parser.add_argument("--only", nargs="+", help="these benchmarks alone")
    parser.add_argument("--peers", type=Path, default=PEERS, help="what bench/peers.sh built")
    parser.add_argument("--out", type=Path, help="directory for the results")
    arguments = parser.parse_args()
    arguments.out = arguments.out or WEIGHTS / arguments.profile
    start_s = time.monotonic()
    failed = [
        name
        for name, options in SUITE[arguments.profile].items()
        if not arguments.only or name in arguments.only
        if not _ran(name, options, arguments)
    ]
    drawn = _command("plot", str(arguments.out), str(arguments.out))
    print(f"{(time.monotonic() - start_s) / 60:.1f} min; results in {arguments.out}")
    for name in failed:
        print(f"python -m bench.{name} failed", file=sys.stderr)
    return 1 if failed or not drawn else 0


def _ran(name: str, options: tuple[str, ...], arguments: argparse.Namespace) -> bool:
    """Whether a benchmark could be run to its end."""
    module = name.partition("-")[0]
    peers = ("--peers", str(arguments.peers)) if module in _WITH_PEERS else ()
    return _command(module, *options, *peers, "--json", str(arguments.out / f"{name}.json"))


def _command(module: str, *options: str) -> bool:
    command = (sys.executable, "-m", f"bench.{module}", *options)
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
