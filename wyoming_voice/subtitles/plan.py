"""Which media there are, and where their subtitles go.

Rule: all that can be known to be wrong is told before any work, in one go; nothing is overwritten by chance.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wyoming_voice.errors import ConfigError
from wyoming_voice.subtitle_files import SubtitleKind

STANDARD_OUTPUT = "-"

_MEDIA = """
    .3g2 .3gp .aac .ac3 .aif .aiff .amr .ape .asf .au .avi .caf .dts .eac3 .f4v .flac .flv
    .m2ts .m4a .m4b .m4v .mka .mkv .mov .mp2 .mp3 .mp4 .mpeg .mpg .mts .mxf .oga .ogg .ogm
    .ogv .opus .ra .rm .rmvb .spx .tak .ts .tta .vob .w64 .wav .webm .wma .wmv .wv
"""
_SUFFIXES = frozenset(_MEDIA.split())
"""What is taken for a medium within a directory; a file that is named is one, whatever it is called."""

_MOST_TOLD = 20


@dataclass(frozen=True)
class Wanted:
    """What was asked for; see SubtitleSettings."""

    paths: Sequence[Path]
    output: str
    kind: SubtitleKind | None
    overwrite: bool


@dataclass(frozen=True)
class Film:
    """A medium, and the file for its subtitles; None: standard output."""

    medium: Path
    output: Path | None
    kind: SubtitleKind


def planned(wanted: Wanted) -> list[Film]:
    """What is to be done, in order; raises ConfigError with a line for each mistake."""
    mistakes = [f"{path}: there is no such file" for path in wanted.paths if not path.exists()]
    kind = wanted.kind or _kind_of(wanted.output) or "srt"
    if wanted.kind and _kind_of(wanted.output) not in (None, wanted.kind):
        mistakes.append(
            f"--format {wanted.kind} and --output {wanted.output!r} contradict each other"
        )
    _fail(mistakes)
    media = list(_media(wanted.paths))
    if not media:
        raise ConfigError(
            "no media in " + ", ".join(map(str, wanted.paths)) + "; name the files themselves"
        )
    films = [Film(medium, _output(wanted, medium, below, kind), kind) for medium, below in media]
    _fail([*_shared(films), *_there(films, wanted.overwrite)])
    return films


def _fail(mistakes: Sequence[str]) -> None:
    if mistakes:
        more = len(mistakes) - _MOST_TOLD
        told = [*mistakes[:_MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
        raise ConfigError("\n".join(told))


def _kind_of(output: str) -> SubtitleKind | None:
    match Path(output).suffix.lower():
        case ".srt":
            return "srt"
        case ".vtt":
            return "vtt"
    return None


def _media(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Each medium once, and where it lies within the directory that was named."""
    seen: set[Path] = set()
    for path in paths:
        for medium in _within(path) if path.is_dir() else [path]:
            if medium.resolve() in seen:
                continue
            seen.add(medium.resolve())
            yield medium, medium.parent.relative_to(path) if path.is_dir() else Path()


def _within(directory: Path) -> list[Path]:
    def wanted(path: Path) -> bool:
        hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
        return path.suffix.lower() in _SUFFIXES and not hidden and path.is_file()

    return sorted(path for path in directory.rglob("*") if wanted(path))


def _output(wanted: Wanted, medium: Path, below: Path, kind: SubtitleKind) -> Path | None:
    if wanted.output == STANDARD_OUTPUT:
        return None
    if not wanted.output:
        return medium.with_suffix(f".{kind}")
    output = Path(wanted.output)
    one = len(wanted.paths) == 1 and not wanted.paths[0].is_dir()
    if one and not output.is_dir() and not wanted.output.endswith("/"):
        return output
    return output / below / f"{medium.stem}.{kind}"


def _shared(films: Sequence[Film]) -> Iterator[str]:
    """A file that would hold the subtitles of several media."""
    by_output: dict[Path | None, list[Path]] = defaultdict(list)
    for film in films:
        by_output[film.output].append(film.medium)
    for output, media in by_output.items():
        if len(media) > 1:
            names, one = ", ".join(map(str, media)), output or "standard output"
            yield f"{one} can't hold the subtitles of all of {names}; do one at a time"


def _there(films: Sequence[Film], overwrite: bool) -> Iterator[str]:
    for film in films:
        if film.output is None:
            continue
        if film.output.is_dir():
            yield f"{film.output} is a directory; name a file"
        elif film.output == film.medium:
            yield f"{film.output} is the medium itself; name another --output"
        elif film.output.exists() and not overwrite:
            yield f"{film.output} is there already; --overwrite replaces it"
