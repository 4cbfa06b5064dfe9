"""`python -m tests.fuzz` as a person starts it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_list_may_be_read_by_who_has_soon_seen_enough() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "wb") as pipe:
        listing = [sys.executable, "-m", "tests.fuzz", "--list"]
        ended = subprocess.run(listing, stdout=pipe, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
