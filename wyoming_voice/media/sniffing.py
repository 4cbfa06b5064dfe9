"""What a file that can't be decoded is, by its first bytes: for the message, never to choose a decoder.

Rule: a kind of file is named, never anything that stands in it.
"""

from dataclasses import dataclass

SNIFFED_BYTES = 512
"""How much of a file's beginning `kind_of` wants to see."""


@dataclass(frozen=True)
class FileKind:
    """A kind of file in words, with its article (`a ZIP archive`), and whether there may be audio in it."""

    name: str
    audio: bool = False


_EMPTY = FileKind("empty")
_TEXT = FileKind("a text file")
_UNKNOWN = FileKind("of a kind that isn't known here", audio=True)
_ZIP = FileKind("a ZIP archive")
_PLAYLIST = FileKind("a playlist, which only names other files")
_MP4 = FileKind("an MP4 or M4A file", audio=True)

_MAGIC = (
    (0, b"PK\x03\x04", _ZIP),
    (0, b"PK\x05\x06", _ZIP),
    (0, b"\x1f\x8b", FileKind("a gzip archive")),
    (0, b"7z\xbc\xaf\x27\x1c", FileKind("a 7z archive")),
    (0, b"Rar!", FileKind("a RAR archive")),
    (257, b"ustar", FileKind("a tar archive")),
    (0, b"%PDF", FileKind("a PDF document")),
    (0, b"\x89PNG", FileKind("a PNG picture")),
    (0, b"\xff\xd8\xff", FileKind("a JPEG picture")),
    (0, b"GIF8", FileKind("a GIF picture")),
    (8, b"WEBP", FileKind("a WebP picture")),
    (0, b"\x7fELF", FileKind("a program")),
    (0, b"#EXTM3U", _PLAYLIST),
    (0, b"[playlist]", _PLAYLIST),
    (0, b"ffconcat", _PLAYLIST),
    (0, b"MThd", FileKind("a MIDI file, which holds notes and no sound")),
    (8, b"WAVE", FileKind("a WAV file", audio=True)),
    (4, b"ftyp", _MP4),
    (4, b"moov", _MP4),
    (4, b"mdat", _MP4),
    (0, b"\x1a\x45\xdf\xa3", FileKind("a Matroska or WebM file", audio=True)),
    (0, b"OggS", FileKind("an Ogg file", audio=True)),
    (0, b"fLaC", FileKind("a FLAC file", audio=True)),
    (0, b"ID3", FileKind("an MP3 file", audio=True)),
)

_MARKUP = (
    (b"<svg", FileKind("an SVG picture")),
    (b"<mpd", _PLAYLIST),
    (b"<html", FileKind("a web page")),
    (b"<!doctype html", FileKind("a web page")),
    (b"<?xml", FileKind("an XML document")),
)


def kind_of(beginning: bytes) -> FileKind:
    """What the first SNIFFED_BYTES of a file, or all of a shorter one, look like."""
    if not beginning:
        return _EMPTY
    for offset, magic, kind in _MAGIC:
        if beginning[offset : offset + len(magic)] == magic:
            return kind
    if not _is_text(beginning):
        return _UNKNOWN
    lowered = beginning.lower()
    return next((kind for magic, kind in _MARKUP if magic in lowered), _TEXT)


def _is_text(beginning: bytes) -> bool:
    if any(byte < 9 or 13 < byte < 27 for byte in beginning):
        return False
    whole = beginning[:-3] if len(beginning) == SNIFFED_BYTES else beginning
    try:
        whole.decode()  # but the last character, which may be cut
    except UnicodeDecodeError:
        return False
    return True
