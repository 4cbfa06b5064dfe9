"""What `wyoming-voice say` can be told, beside what the TTS server's engine can."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field
from pydantic_settings import CliPositionalArg

from wyoming_voice.tts.settings import EngineSettings

AudioKind = Literal["wav", "mp3", "opus", "flac", "aac", "pcm"]


class SaySettings(EngineSettings):
    """Speak a text into a file; what is not said here is as the TTS server has it."""

    section: ClassVar[str] = "say"
    shortcuts: ClassVar[dict[str, str]] = {"output": "o"}

    log_level: str = Field("warning", description="debug, info, warning or error")
    text: CliPositionalArg[str] = Field("", description="what to say; - is standard input")
    file: Path | None = Field(
        None, description="text file to speak, or a directory whose .txt and .md files are spoken"
    )
    output: str = Field(
        "", description="audio file to write, or a directory for those of one; - is standard output"
    )
    format: AudioKind | None = Field(
        None,
        description="wav, mp3, opus, flac, aac or pcm (default: by the name of --output, or wav)",
    )
    srt: Path | None = Field(
        None, description="SRT file of what is said, or a directory for those of one"
    )
    vtt: Path | None = Field(
        None, description="WebVTT file of what is said, or a directory for those of one"
    )
    words: bool = Field(False, description="mark in the subtitles when each word is said")
    overwrite: bool = Field(False, description="replace files that are there")
