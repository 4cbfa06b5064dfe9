from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_kokoro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a small Kokoro that the real classes load."""
    pytest.importorskip("kokoro", reason="Kokoro's package stops at Python 3.12")
    from tests.models.tiny_kokoro import build

    return build(tmp_path_factory.mktemp("kokoro"))
