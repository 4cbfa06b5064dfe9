"""Looks every pinned dependency up in the databases of known vulnerabilities, and says so where it can't.

Rule: a database that knows none of them has answered nothing: that is told as skipped, never as clean.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"
DATABASES = ("pypi", "osv")
WITHIN_S = 120


def main() -> int:
    """Status 1 where a vulnerability is known; 0 where none is, or nobody could be asked."""
    for database in DATABASES:
        known, reason = audited(database)
        if not reason:
            print(told(known, database))
            return 1 if vulnerable(known) else 0
        print(f"audit: {database}: {reason}")
    print(f"audit: SKIPPED, no database of vulnerabilities can be reached ({', '.join(DATABASES)})")
    return 0


def audited(database: str) -> tuple[Sequence[Any], str]:
    """What a database says of each dependency that it knows; or why it said nothing."""
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", database]
    command += ["--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        return (), f"no answer within {WITHIN_S} s"
    return read(done.stdout, done.stderr)


def read(report: str, complaint: str) -> tuple[Sequence[Any], str]:
    """What pip-audit's JSON says of the dependencies that its database knows; or why that is nothing."""
    try:
        rows = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return (), (complaint.strip().splitlines() or ["it said nothing"])[-1][:200]
    known = [row for row in rows if "vulns" in row]
    return known, "" if known else f"it knows none of {len(rows)} dependencies"


def vulnerable(known: Sequence[Any]) -> list[str]:
    """A line for each vulnerability, with the versions that mend it."""
    return [
        f"{row['name']} {row['version']}: {found['id']}, mended in {found['fix_versions'] or 'none'}"
        for row in known
        for found in row["vulns"]
    ]


def told(known: Sequence[Any], database: str) -> str:
    """The outcome for people."""
    lines = vulnerable(known) or ["no known vulnerability"]
    return "\n".join([f"audit: {len(known)} dependencies by {database}", *lines])


if __name__ == "__main__":
    sys.exit(main())
