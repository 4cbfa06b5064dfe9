"""What the gateway can be told: flags, `WYOMING_VOICE_GATEWAY_*`, `[gateway]` in the TOML file."""

from typing import ClassVar

from pydantic import Field, field_validator

from wyoming_voice.errors import ConfigError
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.settings import (
    AllowSettings,
    CallSettings,
    Endpoint,
    LongestSpeech,
    MetricsSettings,
    TraceSettings,
    VadSensitivity,
    VadThreshold,
)
from wyoming_voice.wire import Address, parse_uri

HERE = ("127.0.0.1", "::1")
"""Hosts that nobody but this machine reaches."""

_EVERYWHERE = ("0.0.0.0", "::")


class GatewaySettings(HttpSettings, AllowSettings, CallSettings, MetricsSettings, TraceSettings):
    """Serve conversations to web pages and other HTTP clients, from Wyoming servers that there are."""

    section: ClassVar[str] = "gateway"

    http: str = Field(
        "tcp://127.0.0.1:8000",
        description="where to listen for HTTP: tcp://HOST:PORT (port 0: any)",
    )
    asr_uri: list[str] = Field([], description="ASR servers, best first (default: discovered)")
    handle_uri: list[str] = Field([], description="handle servers (likewise)")
    tts_uri: list[str] = Field([], description="TTS servers (likewise)")
    voice: str = Field("", description="voice of answers (default: the TTS server's)")
    language: str = Field("", description="language of questions (default: the ASR server's)")

    vad_sensitivity: VadSensitivity = "default"
    endpoint: Endpoint = "dynamic"
    vad_threshold: VadThreshold = 0.5
    max_speech_s: LongestSpeech = Field(20, description="longest utterance in a conversation")
    answer_s: float = Field(
        30, gt=0, description="seconds without progress after which a turn fails"
    )

    max_talks: int = Field(16, ge=1, description="conversations at a time; one more is refused")
    max_question_s: float = Field(120, gt=0, description="longest recording that can be asked")
    max_text_chars: int = Field(5_000, ge=1, description="longest text that can be asked, or said")
    idle_timeout_s: float = Field(
        300, gt=0, description="seconds of silence after which a page is let go"
    )
    drain_s: float = Field(10, ge=0, description="seconds that requests get to end on SIGTERM")

    @field_validator("asr_uri", "handle_uri", "tts_uri")
    @classmethod
    def _readable_uris(cls, uris: list[str]) -> list[str]:
        for uri in uris:
            try:
                parse_uri(uri)
            except ConfigError as error:
                raise ValueError(str(error)) from error
        return uris

    @field_validator("http")
    @classmethod
    def _somewhere(cls, uri: str) -> str:
        if not uri:
            raise ValueError("a gateway serves nothing else; give tcp://HOST:PORT")
        return uri

    def page_url(self, address: Address) -> str:
        """What to open in a browser, on this machine where it listens here."""
        host = f"[{address.host}]" if ":" in address.host else address.host
        named = "localhost" if address.host in (*HERE, *_EVERYWHERE) else host
        return f"{'https' if self.tls_cert else 'http'}://{named}:{address.port}"
