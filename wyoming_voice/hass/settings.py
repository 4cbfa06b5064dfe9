"""Where Home Assistant is, for a server that asks it something."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from wyoming_voice.config import Settings

SUPERVISOR = "http://supervisor/core"
"""Home Assistant as an add-on reaches it, with the Supervisor's own token
(https://developers.home-assistant.io/docs/apps/communication); its WebSocket has the usual path there."""


class HassSettings(Settings):
    """Home Assistant's address, and the token that it is asked with."""

    hass_url: str = Field(
        "", description="Home Assistant, such as http://homeassistant.local:8123 (default: none)"
    )
    hass_token_file: Path | None = Field(
        None, description="file with a long-lived access token of it"
    )

    @field_validator("hass_url")
    @classmethod
    def _http(cls, url: str) -> str:
        if url and not _is_address(url):
            raise ValueError("write http://HOST:PORT or https://HOST")
        if urlsplit(url).path.strip("/") and url.rstrip("/") != SUPERVISOR:
            raise ValueError("write only http://HOST:PORT, without a path")
        return url.rstrip("/")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an IPv6 address without its end
        return False
    plain = url.startswith(("http://", "https://")) and url.isprintable() and " " not in url
    return known and plain and not (parts.query or parts.fragment)
