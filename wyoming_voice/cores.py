"""How many processor cores this process may really use: inside a container fewer than there are.

Rule: what can't be read or understood limits nothing; the answer is at least 1.
"""

import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath


def usable_cores() -> int:
    """The cores that the scheduler gives this process, within its CPU quota, rounded up."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return within_quotas(len(affinity(0)) if affinity else os.cpu_count() or 1, quotas())


def within_quotas(cores: int, quotas: Iterable[float]) -> int:
    """The least of them all, in whole cores: half a core's worth of time still needs a thread."""
    return max(1, min([cores, *(math.ceil(quota) for quota in quotas)]))


def quotas(proc: Path = Path("/proc/self"), mounts: Path = Path("/sys/fs/cgroup")) -> list[float]:
    """The CPU quotas that hold for this process, in cores; those of the groups around its own too.

    cgroup v2: https://docs.kernel.org/admin-guide/cgroup-v2.html (`cpu.max`); v1: `cpu.cfs_quota_us` and
    `cpu.cfs_period_us`, https://docs.kernel.org/scheduler/sched-bwc.html.
    """
    found: list[float | None] = []
    for version, group in cpu_groups(_text(proc / "cgroup")):
        for place in _upwards(group):
            if version == 2:
                found.append(quota_v2(_text(mounts / place / "cpu.max")))
                continue
            for controller in ("cpu", "cpu,cpuacct"):
                group_v1 = mounts / controller / place
                quota, period = (
                    _text(group_v1 / f"cpu.cfs_{name}_us") for name in ("quota", "period")
                )
                found.append(quota_v1(quota, period))
    return [quota for quota in found if quota is not None]


def cpu_groups(cgroup: str) -> list[tuple[int, PurePosixPath]]:
    """The version and the path of each group that may limit the CPU, from `/proc/self/cgroup`."""
    lines = [line.split(":", 2) for line in cgroup.splitlines() if line.count(":") >= 2]
    return [
        (1 if controllers else 2, PurePosixPath(path.lstrip("/")))
        for _, controllers, path in lines
        if not controllers or "cpu" in controllers.split(",")
    ]


def quota_v2(cpu_max: str) -> float | None:
    """Cores from `cpu.max`: `150000 100000` is 1.5; None for `max 100000`, and for what is no quota."""
    match = re.fullmatch(r"(\d+) (\d+)", cpu_max.strip())
    return _cores(match[1], match[2]) if match else None


def quota_v1(quota_us: str, period_us: str) -> float | None:
    """Cores from the two files of version 1; None for a quota of -1, and for what is no quota."""
    quota_us, period_us = quota_us.strip(), period_us.strip()
    return _cores(quota_us, period_us) if quota_us.isdecimal() and period_us.isdecimal() else None


def _cores(quota_us: str, period_us: str) -> float | None:
    return int(quota_us) / int(period_us) if int(quota_us) and int(period_us) else None


def _upwards(group: PurePosixPath) -> Iterator[PurePosixPath]:
    """A group, those around it, and the root: in a container's view, the root is often its own."""
    yield group
    yield from group.parents


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
