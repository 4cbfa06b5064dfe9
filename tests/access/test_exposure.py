"""What is said at the start of who can reach a process, and that without a word nobody else can."""

import importlib
import logging
from pathlib import Path
from typing import Any

import pytest

from satellite.config import SatelliteSettings
from tests.fakes import on_loopback
from wyoming_voice import exposure
from wyoming_voice.cli import COMMANDS
from wyoming_voice.gate import Gate
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.listening import is_loopback
from wyoming_voice.wire import Address, parse_uri

WIDE, HERE, FILE = Address("0.0.0.0", 1), Address("127.0.0.1", 1), Address(path="/s.sock")
WIDE_TLS = Address("0.0.0.0", 2, tls=True)
CERTIFIED: dict[str, Any] = {"tls_uri": "tls://0.0.0.0:2", "tls_cert": "c.pem", "tls_key": "c.key"}


def lines(doors: list[exposure.Opened], *allow: str, interface: str = "") -> list[tuple[int, str]]:
    return [exposure.line(door, Gate(allow, interface)) for door in doors]


def test_what_every_machine_may_use_is_a_warning_with_the_remedy() -> None:
    assert lines(exposure.wyoming([WIDE])) == [
        (
            logging.WARNING,
            "Wyoming at tcp://0.0.0.0:1: open to every machine that reaches it;"
            " without a password, not encrypted; --allow or --interface narrows it",
        )
    ]


def test_a_satellite_says_what_it_gives_away() -> None:
    ((level, text),) = lines(exposure.wyoming([WIDE], flaw=exposure.PLAIN_EAR))
    assert level == logging.WARNING
    assert text.endswith(
        "takes Home Assistant's place hears the microphone; --allow or --interface narrows it"
    )


def test_what_is_limited_is_told_quietly() -> None:
    told = lines(exposure.wyoming([WIDE, HERE, FILE]), "192.168.1.0/24")
    assert [level for level, _ in told] == [logging.INFO] * 3
    assert "open to clients in 192.168.1.0/24" in told[0][1]
    assert told[1][1] == "Wyoming at tcp://127.0.0.1:1: for this machine alone"
    assert told[2][1] == "Wyoming at unix:///s.sock: for whoever may open that file"


def test_an_interface_narrows_too_little_to_be_silent() -> None:
    ((level, text),) = lines(exposure.wyoming([WIDE]), interface="eth0")
    assert level == logging.WARNING
    assert "every machine that reaches it on eth0" in text
    assert text.endswith("; --allow narrows it")


def test_a_door_without_keys_could_have_some() -> None:
    chosen = HttpSettings(http="tcp://0.0.0.0:1", insecure=True)
    ((_, text),) = lines(exposure.http(WIDE, chosen))
    assert text.endswith("; --api-key-file, --allow or --interface narrows it")


def test_tls_keeps_out_only_with_certificates_of_clients() -> None:
    anybody, known = on_loopback(**CERTIFIED), on_loopback(**CERTIFIED, tls_client_ca="ca.pem")
    ((level, text),) = lines(exposure.wyoming([WIDE_TLS], anybody))
    assert (level, text.rpartition("; ")[2]) == (
        logging.WARNING,
        "--tls-client-ca, --allow or --interface narrows it",
    )
    ((level, text),) = lines(exposure.wyoming([WIDE_TLS], known))
    assert level == logging.INFO
    assert "with a certificate of ca.pem" in text


@pytest.mark.parametrize(
    ("settings", "level", "said"),
    [
        ({"insecure": True}, logging.WARNING, "without a key, not encrypted; --api-key-file, --"),
        ({"api_key_file": Path("keys")}, logging.INFO, "with a key of keys; not encrypted"),
    ],
)
def test_http(settings: dict[str, object], level: int, said: str) -> None:
    chosen = HttpSettings.model_validate({"http": "tcp://0.0.0.0:1", **settings})
    ((found, text),) = lines(exposure.http(WIDE, chosen))
    assert found == level
    assert said in text


def test_no_doors_no_lines() -> None:
    assert exposure.http(None, HttpSettings()) == exposure.metrics(None) == []


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        *((host, True) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")),
        *((host, False) for host in ("0.0.0.0", "::", "192.0.2.1", "127.example", "house.local")),
    ],
)
def test_which_addresses_nobody_else_reaches(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone


@pytest.mark.parametrize("name", ["asr", "tts", "handle", "satellite", "gateway"])
def test_without_a_word_nothing_but_this_machine_gets_in(name: str) -> None:
    command = COMMANDS[name]
    settings = getattr(importlib.import_module(command.module), command.settings)()
    doors = [getattr(settings, field, "") for field in ("uri", "http", "tls_uri", "metrics_uri")]
    opened = [uri for uri in doors if uri]
    assert len(opened) == 1
    assert all(is_loopback(parse_uri(uri).host) for uri in opened)


def test_a_gateway_and_a_satellite_take_networks_too() -> None:
    for kind in (GatewaySettings, SatelliteSettings):
        assert kind(allow=["10.0.0.0/8"]).allow == ["10.0.0.0/8"]
