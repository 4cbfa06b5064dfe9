"""Levels: finite for every sound, and those that people expect."""

import numpy as np
import pytest

from satellite.hearing.level import amplified, decibels, is_clipped, level_dbfs


@pytest.mark.parametrize(
    ("value", "dbfs"), [(1.0, 0.0), (0.1, -20.0), (1 / 32768, -90.3), (0.0, -120.0), (1e-9, -120.0)]
)
def test_levels(value: float, dbfs: float) -> None:
    assert level_dbfs(np.full(512, value, np.float32)) == pytest.approx(dbfs, abs=0.05)


def test_no_samples_are_silence() -> None:
    assert level_dbfs(np.zeros(0, np.float32)) == -120.0


def test_a_ratio_of_powers() -> None:
    assert decibels(2.0) == pytest.approx(3.01, abs=0.01)
    assert decibels(0.0) == -120.0


def test_what_gets_too_loud_is_cut_off() -> None:
    samples = np.array([0.25, -0.25, 0.6], np.float32)
    assert amplified(samples, 6.0206) == pytest.approx([0.5, -0.5, 1.0], abs=1e-3)
    assert amplified(samples, -6.0206) == pytest.approx([0.125, -0.125, 0.3], abs=1e-3)


def test_only_the_loudest_sample_there_is_may_have_been_cut_off() -> None:
    samples = np.array([0, 32_766, -32_766], np.float32) / np.float32(32_768)
    assert not is_clipped(samples)
    assert is_clipped(np.append(samples, np.float32(32_767 / 32_768)))
    assert is_clipped(np.append(samples, np.float32(-1)))
    assert not is_clipped(np.zeros(0, np.float32))
