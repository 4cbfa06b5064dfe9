"""Everything in one run: speech, training, conversion, check.

    python -m tests.models.train_command_whisper OUT_DIR

takes about half an hour on two cores and writes the model directory. Exits 1 when a required row of
the table falls below its floor.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from tests.models.train_command_whisper.check import Row, check
from tests.models.train_command_whisper.convert import convert
from tests.models.train_command_whisper.data import TAUGHT_ONLY, TRAINING, make_examples
from tests.models.train_command_whisper.tokenizer import build_tokens
from tests.models.train_command_whisper.train import Plan, train

_EXAMPLES, _EXAMPLES_SEED = 12000, 1
_HELD_EXAMPLES, _HELD_SEED = 250, 2


def main() -> int:
    parser = argparse.ArgumentParser(description="Train the command model.")
    parser.add_argument("out", type=Path, help="the model directory to write")
    parser.add_argument("--check-only", action="store_true", help="check a model that is there")
    arguments = parser.parse_args()
    if not arguments.check_only:
        _make(arguments.out)
    return _report(check(arguments.out))


def _make(out: Path) -> None:
    started_s = time.monotonic()
    processes = os.cpu_count() or 1
    examples = make_examples(TRAINING, _EXAMPLES, _EXAMPLES_SEED, processes)
    held = make_examples(TAUGHT_ONLY, _HELD_EXAMPLES, _HELD_SEED, processes)
    print(f"{len(examples)} examples in {time.monotonic() - started_s:.0f} s", flush=True)
    network = train(examples, held, Plan(), lambda line: print(line, flush=True))
    convert(network, build_tokens(), out)
    print(f"{out} written after {time.monotonic() - started_s:.0f} s", flush=True)


def _report(rows: list[Row]) -> int:
    print("| speech | options | exact | first mistake |", "|---|---|---|---|", *rows, sep="\n")
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
