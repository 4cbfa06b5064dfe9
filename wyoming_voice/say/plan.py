"""Which texts there are, and where their audio and subtitles go.

Rule: all that can be known to be wrong is told before any work, in one go; nothing is overwritten by chance.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming_voice.errors import ConfigError
from wyoming_voice.say.settings import SaySettings
from wyoming_voice.subtitle_files import SubtitleKind

STANDARD = "-"
_TEXTS = (".txt", ".md")
_KINDS = {
    ".wav": "wav",
    ".mp3": "mp3",
    ".opus": "opus",
    ".ogg": "opus",
    ".flac": "flac",
    ".aac": "aac",
    ".pcm": "pcm",
    ".raw": "pcm",
}


@dataclass(frozen=True)
class Recital:
    """One text and what is made of it; `text` None: standard input, `audio` None: standard output."""

    text: str | Path | None
    audio: Path | None
    kind: str
    subtitles: tuple[tuple[SubtitleKind, Path], ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is written."""
        return (*([self.audio] if self.audio else []), *(path for _, path in self.subtitles))


def planned(settings: SaySettings) -> list[Recital]:
    """What is to be done, in order; raises ConfigError with a line for each mistake."""
    _check(settings)
    if settings.file is not None and settings.file.is_dir():
        readings = list(_of_directory(settings, settings.file))
        if not readings:
            raise ConfigError(f"no .txt and no .md file in {settings.file}")
    else:
        readings = [_of_one(settings)]
    if mistakes := [*_taken(readings), *_there(readings, settings.overwrite)]:
        raise ConfigError("\n".join(mistakes))
    return readings


def _check(settings: SaySettings) -> None:
    if bool(settings.text) == (settings.file is not None):
        raise ConfigError(
            "say what: `wyoming-voice say 'a text' -o speech.wav`, --file book.txt, or - for standard input"
        )
    if settings.output == STANDARD and sys.stdout.isatty():
        raise ConfigError(
            "a terminal can't play audio; send it to a player, or name a file: -o speech.wav"
        )
    if settings.file is not None and not settings.file.exists():
        raise ConfigError(f"--file: there is no {settings.file}")
    if not settings.output:
        raise ConfigError(
            "--output is missing: name a file, such as -o speech.wav, or - for standard output"
        )


def _of_one(settings: SaySettings) -> Recital:
    text = settings.file or (None if settings.text == STANDARD else settings.text)
    audio = None if settings.output == STANDARD else Path(settings.output)
    kind = settings.format or (_kind_of(audio) if audio else "wav")
    return Recital(text, audio, kind, _subtitles(settings, None))


def _kind_of(audio: Path) -> str:
    kind = _KINDS.get(audio.suffix.lower())
    if kind is None:
        known = ", ".join(_KINDS)
        raise ConfigError(f"--output {audio} ends in none of {known}; or say --format")
    return kind


def _of_directory(settings: SaySettings, directory: Path) -> Iterator[Recital]:
    if settings.output == STANDARD:
        raise ConfigError(f"--file {directory} is a directory: --output must be one, too")
    kind = settings.format or "wav"
    for text in sorted(directory.rglob("*")):
        below = text.relative_to(directory)
        hidden = any(part.startswith(".") for part in below.parts)
        if text.suffix.lower() not in _TEXTS or hidden or not text.is_file():
            continue
        audio = Path(settings.output) / below.with_suffix(f".{kind}")
        yield Recital(text, audio, kind, _subtitles(settings, below))


def _subtitles(settings: SaySettings, below: Path | None) -> tuple[tuple[SubtitleKind, Path], ...]:
    wanted: list[tuple[SubtitleKind, Path]] = []
    if settings.srt is not None:
        wanted.append(("srt", settings.srt))
    if settings.vtt is not None:
        wanted.append(("vtt", settings.vtt))
    if below is None:
        return tuple(wanted)
    return tuple((kind, path / below.with_suffix(f".{kind}")) for kind, path in wanted)


def _taken(readings: Sequence[Recital]) -> Iterator[str]:
    counts = Counter(path for reading in readings for path in reading.files)
    for path, count in counts.items():
        if count > 1:
            yield f"{path} can't hold the speech of {count} texts; rename one, or do one at a time"


def _there(readings: Sequence[Recital], overwrite: bool) -> Iterator[str]:
    for reading in readings:
        for path in reading.files:
            if path == reading.text:
                yield f"{path} is the text itself; name another file"
            elif path.is_dir():
                yield f"{path} is a directory; name a file"
            elif path.exists() and not overwrite:
                yield f"{path} is there already; --overwrite replaces it"
