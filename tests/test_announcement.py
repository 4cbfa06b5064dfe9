"""Which addresses and names are announced of a server, and what is left out."""

import ipaddress
from types import SimpleNamespace

import ifaddr
import pytest
from wyoming.info import Info

from tests.fakes import INFO, a_model, on_loopback
from wyoming_voice import announcement
from wyoming_voice.wire import Address


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("kitchen", "kitchen asr"),
        ("a.b.c", "a-b-c asr"),
        ("Küche 3", "Küche 3 asr"),
        ("tab\tand\nline\x7f", "tab-and-line asr"),
        ("...", "wyoming-voice asr"),
        ("x" * 100, "x" * 55 + " asr"),
        ("ü" * 100, "ü" * 27 + " asr"),
        ("half\udc80", "half? asr"),
    ],
)
def test_instance_names_are_one_label_with_room_for_a_number(name: str, label: str) -> None:
    assert announcement.instance_name(name, "asr") == label
    assert len(f"{label}-999".encode()) <= 63


def test_equal_names_on_two_machines_are_two_hosts() -> None:
    def host(address: str) -> str:
        return announcement.host_label("pi", "asr", [ipaddress.ip_address(address)])

    assert host("192.0.2.1") == host("192.0.2.1") != host("192.0.2.2")
    assert host("192.0.2.1").startswith("pi-asr-")


@pytest.mark.parametrize("name", ["", "ü" * 90, "a" * 90, "--", "日本"])
def test_host_names_are_plain_labels(name: str) -> None:
    label = announcement.host_label(name, "handle", [ipaddress.ip_address("192.0.2.1")])
    assert label.isascii()
    assert len(label) <= 63
    assert not label.startswith("-")


def test_models_in_the_text_record_are_whole_names_that_fit() -> None:
    info = Info(
        asr=[INFO.asr[0].__class__(**{**vars(INFO.asr[0]), "models": [a_model("ü" * 30)] * 9})]
    )
    models = announcement.properties_of("asr", info)["models"]
    assert models == ",".join(["ü" * 30] * 3)


def fake_adapters(*rows: tuple[str, str | tuple[str, int, int]]) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(name=name, nice_name=name, ips=[SimpleNamespace(ip=ip)])
        for name, ip in rows
    ]


ADAPTERS = fake_adapters(
    ("lo", "127.0.0.1"),
    ("lo", ("::1", 0, 0)),
    ("eth0", ("2001:db8::7", 0, 0)),
    ("eth0", ("fe80::1", 0, 2)),
    ("eth0", "192.0.2.7"),
    ("br0", "198.51.100.1"),
    ("eth1", "169.254.3.4"),
    ("docker0", "172.17.0.1"),
    ("br-0123456789ab", "172.18.0.1"),
    ("veth12", "172.19.0.1"),
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", ["192.0.2.7", "198.51.100.1"]),
        ("::", ["192.0.2.7", "198.51.100.1", "2001:db8::7"]),
        ("127.0.0.1", []),
        ("::1", []),
        ("192.0.2.7", ["192.0.2.7"]),
        ("2001:db8::7", ["2001:db8::7"]),
    ],
)
async def test_what_is_announced_can_be_reached(
    host: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: ADAPTERS)
    found = await announcement.reachable_at(Address(host, 1), on_loopback(no_zeroconf=False))
    assert [str(address) for address in found] == expected


async def test_advertise_host_goes_before_all() -> None:
    settings = on_loopback(advertise_host="192.0.2.99")
    found = await announcement.reachable_at(Address("0.0.0.0", 1), settings)
    assert [str(address) for address in found] == ["192.0.2.99"]
    assert await announcement.reachable_at(Address(path="/s.sock"), settings) == []


@pytest.mark.parametrize(
    ("address", "advertised", "alone"),
    [
        (Address("127.0.0.1", 1), "", True),
        (Address("::1", 1), "", True),
        (Address(path="/s.sock"), "192.0.2.99", True),
        (Address("0.0.0.0", 1), "", False),
        (Address("192.0.2.7", 1), "", False),
        (Address("127.0.0.1", 1), "192.0.2.99", False),
    ],
)
async def test_only_what_is_bound_to_loopback_is_for_this_machine_alone(
    address: Address, advertised: str, alone: bool
) -> None:
    settings = on_loopback(advertise_host=advertised)
    assert await announcement.is_for_this_machine_alone(address, settings) is alone
