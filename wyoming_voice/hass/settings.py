"""Where Home Assistant is, for a server that asks it something."""

from pathlib import Path

from pydantic import Field, field_validator

from wyoming_voice.config import Settings


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
        if url and (
            not url.startswith(("http://", "https://")) or not url.partition("://")[2].strip("/")
        ):
            raise ValueError("write http://HOST:PORT or https://HOST")
        return url.rstrip("/")
