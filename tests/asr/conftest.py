"""What tests of the ASR server share."""

import logging
from collections.abc import AsyncIterator, Callable

import pytest

from wyoming_voice.worker import Worker


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The log lines of the requests."""
    caplog.set_level(logging.INFO)
    return lambda: [text for text in caplog.messages if "kind=asr" in text]


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("asr", threads=4)
    yield worker
    worker.close()
