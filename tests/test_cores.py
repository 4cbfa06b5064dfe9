"""How many cores a process may use: read from the kernel's files as they are inside containers."""

import os
from pathlib import Path, PurePosixPath

import pytest

from wyoming_voice.cores import (
    cpu_groups,
    quota_v1,
    quota_v2,
    quotas,
    usable_cores,
    within_quotas,
)


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [
        ("150000 100000\n", 1.5),
        ("50000 100000", 0.5),
        ("max 100000\n", None),
        ("", None),
        ("0 100000", None),
        ("100000 0", None),
        ("-1 100000", None),
        ("1 2 3", None),
    ],
)
def test_a_quota_of_version_2(cpu_max: str, cores: float | None) -> None:
    assert quota_v2(cpu_max) == cores


@pytest.mark.parametrize(
    ("quota_us", "period_us", "cores"),
    [
        ("200000\n", "100000\n", 2.0),
        ("-1\n", "100000\n", None),
        ("", "", None),
        ("100000", "0", None),
        ("0", "100000", None),
    ],
)
def test_a_quota_of_version_1(quota_us: str, period_us: str, cores: float | None) -> None:
    assert quota_v1(quota_us, period_us) == cores


@pytest.mark.parametrize(
    ("cores", "limits", "usable"),
    [(8, [], 8), (8, [1.5], 2), (8, [3.0, 16.0], 3), (2, [0.1], 1), (2, [64.0], 2), (0, [], 1)],
)
def test_the_least_counts_and_is_rounded_up(cores: int, limits: list[float], usable: int) -> None:
    assert within_quotas(cores, limits) == usable


def test_the_groups_that_may_limit_the_cpu() -> None:
    both = (
        "12:cpuset:/a\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/b\n0::/user.slice/u:1\nnonsense\n"
    )
    assert cpu_groups(both) == [
        (1, PurePosixPath("docker/x")),
        (2, PurePosixPath("user.slice/u:1")),
    ]
    assert cpu_groups("") == []


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_version_2_and_the_groups_around_ours(tmp_path: Path) -> None:
    written(tmp_path / "proc/cgroup", "0::/system.slice/voice.service\n")
    mounts = tmp_path / "cgroup"
    written(mounts / "system.slice/voice.service/cpu.max", "max 100000\n")
    written(mounts / "system.slice/cpu.max", "250000 100000\n")
    assert quotas(tmp_path / "proc", mounts) == [2.5]
    written(mounts / "cpu.max", "150000 100000\n")  # what a container sees of its own
    assert quotas(tmp_path / "proc", mounts) == [2.5, 1.5]


@pytest.mark.parametrize("controller", ["cpu", "cpu,cpuacct"])
def test_version_1_where_the_host_s_path_is_not_in_the_container(
    controller: str, tmp_path: Path
) -> None:
    written(tmp_path / "proc/cgroup", "3:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n")
    mounts = tmp_path / "cgroup"
    written(mounts / controller / "cpu.cfs_quota_us", "300000\n")
    written(mounts / controller / "cpu.cfs_period_us", "100000\n")
    assert quotas(tmp_path / "proc", mounts) == [3.0]


def test_what_is_missing_or_odd_limits_nothing(tmp_path: Path) -> None:
    assert quotas(tmp_path / "proc", tmp_path / "cgroup") == []
    written(tmp_path / "proc/cgroup", "0::/\n")
    (tmp_path / "cgroup").mkdir()
    (tmp_path / "cgroup/cpu.max").write_bytes(b"\xff\xfe")
    assert quotas(tmp_path / "proc", tmp_path / "cgroup") == []


def test_this_machine() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
