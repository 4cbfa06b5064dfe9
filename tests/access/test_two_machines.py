"""--allow and --interface between two machines on two networks, in namespaces that need no root."""

import asyncio
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeProgram, on_loopback
from wyoming_voice.errors import ConfigError
from wyoming_voice.gateway.server import Gateway
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.service import Service

REPOSITORY = Path(__file__).parents[2]
SERVED = ["info", "200", "200", "101"]
REFUSED = ["forbidden", "403", "403 forbidden", "403 forbidden"]
NOBODY = ["nobody"] * 4


@cache
def report() -> dict[str, Any]:
    needs = ("unshare", "nsenter", "ip")
    if missing := [name for name in needs if shutil.which(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}")
    trial = ("ip", "link", "add", "a0", "type", "veth", "peer", "name", "a1")
    alone = ("unshare", "--user", "--map-root-user", "--net")
    tried = subprocess.run((*alone, *trial), capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no network namespaces here: {tried.stderr.strip()}")
    command = (*alone, sys.executable, "-m", "tests.access.two_machines", "server")
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("who", "heard"),
    [
        ("allow home", SERVED),
        ("allow guest", REFUSED),
        ("allow itself", SERVED),
        ("interface home", SERVED),
        ("interface guest", NOBODY),
        ("interface itself", NOBODY),
    ],
)
def test_what_each_door_says(who: str, heard: list[str]) -> None:
    assert report()[who] == heard


def test_a_satellite_is_asked_by_those_alone() -> None:
    assert report()["satellite"] == ["info", "forbidden"]


def test_a_page_is_served_to_those_alone() -> None:
    served = ["200", "101", "200"]
    refused = ["403 forbidden", "403 forbidden", "403"]
    assert report()["gateway allow"] == [served, refused, served]
    assert report()["gateway interface"] == [served, ["nobody"] * 3, ["nobody"] * 3]


def test_only_that_interface_is_announced() -> None:
    assert report()["allow announced"] == ["192.0.2.1", "198.51.100.1"]
    assert report()["interface announced"] == ["192.0.2.1"]


def test_the_log_says_it_once() -> None:
    told = [line for line in report()["log"] if "refused a client" in line]
    line = "WARNING refused a client at 198.51.100.2: not in --allow (192.0.2.0/24)"
    assert told == [line] * 3  # a service with three doors, a satellite, and a gateway


def test_the_log_says_what_is_exposed() -> None:
    assert sum("hears the microphone" in line for line in report()["log"]) == 1
    doors = [line for line in report()["log"] if ": open to " in line]
    assert [line.split(" at ")[0] for line in doors] == [
        *("INFO Wyoming", "INFO metrics", "INFO HTTP"),
        *("WARNING Wyoming", "WARNING metrics", "WARNING HTTP"),
        *("INFO Wyoming", "INFO HTTP", "INFO metrics"),
        *("WARNING HTTP", "WARNING metrics"),
    ]


@pytest.mark.parametrize(
    ("uri", "interface", "said"),
    [
        ("tcp://0.0.0.0:0", "ethernet", r"--interface: unknown interface 'ethernet'; .*\blo\b"),
        ("tcp://127.0.0.1:0", "eth0", "is for this machine alone; take tcp://0.0.0.0:0"),
    ],
)
def test_interfaces_that_can_t_be(uri: str, interface: str, said: str) -> None:
    service = Service(FakeProgram(), on_loopback(uri, interface=interface))
    with pytest.raises(ConfigError, match=said):
        asyncio.run(service.listen())
    with pytest.raises(ConfigError, match=said):
        Gateway(GatewaySettings(http=uri, interface=interface, insecure=True))
