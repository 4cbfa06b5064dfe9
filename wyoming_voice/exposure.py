"""What a process says at its start about who can reach it: one line for each of its doors.

Rule: what every machine of a network may use, without a key, a certificate or --allow, is a warning, which
names what would narrow it; all else is told quietly.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from wyoming_voice.gate import Gate
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.listening import is_loopback
from wyoming_voice.settings import ServiceSettings
from wyoming_voice.wire import Address

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """One door: what is behind it, whom it asks for what, and what would narrow it beside the gate's flags.

    `needs` is what its clients need (`""`: nothing), `flaw` what they lack even so.
    """

    what: str
    address: Address | str
    needs: str = ""
    flaw: str = ""
    remedy: tuple[str, ...] = ()


PLAIN = "without a password, not encrypted"

PLAIN_EAR = f"{PLAIN}; who takes Home Assistant's place hears the microphone"
"""Of a satellite's door."""


def wyoming(
    addresses: Iterable[Address], settings: ServiceSettings | None = None, flaw: str = PLAIN
) -> list[Opened]:
    """The doors of the protocol itself, with TLS and without, whose `flaw` is told."""
    authorities = settings.tls_client_ca if settings is not None else None
    return [
        Opened(
            "Wyoming under TLS",
            address,
            f"a certificate of {authorities}" if authorities else "",
            "encrypted, but without a password",
            ("--tls-client-ca",),
        )
        if address.tls
        else Opened("Wyoming", address, "", flaw)
        for address in addresses
    ]


def http(address: Address | None, settings: HttpSettings) -> list[Opened]:
    """The door for HTTP clients, where there is one."""
    if address is None:
        return []
    keys = f"a key of {settings.api_key_file}" if settings.api_key_file else ""
    secret = "encrypted" if settings.tls_cert else "not encrypted"
    flaw = secret if keys else f"without a key, {secret}"
    what = "HTTPS" if settings.tls_cert else "HTTP"
    return [Opened(what, address, keys, flaw, ("--api-key-file",))]


def metrics(address: Address | None) -> list[Opened]:
    """The page of numbers, where there is one."""
    return [] if address is None else [Opened("metrics", address, "", "without a password")]


def line(door: Opened, gate: Gate) -> tuple[int, str]:
    """The level and the text of one door's line."""
    place = f"{door.what} at {door.address}"
    if isinstance(door.address, Address):
        if door.address.path:
            return logging.INFO, f"{place}: for whoever may open that file"
        if is_loopback(door.address.host):
            return logging.INFO, f"{place}: for this machine alone"
    where = f" on {gate.interface}" if gate.interface else ""
    who = f"clients in {', '.join(gate.allow)}" if gate.allow else "every machine that reaches it"
    who += f" with {door.needs}" if door.needs else ""
    text = f"{place}: open to {who}{where}; {door.flaw}"
    if gate.allow or door.needs:
        return logging.INFO, text
    *others, last = (*door.remedy, *gate.narrowing)
    remedy = f"{', '.join(others)} or {last}" if others else last
    return logging.WARNING, f"{text}; {remedy} narrows it"


def tell(doors: Iterable[Opened], gate: Gate) -> None:
    """Say it in the log."""
    for door in doors:
        _log.log(*line(door, gate))
