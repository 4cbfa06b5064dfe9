"""One target's run under atheris: what is put before it, what libFuzzer is told, and what came of it.

Rule: what was found in earlier runs is kept under build/fuzz/TARGET and built upon; an input that is a
finding stands there as a file, which `python -m tests.fuzz --replay` runs alone.
"""

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.target import Target

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "fuzz"
FOUND = Path(__file__).parent / "found"
"""Inputs that were findings once, a folder for each target; each run begins with them."""

_SLOW_S = 5
_STUCK_S = 20
_MOST_MIB = 2048
_STATUS = re.compile(r"^#\d+\s+(\w+)\s+cov: (\d+) ft: (\d+) corp: (\d+)", re.MULTILINE)
_UNIT = re.compile(r"Test unit written to (\S+)")


@dataclass(frozen=True)
class Run:
    """What came of it; `coverage` counts branches, `gained` those that this run was the first to take.

    `slow` are inputs that took _SLOW_S: worth a look, and on a loaded machine no finding.
    """

    target: str
    executions: int
    seconds: float
    coverage: int
    gained: int
    inputs: int
    slowest_s: float
    peak_mib: int
    findings: tuple[str, ...]
    slow: tuple[str, ...]
    output: str

    @property
    def per_second(self) -> float:
        """Executions, the start left out."""
        return self.executions / self.seconds if self.seconds else 0.0


def run(target: Target, seconds: float, runs: int = -1) -> Run:
    """Fuzz one target in a process of its own for a time, or for a number of inputs."""
    folder = WORK / target.name
    corpus, seeds, found = folder / "corpus", folder / "seeds", folder / "found"
    for each in (corpus, seeds, found):
        each.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(inputs(target)):
        (seeds / f"{number:03}").write_bytes(seed)
    started_s = time.monotonic()
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.guided", target.run.__module__, target.name),
            *(f"-max_total_time={seconds:.0f}", f"-runs={runs}", f"-max_len={target.most_bytes}"),
            *(f"-artifact_prefix={found}/", "-print_final_stats=1", *_dictionary(target, folder)),
            *(f"-timeout={_STUCK_S}", f"-report_slow_units={_SLOW_S}"),
            *(f"-rss_limit_mb={_MOST_MIB}", "-verbosity=1", str(corpus), str(seeds)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return _read(target.name, ended, time.monotonic() - started_s)


def inputs(target: Target) -> list[bytes]:
    """What a run begins with: its seeds, and what was found before."""
    found = FOUND / target.name
    kept = sorted(found.iterdir()) if found.is_dir() else []
    return [*target.seeds, *(path.read_bytes() for path in kept)]


def _read(name: str, ended: "subprocess.CompletedProcess[str]", took_s: float) -> Run:
    text = re.sub(r"INFO: Instrumenting .*\n", "", ended.stdout + ended.stderr)
    lines = _STATUS.findall(text)
    begun = next((int(cov) for what, cov, _, _ in lines if what == "INITED"), 0)
    last = lines[-1] if lines else ("", "0", "0", "0")
    kept: list[str] = _UNIT.findall(text)
    findings = tuple(path for path in kept if "/slow-unit-" not in path)
    if ended.returncode and not findings:
        findings = (f"ended with status {ended.returncode}, without an input",)
    done = re.search(r"Done \d+ runs in (\d+) second", text)
    return Run(
        target=name,
        executions=_stat(text, "number_of_executed_units"),
        seconds=float(done[1]) if done else took_s,
        coverage=int(last[1]),
        gained=max(int(last[1]) - begun, 0),
        inputs=int(last[3]),
        slowest_s=_stat(text, "slowest_unit_time_sec"),
        peak_mib=_stat(text, "peak_rss_mb"),
        findings=findings,
        slow=tuple(path for path in kept if "/slow-unit-" in path),
        output=text,
    )


def _stat(text: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", text)
    return int(found[1]) if found else 0


def _dictionary(target: Target, folder: Path) -> tuple[str, ...]:
    """The option that names it, where there is one: libFuzzer ends at an empty file."""
    if not target.words:
        return ()
    file = folder / "words"
    file.write_text("".join(map(_entry, target.words)))
    return (f"-dict={file}",)


def _entry(word: str) -> str:
    """A line of libFuzzer's dictionary."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode(errors="surrogateescape")) + '"\n'
