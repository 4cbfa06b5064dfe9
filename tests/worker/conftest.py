"""A worker of one thread."""

from collections.abc import AsyncIterator

import pytest

from wyoming_voice.worker import Worker


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("engine", max_requests=8)
    yield worker
    worker.close()
