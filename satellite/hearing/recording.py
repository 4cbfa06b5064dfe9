"""Keeps what was heard on disk, raw and cleaned side by side, for whoever looks for a fault in it.

A ring of WAV files of a minute each. Rule: whoever finds them can play them at any time, only their owner can
read them, and a disk that is full ends the recording and nothing else.
"""

import contextlib
import errno
import logging
import os
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from satellite.parts import Status
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import ConfigError

_log = logging.getLogger(__name__)

KINDS = ("raw", "clean")
SEGMENT_S = 60
WRITE_S = 1
GAP_S = 2.0
"""What comes later than this after the last piece begins a new file, so that names tell when it was heard."""


def _now_s() -> float:
    return time.time()


class Recording:
    """16 kHz, 16-bit mono PCM in, as `chain.Record` has it; `add` is called from one thread.

    Raises ConfigError for a directory that can't be made, or not be written to.
    """

    def __init__(
        self,
        directory: Path,
        minutes: float,
        tell: Callable[[str], None] = lambda sentence: None,
        now_s: Callable[[], float] = _now_s,
    ) -> None:
        self._directory = directory
        self._kept_segments = max(1, round(minutes * 60 / SEGMENT_S))
        self._tell = tell
        self._now_s = now_s
        self._segment: _Segment | None = None
        self._added_s = 0.0
        self._trouble = ""
        try:
            self._make_directory()
        except OSError as error:
            raise ConfigError(
                f"--record-dir {str(directory)!r} can't be used: {error.strerror or error}; "
                "name a directory of your own, or one that can be made"
            ) from error

    def add(self, raw: bytes, cleaned: bytes) -> None:
        """Keep a piece as it came, and the same piece cleaned."""
        if self._trouble:
            return
        try:
            self._add(raw, cleaned)
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Write what is left, once nothing is added any more."""
        try:
            self._end_segment()
        except OSError as error:
            self._fail(error)

    def status(self) -> Status:
        """Where it is kept, and what keeps it from being so."""
        return {"directory": str(self._directory), "trouble": self._trouble}

    def _add(self, raw: bytes, cleaned: bytes) -> None:
        now_s = self._now_s()
        gap, self._added_s = abs(now_s - self._added_s) > GAP_S, now_s
        if self._segment is not None and (gap or self._segment.full):
            self._end_segment()
        if self._segment is None:
            self._segment = self._begun(now_s)
        self._segment.add(raw, cleaned)

    def _begun(self, now_s: float) -> "_Segment":
        self._make_directory()  # somebody may have removed it
        self._remove_oldest()
        began = datetime.fromtimestamp(now_s, UTC).strftime("heard-%Y%m%dT%H%M%S.%fZ")
        return _Segment(self._directory, began)

    def _make_directory(self) -> None:
        if not self._directory.exists():
            self._directory.mkdir(mode=0o700, parents=True)
            self._directory.chmod(0o700)  # whatever the umask
        if not self._directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(self._directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def _fail(self, error: OSError) -> None:
        self._trouble = (
            f"recording to {self._directory} has ended: {error.strerror or error}; "
            "make room or name another directory, and start again"
        )
        _log.error("%s", self._trouble)
        self._tell(self._trouble)
        self._abandon()

    def _remove_oldest(self) -> None:
        for kind in KINDS:
            files = sorted(self._directory.glob(f"heard-*-{kind}.wav"))
            for file in files[: max(0, len(files) - self._kept_segments)]:
                file.unlink(missing_ok=True)

    def _abandon(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.abandon()


class _Segment:
    """A file of each kind; written once a second, header included, so that both can always be read."""

    def __init__(self, directory: Path, began: str) -> None:
        self._files = [_Wav(directory / f"{began}-{kind}.wav") for kind in KINDS]

    @property
    def full(self) -> bool:
        """Whether it lasts for a minute."""
        return self._files[0].duration_s >= SEGMENT_S

    def add(self, *pieces: bytes) -> None:
        """A piece for each kind."""
        for file, pcm in zip(self._files, pieces, strict=True):
            file.add(pcm)

    def close(self) -> None:
        """Write what is left."""
        for file in self._files:
            file.close()

    def abandon(self) -> None:
        """Let go of the files as they are."""
        for file in self._files:
            file.abandon()


class _Wav:
    """A WAV file that grows, with a header that is never ahead of the data."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "xb", buffering=0, opener=_owners_only)  # noqa: SIM115
        self._size_bytes = 0
        self._waiting = bytearray()
        self._file.write(_header(0))

    @property
    def duration_s(self) -> float:
        """How long it is, with what is not written yet."""
        return SPEECH.ms(self._size_bytes + len(self._waiting)) / 1000

    def add(self, pcm: bytes) -> None:
        """Take a piece; written once there is a second of it."""
        self._waiting += pcm
        if len(self._waiting) >= SPEECH.size_bytes(1000 * WRITE_S):
            self._write()

    def close(self) -> None:
        """Write what is left."""
        try:
            self._write()
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Write nothing any more."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _write(self) -> None:
        written = self._file.write(self._waiting)
        if written != len(self._waiting):  # what a disk does just before it is full
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._waiting.clear()
        self._size_bytes += written
        self._file.seek(0)
        self._file.write(_header(self._size_bytes))
        self._file.seek(0, os.SEEK_END)


def _owners_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _header(data_bytes: int) -> bytes:
    """The head of a PCM WAV file (RIFF, Microsoft 1991: chunks "fmt " of 16 bytes and "data")."""
    rate_hz, width_bytes, channels = SPEECH.rate_hz, SPEECH.width_bytes, SPEECH.channels
    layout = struct.pack(
        "<HHIIHH",
        1,
        channels,
        rate_hz,
        rate_hz * SPEECH.frame_bytes,
        SPEECH.frame_bytes,
        8 * width_bytes,
    )
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", len(layout))
    return head + layout + struct.pack("<4sI", b"data", data_bytes)
