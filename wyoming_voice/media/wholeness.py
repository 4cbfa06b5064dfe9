"""Whether a file holds all that it says: decides when one counts as cut off.

Rule: only what a header declares of the audio itself is believed: no guess from a bit rate, no length of a
picture. A recorder that began to write before it knew the length has declared none.
"""

import struct
from typing import BinaryIO

import av

from wyoming_voice.errors import BadAudio

_MISSING_S, _MISSING_SHARE = 1.0, 0.05
"""Less than either is what encoders add and leave out, and what damage in the middle may cost."""

_BY_STREAM = {"aiff", "flac", "mov,mp4,m4a,3gp,3g2,mj2"}
_MATROSKA = "matroska,webm"

_STREAMED_BYTES = 0x7FFF0000
"""From here on a WAV's length is a placeholder: arecord, SoX, eSpeak, ffmpeg and OpenAI each have theirs."""

_MOST_CHUNKS = 100
_XING = (b"Xing", b"Info", b"VBRI")
_FIRST_FRAME_BYTES = 256


def check_whole(declared_s: float | None, heard_s: float) -> None:
    """Raises BadAudio where far less was there than the file declares; None declares nothing."""
    if declared_s is None:
        return
    missing_s = declared_s - heard_s
    if missing_s > _MISSING_S and missing_s > _MISSING_SHARE * declared_s:
        raise BadAudio(
            f"the file is cut off or damaged: it should hold {declared_s:.1f} s of audio, and {heard_s:.1f} s"
            " are there; send it again, or, where there is no more of it, what"
            " `ffmpeg -i FILE -ac 1 -ar 16000 out.wav` makes of it"
        ).about("file")


def declared_s(
    container: av.container.InputContainer, stream: av.AudioStream, file: BinaryIO
) -> float | None:
    """How long the audio should be by a header that can be taken at its word; None without one.

    Reads from `file`, and leaves it where it is.
    """
    place = file.tell()
    try:
        match container.format.name:
            case "wav":
                return _of_wav(file)
            case "mp3" if not _has_xing(file):
                return None
    finally:
        file.seek(place)
    if container.format.name == _MATROSKA:
        alone = len(container.streams) == 1 and container.duration is not None
        return container.duration / av.time_base if alone else None
    if container.format.name not in (*_BY_STREAM, "mp3") or stream.duration is None:
        return None
    return float(stream.duration * stream.time_base) if stream.time_base else None


def _of_wav(file: BinaryIO) -> float | None:
    """By its `data` chunk (RIFF: name, size, content, a byte to make the size even)."""
    file.seek(12)
    bytes_per_s = 0
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return None
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            known = 0 < size < _STREAMED_BYTES and bytes_per_s
            return size / bytes_per_s if known else None
        begin = file.tell()
        if name == b"fmt ":
            bytes_per_s = int.from_bytes(file.read(12)[8:], "little")
        file.seek(begin + size + size % 2)
    return None


def _has_xing(file: BinaryIO) -> bool:
    """Whether an MP3 begins with a frame that counts the others; else its length is a guess."""
    file.seek(0)
    head = file.read(10)
    begin = 0
    if head[:3] == b"ID3" and len(head) == 10:
        begin = 10 + sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(head[:5:-1]))
    file.seek(begin)
    first = file.read(_FIRST_FRAME_BYTES)
    return any(name in first for name in _XING)
