"""What a process holds: tasks, threads, file descriptors and memory. What was asked for goes back to it.

Rule: only what is left over in the end counts, so whoever compares waits for it, as long as a test may.
"""

import asyncio
import gc
import os
import threading
from concurrent.futures.thread import _threads_queues
from dataclasses import dataclass
from pathlib import Path

from tests.satellite.waiting import until


@dataclass(frozen=True)
class Census:
    """Of this process. A pool grows to its size as chance has it, so all its threads count as one."""

    tasks: int
    threads: int
    descriptors: int

    def fits(self, other: "Census") -> bool:
        """Whether there is no more of anything than in another."""
        return (
            self.tasks <= other.tasks
            and self.threads <= other.threads
            and self.descriptors <= other.descriptors
        )


def census() -> Census:
    """Now."""
    pools = [id(_threads_queues.get(one, one)) for one in threading.enumerate()]
    return Census(len(asyncio.all_tasks()), len(set(pools)), descriptors(os.getpid()))


async def back_to(before: Census) -> None:
    """Wait until nothing is left of what came since; says what is."""
    try:
        await until(lambda: census().fits(before))
    except TimeoutError:
        tasks = sorted(task.get_coro().__qualname__ for task in asyncio.all_tasks())  # type: ignore[union-attr]
        raise AssertionError(f"{census()} is left of {before}: {tasks}") from None


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def memory_kb(pid: int) -> int:
    """What a process has in memory (resident set)."""
    return _status(pid, "VmRSS")


def threads(pid: int) -> int:
    """How many threads a process has."""
    return _status(pid, "Threads")


def children(pid: int) -> dict[int, str]:
    """The processes that a process has started and that are there still, each with its state: `Z` is over."""
    found: dict[int, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found[int(stat.parent.name)] = fields[0]
    return found


def objects(*kinds: type) -> dict[str, int]:
    """How many of our own objects there are, of each kind."""
    gc.collect()
    counts = dict.fromkeys((kind.__name__ for kind in kinds), 0)
    for one in gc.get_objects():
        if type(one) in kinds:
            counts[type(one).__name__] += 1
    return counts


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise ProcessLookupError(pid)
