"""What every HTTP door can be told.

Rule: without keys a door is for this machine alone, unless somebody says that he knows better.
"""

import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from wyoming_voice.errors import ConfigError
from wyoming_voice.listening import is_loopback
from wyoming_voice.settings import TlsSettings
from wyoming_voice.wire import parse_uri

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?/?", re.IGNORECASE)


class HttpSettings(TlsSettings):
    """Settings of an HTTP door; `http` says whether there is one."""

    http: str = Field("", description="where to listen for HTTP: tcp://HOST:PORT (port 0: any)")
    api_key_file: Path | None = Field(
        None, description="file with the keys that HTTP clients need, one a line"
    )
    insecure: bool = Field(False, description="serve HTTP without keys beyond this machine, too")
    origin: list[str] = Field(
        [], description="web pages that may call, such as https://home.example (default: our own)"
    )
    max_upload_mb: int = Field(
        1024,
        ge=1,
        description="largest HTTP request; all large ones together may be four times that",
    )
    max_http_requests: int = Field(
        64, ge=1, description="HTTP requests and WebSockets at a time; one more is refused as busy"
    )
    http_timeout_s: float = Field(
        30, gt=0, description="seconds that an HTTP client may be silent, or leave an answer unread"
    )

    @field_validator("http")
    @classmethod
    def _readable_http(cls, uri: str) -> str:
        if not uri:
            return uri
        try:
            address = parse_uri(uri)
        except ConfigError as error:
            raise ValueError(f"bad address {uri!r}; write tcp://HOST:PORT") from error
        if address.path or address.tls:
            raise ValueError("HTTP clients need tcp://HOST:PORT")
        return uri

    @field_validator("origin")
    @classmethod
    def _named(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write https://HOST or http://HOST:PORT")
        return origins

    @model_validator(mode="after")
    def _guarded(self) -> "HttpSettings":
        if not self.http or self.api_key_file or self.insecure:
            return self
        if not is_loopback(parse_uri(self.http).host):
            raise ValueError(
                f"--http {self.http} can be reached by other machines; give --api-key-file,"
                " listen on 127.0.0.1, or say --insecure"
            )
        return self
