"""What `wyoming-voice subtitles` can be told, beside what the recogniser can."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import CliPositionalArg

from wyoming_voice.asr.settings import EngineSettings
from wyoming_voice.core.captions import CaptionSettings

_USUAL = CaptionSettings()


class SubtitleSettings(EngineSettings):
    """Write the subtitles of films and recordings; what is not said here is as the ASR server has it."""

    section: ClassVar[str] = "subtitles"
    shortcuts: ClassVar[dict[str, str]] = {"output": "o"}

    log_level: str = Field("warning", description="debug, info, warning or error")
    paths: CliPositionalArg[list[Path]] = Field(
        ..., min_length=1, description="media files, and directories of them"
    )
    output: str = Field(
        "",
        description="file, or directory, to write to; - is standard output (default: beside the medium)",
    )
    format: Literal["srt", "vtt"] | None = Field(
        None, description="srt or vtt (default: by the name of --output, or srt)"
    )
    overwrite: bool = Field(False, description="replace subtitles that are there")
    translate: bool = Field(False, description="write in English what is said in other languages")
    words: bool = Field(False, description="mark when each word is said")
    max_line: int = Field(
        _USUAL.max_line_chars, ge=8, le=200, description="characters in a line at most"
    )
    max_lines: int = Field(_USUAL.max_lines, ge=1, le=8, description="lines shown at most")
    max_cps: float = Field(
        _USUAL.max_cps, gt=0, le=100, description="characters to be read in a second"
    )
    min_s: float = Field(_USUAL.min_s, gt=0, le=10, description="seconds that a cue is shown")
    max_s: float = Field(_USUAL.max_s, gt=0, le=60, description="seconds that it is shown at most")
    gap_s: float = Field(_USUAL.gap_s, ge=0, le=5, description="seconds between two cues")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.max_s <= self.min_s:
            raise ValueError(f"--max-s {self.max_s:g} must be more than --min-s {self.min_s:g}")
        return self

    @property
    def captions(self) -> CaptionSettings:
        """How the cues are to be."""
        return CaptionSettings(
            max_line_chars=self.max_line,
            max_lines=self.max_lines,
            max_cps=self.max_cps,
            min_s=self.min_s,
            max_s=self.max_s,
            gap_s=self.gap_s,
        )
