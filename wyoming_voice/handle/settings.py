"""What `wyoming-voice handle` can be told."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from wyoming_voice.hass.settings import HassSettings
from wyoming_voice.settings import ServiceSettings, Uri

NO_LLM = "none"

SYSTEM_PROMPT = (
    "You are a voice assistant. What you write is read aloud, so answer in one to three short sentences "
    "of plain spoken language: no markdown, no lists, no headings, no emoji, no links. "
    "Answer in the language of the question. The question comes from a speech recogniser and may hold "
    "misheard words; take the likeliest meaning. When you don't know something, say so."
)


class HandleSettings(ServiceSettings, HassSettings):
    """Serve answers of a language model to what was said."""

    section: ClassVar[str] = "handle"

    uri: Uri = "tcp://127.0.0.1:10500"
    llm_url: str = Field(
        "http://localhost:8080",
        description="llama-swap or another OpenAI-compatible server, with or without /v1; none: no model",
    )
    llm_model: str = Field("", description="model to ask; without a name the first that is listed")
    system_prompt: str = Field(SYSTEM_PROMPT, description="what the model is told first")
    system_prompt_file: Path | None = Field(None, description="file with the system prompt")
    satellite_prompt_dir: Path | None = Field(
        None,
        description="directory of system prompts: NAME.txt for a satellite (its entity id), a device "
        "(its id) or a room (its name)",
    )
    api_key: SecretStr = Field(
        SecretStr(""), description="key that the language model server asks for"
    )
    api_key_file: Path | None = Field(None, description="file with that key")
    temperature: float | None = Field(
        None, ge=0, le=2, description="sampling temperature; without it the server's"
    )
    max_tokens: int = Field(
        0, ge=0, description="longest answer in tokens, thoughts included; 0: the server's"
    )
    llm_timeout_s: float = Field(120, gt=0, description="seconds that a whole answer may take")
    first_token_timeout_s: float = Field(
        60, gt=0, description="seconds until the model's first word, and between two"
    )
    loading_notice_after_s: float = Field(
        3, ge=0, description="seconds of waiting for a model after which the listener is told"
    )
    loading_notice: str | None = Field(
        None,
        description="what the listener is told (default: one moment, in their language); empty: nothing",
    )
    history_s: float = Field(
        600, ge=300, description="seconds that a silent conversation is remembered, 300 or more"
    )
    history_turns: int = Field(20, ge=2, description="questions that a conversation remembers")
    history_tokens: int = Field(3000, ge=200, description="about how many tokens of it")
    history_conversations: int = Field(64, ge=1, description="conversations that are remembered")
    mcp_server: list[str] = Field(
        [],
        description="MCP servers whose tools the model may use: http://HOST:PORT/PATH, or "
        "home-assistant for the one of --hass-url",
    )
    mcp_token_file: list[str] = Field(
        [],
        description="files with the bearer tokens of the servers that are named by address, one for each in "
        "their order; none where one needs none",
    )
    tools_allow: list[str] = Field(
        [], description="the only tools that may be used, by name, * for any letters (default: all)"
    )
    tools_deny: list[str] = Field([], description="tools that may not be used, likewise")
    tool_rounds: int = Field(
        6, ge=1, le=50, description="how often the model may ask for tools in one answer"
    )
    tool_timeout_s: float = Field(20, gt=0, description="seconds that one tool may take")
    tool_notice_after_s: float = Field(
        2, ge=0, description="seconds of waiting for tools after which the listener is told"
    )
    tool_notice: str | None = Field(
        None,
        description="what the listener is told then (default: likewise); empty: nothing",
    )
    fast_intents: bool = Field(
        False,
        description="simple commands act without the model: those that Home Assistant's matcher knows "
        "(--hass-url), else a satellite's own timers and volume",
    )
    answer_intents: bool = Field(
        False,
        description="answer Home Assistant with its own intents, which it carries out: home control "
        "without a token",
    )
    max_text_chars: int = Field(4000, ge=1, description="longest question in characters")

    @property
    def needs_model(self) -> str:
        """The option that is of no use without a language model, "" where there is none."""
        if self.mcp_server:
            return "--mcp-server"
        return "--answer-intents" if self.answer_intents else ""

    @field_validator("llm_url")
    @classmethod
    def _http_or_none(cls, url: str) -> str:
        if url.lower() == NO_LLM:
            return NO_LLM
        if not url.startswith(("http://", "https://")) or not url.partition("://")[2].strip("/"):
            raise ValueError("write http://HOST:PORT, https://HOST, or none")
        return url
