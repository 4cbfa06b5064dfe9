"""Seeing processes end."""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager

from wyoming_voice.isolation.isolated import Isolated


def pid_of(engine: Isolated) -> int:
    """Its process, which there must be."""
    pid = engine.pid
    assert pid is not None
    return pid


@contextmanager
def ends(pid: int) -> Iterator[None]:
    """What is done in here must end a process."""
    watch = os.pidfd_open(pid)
    try:
        yield
        ready, _, _ = select.select([watch], [], [], 10)
        assert ready, f"process {pid} lives on"
    finally:
        os.close(watch)
