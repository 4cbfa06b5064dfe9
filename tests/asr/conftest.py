"""What tests of the ASR server share."""

import logging
from collections.abc import Callable

import pytest


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The log lines of the requests."""
    caplog.set_level(logging.INFO)
    return lambda: [text for text in caplog.messages if "kind=asr" in text]
