"""`wyoming-voice status`: its settings, whom it asks, and its exit status."""

import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator
from rich.console import Console

from satellite.config import SatelliteSettings
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.settings import CallSettings
from wyoming_voice.status.finding import Plan, survey
from wyoming_voice.status.table import all_well, as_json, show
from wyoming_voice.wire import Address, parse_uri

_LOOKING = 0.6
"""The share of the time in which the network is listened to."""

_WIDE = 10_000
"""Columns of what is written into a file or a pipe, where nothing may be cut: more than there ever are."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""What to connect to where somebody listens at all addresses."""


class StatusSettings(CallSettings):
    """Tell what all servers and satellites in reach are doing, and what went wrong last."""

    section: ClassVar[str] = "status"

    uri: list[str] = Field([], description="servers to ask beside those that are found")
    timeout_s: float = Field(3.0, gt=0, description="seconds to wait for servers to answer")
    format: Literal["table", "json"] = Field(
        "table", description="a table for a person, or all that is known as JSON"
    )

    @field_validator("uri")
    @classmethod
    def _readable(cls, uris: list[str]) -> list[str]:
        for uri in uris:
            try:
                parse_uri(uri)
            except ConfigError as error:
                raise ValueError(str(error)) from error
        return uris


async def run(settings: StatusSettings) -> int:
    """Print what was found; status 1 when nothing is in reach, or something is not well."""
    plan = plan_of(settings)
    if settings.format == "json":
        found = await survey(plan)
        sys.stdout.write(f"{as_json(found)}\n")
    else:
        # Without markup and emoji: names come from the network, and ":1234:" in an IPv6 address is one.
        width = None if sys.stdout.isatty() else _WIDE
        console = Console(markup=False, emoji=False, highlight=False, width=width)
        with console.status(f"looking for {settings.timeout_s:g} s"):
            found = await survey(plan)
        show(console, found)
    return 0 if all_well(found) else 1


def plan_of(settings: StatusSettings) -> Plan:
    """Whom to ask; ConfigError for settings of the satellite or the gateway that can't be used."""
    config = ("--config", str(settings.config)) if settings.config is not None else ()
    satellite, gateway = load(SatelliteSettings, config), load(GatewaySettings, config)
    named = dict.fromkeys((*settings.uri, *_servers_of(satellite), *_servers_of(gateway)))
    return Plan(
        settings.timeout_s,
        settings.timeout_s * _LOOKING,
        tuple(named),
        control=satellite.control_path,
        gateway=_reachable(parse_uri(gateway.http)),
        gateway_tls=_trusting(settings.tls_ca) if gateway.tls_cert else None,
        gateway_named="http" in gateway.model_fields_set,
    )


def _servers_of(settings: SatelliteSettings | GatewaySettings) -> Iterator[str]:
    for uris in (settings.asr_uri, settings.handle_uri, settings.tts_uri):
        yield from uris


def _reachable(address: Address) -> Address:
    return Address(host=_EVERYWHERE.get(address.host, address.host), port=address.port)


def _trusting(authorities: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authorities)
    except OSError as error:  # SSLError among them
        raise ConfigError(f"--tls-ca {authorities} can't be used: {error}") from error
