"""python -m tests.fuzz [TARGET…]: coverage-guided fuzzing of each target, one after another, and a table.

  python -m tests.fuzz --list                       the targets
  python -m tests.fuzz wire-reader --seconds 60     one of them
  python -m tests.fuzz --replay build/fuzz/…/FILE   one input alone, with its traceback

Ends with status 1 where something was found. atheris has wheels for Linux on 64-bit PCs only; elsewhere the
same targets run in the tests (tests/fuzz/test_targets.py), with inputs that hypothesis makes up.
"""

import argparse
import importlib.util
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.fuzz.registry import TARGETS
from tests.fuzz.runs import ROOT, WORK, Run, run
from wyoming_voice.whole_files import leave_standard_output

_HEADS = ("target", "executions", "per s", "branches", "new", "inputs", "slowest", "findings")


def main(argv: Sequence[str] | None = None) -> int:
    """The status of the process."""
    asked = _parser().parse_args(argv)
    if asked.list:
        return _list()
    if asked.replay:
        return _replay(asked.replay)
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed (it has wheels for Linux on 64-bit PCs only): not fuzzed.")
        print("The same targets run with hypothesis: python -m pytest tests/fuzz")
        return 0
    unknown = set(asked.targets) - set(TARGETS)
    if unknown:
        print(f"no such target: {', '.join(sorted(unknown))}; --list names them")
        return 2
    return _fuzz(asked.targets or list(TARGETS), asked.seconds, asked.runs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description="Fuzz the targets.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all, where none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default 60)")
    parser.add_argument("--runs", type=int, default=-1, help="or so many inputs each")
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run one input of a target")
    return parser


def _list() -> int:
    try:
        print("\n".join(f"{name:26} {_first_line(name)}" for name in TARGETS), flush=True)
    except BrokenPipeError:  # whoever reads has seen enough, as `head` does
        leave_standard_output()
    return 0


def _fuzz(names: Sequence[str], seconds: float, runs: int) -> int:
    print(_row(_HEADS), flush=True)
    done: list[Run] = []
    for name in names:
        done.append(run(TARGETS[name], seconds, runs))
        print(_row(_cells(done[-1])), flush=True)
        _tell_findings(done[-1])
    _write(done, seconds)
    findings = sum(len(one.findings) for one in done)
    print(
        f"{sum(one.executions for one in done)} executions of {len(done)} targets, {findings} findings"
    )
    return 1 if findings else 0


def _tell_findings(one: Run) -> None:
    for path in one.slow:
        print(f"took long: {path}")
    if not one.findings:
        return
    traceback = one.output.partition("=== Uncaught Python exception: ===")[2].partition("INFO:")[0]
    print((traceback or one.output)[-1500:])
    for found in filter(Path.exists, map(Path, one.findings)):
        print(f"replay it: python -m tests.fuzz --replay {found.relative_to(ROOT)}")


def _cells(one: Run) -> tuple[str, ...]:
    return (
        *(one.target, str(one.executions), f"{one.per_second:.0f}", str(one.coverage)),
        *(f"+{one.gained}", str(one.inputs), f"{one.slowest_s} s", str(len(one.findings))),
    )


def _row(cells: Sequence[str]) -> str:
    return f"{cells[0]:26}" + "".join(f"{cell:>12}" for cell in cells[1:])


def _write(done: Sequence[Run], seconds: float) -> None:
    """The table as JSON, for whoever keeps it."""
    WORK.mkdir(parents=True, exist_ok=True)
    document = {
        "command": f"make fuzz FUZZ_S={seconds:.0f}",
        "at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "targets": [{k: v for k, v in asdict(one).items() if k != "output"} for one in done],
    }
    (WORK / "fuzz.json").write_text(json.dumps(document, indent=1) + "\n")


def _replay(path: Path) -> int:
    """Run an input under the target in whose folder it lies, build/fuzz/TARGET or tests/fuzz/found/TARGET."""
    parts = path.resolve().relative_to(ROOT).parts
    name = next((part for part in reversed(parts) if part in TARGETS), "")
    if not name:
        print(f"{path} lies in no target's folder; --list names the targets")
        return 2
    TARGETS[name].run(path.read_bytes())
    print(f"{name}: nothing was found")
    return 0


def _first_line(name: str) -> str:
    return (TARGETS[name].run.__doc__ or "").strip().partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
