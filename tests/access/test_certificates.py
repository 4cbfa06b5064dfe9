"""The files of TLS: renewed under way, and of no use."""

import ssl
from pathlib import Path

import pytest

from tests.access.papers import Authority
from wyoming_voice import tls
from wyoming_voice.errors import ConfigError


def test_renewed_files_are_taken_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", tls.__name__)
    ours = Authority(tmp_path, "renewed")
    ours.sign("server")
    complaints: list[str] = []
    renewing = tls.Renewing(ours.shown(), complaints.append)
    before = renewing.context
    assert renewing.context is before
    (tmp_path / "server.key").write_text("half a key")
    assert renewing.context is before
    assert "the old certificate stays in use: --tls-key" in complaints[0]
    assert renewing.context is before
    assert len(complaints) == 1
    assert caplog.messages == []
    ours.sign("server")
    after = renewing.context
    assert after is not before
    assert renewing.context is after
    (told,) = caplog.messages
    assert told.startswith("renewed files are in use: ")
    assert "server.pem" in told


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (("absent.pem", "", ""), r"--tls-ca .*absent\.pem can't be read"),
        (("kitchen.key", "", ""), r"--tls-ca .*kitchen\.key holds no certificate"),
        (
            ("ca.pem", "kitchen.pem", "server.key"),
            r"--tls-client-key .* is not the key of --tls-cl",
        ),
        (("ca.pem", "kitchen.key", "kitchen.pem"), "swap --tls-client-cert and --tls-client-key"),
    ],
)
def test_files_that_are_of_no_use_to_a_client(
    house: Authority, fields: tuple[str, str, str], said: str
) -> None:
    paths = [house.directory / name if name else None for name in fields]
    with pytest.raises(ConfigError, match=said):
        tls.identify(*paths)


def test_a_list_of_clients_that_is_of_no_use(house: Authority) -> None:
    key = house.directory / "server.key"
    shown = tls.Shown(house.directory / "server.pem", key, key)
    with pytest.raises(ConfigError, match=r"--tls-client-ca .* holds no certificate"):
        shown.context()


def test_the_oldest_tls_that_is_spoken(house: Authority) -> None:
    for context in (house.shown().context(), house.caller().context()):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert house.caller().context().check_hostname
