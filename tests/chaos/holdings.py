"""What a server's process holds at points of a long way, and what of it has grown.

Rules: what is made on demand is there after the first tenth of the way; from then on descriptors and threads
may not grow at all, and memory no more than noise from the middle on.
"""

import asyncio
import statistics
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.census import descriptors, memory_kb, threads

MOST_MB = 2.0
"""In the second half: of 5000 requests none may leave half a kilobyte, which a turn record is more than."""


@dataclass
class Holdings:
    """Of the process of this id, which lives on; in the order in which they were looked at."""

    pid: int
    rss_kb: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    async def look(self) -> None:
        """Once what hangs up is seen to have hung up."""
        await asyncio.sleep(0.5)
        self.rss_kb.append(memory_kb(self.pid))
        self.descriptors.append(descriptors(self.pid))
        self.threads.append(threads(self.pid))

    def facts(self, step: int) -> dict[str, Any]:
        """For a report; so many requests lie between two looks."""
        half = range(len(self.rss_kb) // 2, len(self.rss_kb))
        slope = statistics.linear_regression(
            [at * step for at in half], [self.rss_kb[at] for at in half]
        )
        return {
            "rss_mb": [round(kb / 1024, 1) for kb in self.rss_kb],
            "grown_mb": round((self.rss_kb[-1] - self.rss_kb[0]) / 1024, 2),
            "kb_per_request": round(slope.slope, 3),
            "descriptors": self.descriptors,
            "threads": self.threads,
        }

    def grown(self) -> list[str]:
        """What has, in words."""
        failures = []
        if self.rss_kb[-1] - self.rss_kb[len(self.rss_kb) // 2] > MOST_MB * 1024:
            failures.append(f"memory grows: {self.rss_kb} kB")
        for what, counts in (("descriptors", self.descriptors), ("threads", self.threads)):
            if counts[-1] > counts[0]:
                failures.append(f"{what} have grown: {counts}")
        return failures
