"""The certificates of these tests, made once."""

import shutil
from collections.abc import Iterator

import pytest

from tests.access.papers import Authority
from wyoming_voice import tls


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority with a server (also `elsewhere`, `late`) and a client (also `expired`)."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    authority = Authority(tmp_path_factory.mktemp("house"))
    authority.sign("server")
    authority.sign("elsewhere", "subjectAltName=DNS:asr.lan")
    authority.sign("late", days=("-days", "-1"))
    authority.sign("kitchen", "extendedKeyUsage=clientAuth")
    authority.sign("expired", "extendedKeyUsage=clientAuth", days=("-days", "-1"))
    return authority


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory, house: Authority) -> Authority:
    """Another authority, of whom nobody knows."""
    authority = Authority(tmp_path_factory.mktemp("stranger"), "stranger")
    authority.sign("kitchen", "extendedKeyUsage=clientAuth")
    return authority


@pytest.fixture(autouse=True)
def _as_nobody() -> Iterator[None]:
    """Each test says itself as whom it calls."""
    tls.identify(None, None, None)
    yield
    tls.identify(None, None, None)
