"""Which models are told names."""

import pytest

from wyoming_voice.asr.names.broken_models import is_told


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("base.en", True),
        ("tiny", True),
        ("large-v3-turbo", True),
        ("deepdml/faster-whisper-large-v3-turbo-ct2", True),
        ("distil-small.en", False),
        ("faster-distil-whisper-large-v3", False),
        ("Systran/faster-distil-whisper-medium.en", False),
        ("/models/Distil-Large-v3.5", False),
    ],
)
def test_auto_asks_the_reports(model: str, told: bool) -> None:
    assert is_told("auto", model) is told
    assert is_told("always", model)
    assert not is_told("never", model)
