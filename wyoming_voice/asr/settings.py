"""What `wyoming-voice asr` can be told."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from wyoming_voice.asr.whisper.audio_context import shortest_context_s
from wyoming_voice.config import Settings
from wyoming_voice.hass.settings import HassSettings
from wyoming_voice.http.settings import HttpSettings
from wyoming_voice.settings import IsolationSettings, ServiceSettings, Uri


class EngineSettings(Settings):
    """Which text some audio has: the recogniser, and what it is given to hear."""

    engine: Literal["whisper", "pocketsphinx"] = Field(
        "whisper", description="recogniser: whisper (faster-whisper) or pocketsphinx (embedded)"
    )
    model: list[str] = Field(
        ["base.en"],
        min_length=1,
        description="Whisper size, hub repository or directory; several are all loaded, the first "
        "that knows the language answers unless a client names one",
    )
    model_dir: Path | None = Field(
        None, description="where weights are and are fetched to (default: the hub's cache)"
    )
    language: str = Field(
        "auto", description="language when the client names none: a code such as en, or auto"
    )
    languages: list[str] = Field(
        [], description="the only languages that auto may find (default: all of the model's)"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where the model works: auto, cpu or cuda"
    )
    compute_type: str = Field(
        "auto", description="CTranslate2's number type: auto, int8, float16, float32, …"
    )
    beam_size: int = Field(1, ge=1, le=20, description="beams of the decoder; 1 is fastest")
    cpu_threads: int = Field(
        0, ge=0, le=256, description="threads of one decode (0: chosen by a measurement at load)"
    )
    workers: int = Field(
        0, ge=0, le=64, description="decodes at the same time (0: as many as the cores hold)"
    )
    batch: int = Field(
        0, ge=0, le=64, description="requests decoded as one (0: where the device gains; 1: none)"
    )
    audio_context: str = Field(
        "full",
        description="how much Whisper hears at once: full (30 s), auto (no more than the speech "
        "needs) or the fewest seconds",
    )
    initial_prompt: str = Field("", description="text in the style that transcripts should have")
    hotwords: list[str] = Field([], description="words to expect, such as names of devices")
    name_prompt: Literal["auto", "always", "never"] = Field(
        "auto",
        description="whether the model is told names before it listens: always, never, or auto (not "
        "one that they break)",
    )
    no_snapping: bool = Field(
        False,
        description="leave a name as it was heard, also where the recogniser was unsure of it",
    )
    vad_threshold: float = Field(
        0.3, gt=0, lt=1, description="probability from which on audio counts as speech"
    )
    no_vad_gate: bool = Field(False, description="decode also what doesn't sound like speech")

    @field_validator("audio_context", mode="before")
    @classmethod
    def _known_context(cls, told: object) -> str:
        shortest_context_s(str(told))  # TOML may hold the seconds as a number
        return str(told)


class AsrSettings(EngineSettings, IsolationSettings, ServiceSettings, HttpSettings, HassSettings):
    """Serve speech to text over Wyoming and, with --http, over HTTP."""

    section: ClassVar[str] = "asr"

    uri: Uri = "tcp://127.0.0.1:10300"
    partials: bool = Field(False, description="send stable text while the client still speaks")
    speculate_after_ms: int = Field(
        180,
        ge=0,
        description="silence after which an idle server decodes what was said so far (0: never; less "
        "than 160 counts as 160)",
    )
    endpointing: bool = Field(
        False, description="decide when an utterance has ended, and answer before audio-stop"
    )
    endpoint: Literal["fixed", "dynamic"] = Field(
        "dynamic",
        description="silence that ends an utterance: fixed (always the same) or dynamic (by its words)",
    )
    smart_turn: bool = Field(
        False,
        description="under --endpointing, have a model hear that, too: "
        "`pip install --no-deps pipecat-ai`",
    )
    max_speech_s: float = Field(20, gt=1, description="longest utterance under --endpointing")
    no_speech_s: float = Field(
        8, gt=0, description="seconds that nobody may speak under --endpointing"
    )
    max_audio_s: float = Field(
        600, gt=0, description="longest utterance; more is refused as too-large"
    )
    max_audio_mb: int = Field(
        512, ge=1, description="audio of all clients held in memory; more is refused as busy"
    )

    max_duration_s: float = Field(
        14_400, gt=0, description="longest file over HTTP; more is refused as too-large"
    )
