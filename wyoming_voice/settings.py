"""What everything that listens can be told: where, for whom, how much of it, and who may look inside.

Rule: without a word nothing but this machine gets in.
"""

import re
import socket
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from wyoming_voice.access import network_of
from wyoming_voice.config import Settings
from wyoming_voice.errors import ConfigError
from wyoming_voice.tracing import endpoint
from wyoming_voice.wire import WireLimits, parse_uri

Uri = Annotated[
    str, Field(description="where to listen: tcp://HOST:PORT (port 0: any) or unix:///PATH")
]
"""The type of a service's `uri`; each server gives its own default."""

VadSensitivity = Annotated[
    Literal["aggressive", "default", "relaxed"],
    Field(
        description="silence that ends speech: aggressive (0.5 s), default (0.8) or relaxed (1.25)"
    ),
]
Endpoint = Annotated[
    Literal["fixed", "dynamic"],
    Field(
        description="dynamic: a shorter silence where what was said is complete, a longer one where "
        "it is not; fixed: always the same"
    ),
]
VadThreshold = Annotated[float, Field(gt=0, lt=1, description="probability that counts as speech")]
LongestSpeech = Annotated[float, Field(gt=1, le=25, description="longest utterance")]
"""What ends speech, for who hears a microphone: a satellite, and the gateway in its place."""

_TIME = re.compile(r"(?P<number>[0-9]{1,7}(\.[0-9]{1,3})?)\s?(?P<unit>[smh])")
_UNITS_S = {"s": 1, "m": 60, "h": 3600}
_LONGEST_S = 720 * 3600


def plain_uri(uri: str) -> str:
    """An address to listen at without TLS; ValueError says what is wrong."""
    try:
        address = parse_uri(uri)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    if address.tls:
        raise ValueError(f"{uri} is for TLS; give it as --tls-uri, with --tls-cert and --tls-key")
    return uri


class TlsSettings(Settings):
    """The certificate that a listener shows."""

    tls_cert: Path | None = Field(
        None, description="certificate chain (PEM) to serve HTTPS and tls:// with"
    )
    tls_key: Path | None = Field(None, description="its key (PEM)")

    @model_validator(mode="after")
    def _a_pair(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("--tls-cert and --tls-key belong together; give both or none")
        return self

    @model_validator(mode="after")
    def _of_some_use(self) -> Self:
        doors = [name for name in ("tls_uri", "http") if name in type(self).model_fields]
        if self.tls_cert and not any(getattr(self, name) for name in doors):
            flags = " and ".join(f"--{name.replace('_', '-')}" for name in doors)
            remedy = "give one of them" if len(doors) > 1 else "give that, too"
            raise ValueError(f"--tls-cert is for {flags}; {remedy}")
        return self


class CallSettings(Settings):
    """Whom a client of `tls://` servers trusts, and what it shows them."""

    tls_ca: Path | None = Field(
        None, description="certificates (PEM) that tls:// servers must descend from"
    )
    tls_client_cert: Path | None = Field(
        None, description="certificate chain (PEM) to show to tls:// servers that want one"
    )
    tls_client_key: Path | None = Field(None, description="its key (PEM)")

    @model_validator(mode="after")
    def _a_client_pair(self) -> Self:
        if bool(self.tls_client_cert) != bool(self.tls_client_key):
            raise ValueError(
                "--tls-client-cert and --tls-client-key belong together; give both or none"
            )
        return self


class TraceSettings(Settings):
    """Where the spans of a turn are sent."""

    otlp_url: str = Field(
        "", description="OpenTelemetry collector (OTLP over HTTP), such as http://collector:4318"
    )

    @field_validator("otlp_url")
    @classmethod
    def _collector(cls, url: str) -> str:
        if url:
            endpoint(url)
        return url


class AllowSettings(Settings):
    """Whose clients are served, and from which network they come, at every door of a process."""

    allow: list[str] = Field(
        [], description="networks whose clients are served, such as 192.168.1.0/24 (default: all)"
    )
    interface: str = Field(
        "", description="the only network interface to listen on, such as eth0 (default: all)"
    )

    @field_validator("allow")
    @classmethod
    def _networks(cls, networks: list[str]) -> list[str]:
        return [str(network_of(network)) for network in networks]


class ListenSettings(AllowSettings):
    """What everything that listens for Wyoming clients can be told."""

    uri: Uri = ""
    zeroconf: str = Field("", description="name to announce on the network (default: the host's)")
    no_zeroconf: bool = Field(False, description="announce nothing on the network")
    advertise_host: str = Field("", description="address to announce instead of the interfaces'")
    advertise_port: int = Field(0, ge=0, le=65535, description="port to announce (0: the real one)")
    max_connections: int = Field(
        64, ge=1, description="clients at a time; one more is refused as busy"
    )
    max_header_bytes: int = Field(65_536, ge=256, description="longest header line of an event")
    max_data_bytes: int = Field(1_048_576, ge=1024, description="longest data of an event")
    max_payload_bytes: int = Field(4_194_304, ge=1024, description="longest payload of an event")
    write_timeout_s: float = Field(
        30, gt=0, description="seconds that a client may leave an answer unread"
    )

    @field_validator("uri")
    @classmethod
    def _readable_uri(cls, uri: str) -> str:
        return plain_uri(uri)

    @property
    def announced_name(self) -> str:
        """The name under which people find this machine's servers."""
        return self.zeroconf or socket.gethostname()

    @property
    def wire_limits(self) -> WireLimits:
        """What a peer may send, and how long it may leave our answers unread."""
        return WireLimits(
            header_bytes=self.max_header_bytes,
            data_bytes=self.max_data_bytes,
            payload_bytes=self.max_payload_bytes,
            write_timeout_s=self.write_timeout_s,
        )


class MetricsSettings(Settings):
    """Where Prometheus and whoever asks for health find a process."""

    metrics_uri: str = Field("", description="where Prometheus may ask: tcp://HOST:PORT")

    @field_validator("metrics_uri")
    @classmethod
    def _readable_metrics_uri(cls, uri: str) -> str:
        if uri.startswith(("unix:", "tls:")):
            raise ValueError("Prometheus needs tcp://HOST:PORT")
        try:
            if uri:
                parse_uri(uri)
        except ConfigError as error:
            raise ValueError(f"bad address {uri!r}; write tcp://HOST:PORT") from error
        return uri


class ServiceSettings(ListenSettings, TlsSettings, MetricsSettings, TraceSettings):
    """What every server with requests can be told."""

    tls_uri: str = Field(
        "", description="where to listen for our own clients under TLS: tls://HOST:PORT"
    )
    tls_client_ca: Path | None = Field(
        None, description="certificates (PEM) that clients of tls:// must descend from"
    )

    max_queue: int = Field(32, ge=1, description="requests that may wait for the engine")
    deadline_s: float = Field(
        60, gt=0, description="seconds until a request's next result must be there"
    )
    idle_timeout_s: float = Field(
        300, gt=0, description="seconds of silence after which a client is let go"
    )
    drain_s: float = Field(10, ge=0, description="seconds that requests get to end on SIGTERM")

    @field_validator("tls_uri")
    @classmethod
    def _under_tls(cls, uri: str) -> str:
        try:
            if uri and not parse_uri(uri).tls:
                raise ConfigError("")
        except ConfigError as error:
            raise ValueError(f"bad address {uri!r}; write tls://HOST:PORT") from error
        return uri

    @model_validator(mode="after")
    def _with_a_certificate(self) -> Self:
        if self.tls_uri and not self.tls_cert:
            raise ValueError("--tls-uri needs --tls-cert and --tls-key")
        if self.tls_client_ca and not self.tls_uri:
            raise ValueError("--tls-client-ca is for the clients of --tls-uri; give that, too")
        return self

    @property
    def stuck_s(self) -> float:
        """How long one item may take before the engine counts as stuck: its client gave up long ago."""
        return 3 * self.deadline_s


class IsolationSettings(Settings):
    """Whether an engine has a process of its own, and how long it stays in memory."""

    isolate: bool = Field(
        False, description="run the engine in a process of its own, which may crash and be unloaded"
    )
    unload_after: str = Field(
        "", description="idle time after which the engine's process ends, such as 90s, 10m or 2h"
    )

    @field_validator("unload_after")
    @classmethod
    def _readable_time(cls, told: str) -> str:
        _seconds(told)
        return told

    @property
    def isolated(self) -> bool:
        """Whether the engine has a process of its own, which it must have to be unloaded."""
        return self.isolate or bool(self.unload_after)

    @property
    def unload_after_s(self) -> float | None:
        """How long the engine may be idle; None: for ever."""
        return _seconds(self.unload_after)


def _seconds(told: str) -> float | None:
    """`90s`, `10m` or `1.5h` in seconds, None for nothing; ValueError for what is no such time."""
    if not told:
        return None
    found = _TIME.fullmatch(told.strip())
    seconds = float(found["number"]) * _UNITS_S[found["unit"]] if found else 0.0
    if not 1 <= seconds <= _LONGEST_S:
        raise ValueError(
            f"{told!r} is no time between 1s and 720h; write a number and its unit: 90s, 10m or 2h"
        )
    return seconds
