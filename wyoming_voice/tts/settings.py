"""What `wyoming-voice tts` can be told."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from wyoming_voice.config import Settings
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.settings import IsolationSettings, ServiceSettings, Uri


class EngineSettings(Settings):
    """Who speaks, and how."""

    engine: Literal["kokoro", "espeak"] = Field(
        "kokoro", description="kokoro, or the small embedded voices of espeak"
    )
    model: str = Field(
        "hexgrad/Kokoro-82M",
        description="Kokoro on the hub, or a directory with config.json, *.pth and voices/*.pt",
    )
    model_dir: Path | None = Field(
        None, description="directory of weights (default: the hub's cache)"
    )
    voice: str = Field(
        "",
        description="voice for clients that name none, or a blend such as af_bella(2)+af_sky(1)"
        " (default: af_heart; espeak: en-us)",
    )
    speed: float = Field(1.0, ge=0.5, le=2.0, description="how fast to speak; 1 is natural")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where Kokoro runs: auto, cpu or cuda"
    )
    cpu_threads: int = Field(
        0, ge=0, description="threads for Kokoro; 0: as many as prove fastest at the start"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="Kokoro's convolutions on a CPU: float32, bfloat16, or auto (bfloat16 where it proves "
        "faster and differs by less than 0.5 dB)",
    )


class TtsSettings(EngineSettings, IsolationSettings, ServiceSettings, HttpSettings):
    """Serve text to speech over Wyoming and, with --http, over HTTP."""

    section: ClassVar[str] = "tts"

    uri: Uri = "tcp://127.0.0.1:10200"
    cache_mb: int = Field(
        16, ge=0, description="memory for short sentences that Kokoro has spoken; 0: keep none"
    )
    max_text_chars: int = Field(100_000, ge=1, description="longest text of one request")
    chunk_ms: int = Field(100, ge=10, le=1000, description="longest audio chunk that is sent")
