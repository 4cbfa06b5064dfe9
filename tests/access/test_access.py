"""Who may come in by address, how settings say so, and how often the log hears of a refusal."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.fakes import on_loopback
from wyoming_voice.access import Allowed, Grumbles, network_of
from wyoming_voice.asr.settings import AsrSettings
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.tts.settings import TtsSettings


@pytest.mark.parametrize(
    ("networks", "host", "may"),
    [
        ([], "203.0.113.7", True),
        (["192.168.1.0/24"], "192.168.1.77", True),
        (["192.168.1.0/24"], "192.168.2.77", False),
        (["192.168.1.7"], "192.168.1.7", True),
        (["192.168.1.7"], "192.168.1.8", False),
        (["192.168.1.0/24"], "::ffff:192.168.1.77", True),
        (["192.168.1.0/24"], "::ffff:192.168.2.77", False),
        (["::ffff:192.168.1.0/120"], "192.168.1.77", True),
        (["fd00::/8"], "fd12::1", True),
        (["fd00::/8"], "2001:db8::1", False),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "192.168.1.77", False),
        (["192.168.1.0/24", "fd00::/8"], "fd12::1", True),
        (["192.168.1.0/24"], "127.0.0.1", True),
        (["192.168.1.0/24"], "127.8.8.8", True),
        (["192.168.1.0/24"], "::1", True),
        (["192.168.1.0/24"], "::ffff:127.0.0.1", True),
        (["192.168.1.0/24"], "", False),
        (["192.168.1.0/24"], "192.168.1.77.example", False),
    ],
)
def test_who_may_come_in(networks: list[str], host: str, may: bool) -> None:
    assert Allowed(networks).admits(host) is may


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("192.168.1.5/24", r"write 192\.168\.1\.0/24, or 192\.168\.1\.5 alone"),
        ("fd00::1/64", r"write fd00::/64, or fd00::1 alone"),
        ("192.168.1.0/33", r"no length .* '33'; write 192\.168\.1\.0/24"),
        ("kitchen.local", r"is no network; write addresses, such as .* \(names change\)"),
        ("", "is no network"),
        ("192.168.1", "is no network"),
    ],
)
def test_what_is_no_network_is_told_with_what_was_meant(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        network_of(text)
    with pytest.raises(ValidationError, match=remedy):
        on_loopback(allow=["10.0.0.0/8", text])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"uri": "tls://127.0.0.1:0"}, "give it as --tls-uri"),
        ({"metrics_uri": "tls://127.0.0.1:0"}, "Prometheus needs tcp://HOST:PORT"),
        ({"tls_uri": "tcp://127.0.0.1:0"}, "write tls://HOST:PORT"),
        ({"tls_uri": "127.0.0.1"}, "write tls://HOST:PORT"),
        ({"tls_uri": "tls://127.0.0.1:0"}, "--tls-uri needs --tls-cert and --tls-key"),
        ({"tls_cert": "a", "tls_key": "b"}, "--tls-cert is for --tls-uri; give that, too"),
        ({"tls_client_ca": "ca.pem"}, "for the clients of --tls-uri"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        on_loopback(**settings)


@pytest.mark.parametrize("kind", [AsrSettings, TtsSettings])
def test_a_certificate_is_for_either_door(kind: type[AsrSettings | TtsSettings]) -> None:
    pair = {"tls_cert": "a", "tls_key": "b"}
    with pytest.raises(ValidationError, match="is for --tls-uri and --http; give one of them"):
        kind.model_validate(pair)
    for door in ({"tls_uri": "tls://127.0.0.1:0"}, {"http": "tcp://127.0.0.1:0"}):
        assert kind.model_validate(pair | door).tls_cert == Path("a")
    assert GatewaySettings.model_validate(pair).tls_cert == Path("a")


def test_a_refusal_is_told_once_a_minute_and_address() -> None:
    grumbles = Grumbles(again_s=60, most=2)
    assert grumbles.due("a", 0)
    assert not grumbles.due("a", 59.9)
    assert grumbles.due("b", 59.9)
    assert grumbles.due("a", 60)
    assert not grumbles.due("c", 60)  # of a flood, no more than that many
    assert grumbles.due("c", 120)
