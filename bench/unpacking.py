"""Speech out of what an HTTP door sends, as it arrives: bytes of a file in, the sounds in them out.

Rule: what can be heard is given out at once; a half sample or frame waits for its other half.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Protocol

import av
import numpy as np

from wyoming_voice.audio import to_pcm16
from wyoming_voice.client import Sound
from wyoming_voice.core.pcm import AudioFormat

_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")


class Unpacker(Protocol):
    """One file, piece by piece."""

    def push(self, data: bytes) -> Iterator[Sound]:
        """Take the next bytes."""


Unpacking = Callable[[], Unpacker]


class Samples:
    """Samples without a header, 16 bits, mono."""

    def __init__(self, rate_hz: int) -> None:
        self._source = AudioFormat(rate_hz, width_bytes=2, channels=1)
        self._rest = b""

    def push(self, data: bytes) -> Iterator[Sound]:
        """See Unpacker."""
        data = self._rest + data
        whole = len(data) - len(data) % self._source.frame_bytes
        self._rest = data[whole:]
        if whole:
            yield Sound(data[:whole], self._source)


class Wav:
    """A WAV file of 16-bit mono samples, whose length nobody needs to know yet."""

    def __init__(self) -> None:
        self._head = b""
        self._samples: Samples | None = None

    def push(self, data: bytes) -> Iterator[Sound]:
        """See Unpacker. Raises ValueError for what is no such file."""
        if self._samples is None:
            self._head += data
            found = _samples_of(self._head)
            if found is None:
                return
            self._samples, data = found
        yield from self._samples.push(data)


def _samples_of(head: bytes) -> tuple[Samples, bytes] | None:
    """What is in the `data` chunk so far; None before it has begun."""
    if len(head) < _RIFF.size:
        return None
    riff, _, wave = _RIFF.unpack_from(head)
    if (riff, wave) != (b"RIFF", b"WAVE"):
        raise ValueError(f"no WAV file: {head[:12]!r}")
    at, rate_hz = _RIFF.size, 0
    while len(head) >= at + _CHUNK.size:
        name, size = _CHUNK.unpack_from(head, at)
        at += _CHUNK.size
        if name == b"data":
            return Samples(rate_hz), head[at:]
        if name == b"fmt " and len(head) >= at + _FORMAT.size:
            _, channels, rate_hz, _, _, bits = _FORMAT.unpack_from(head, at)
            if (channels, bits) != (1, 16):
                raise ValueError(f"{channels} channels of {bits} bits; 1 of 16 is expected")
        at += size
    return None


class Mp3:
    """An MP3 stream."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("mp3float", "r")

    def push(self, data: bytes) -> Iterator[Sound]:
        """See Unpacker."""
        for packet in self._decoder.parse(data):
            for frame in self._decoder.decode(packet):
                assert isinstance(frame, av.AudioFrame)
                samples = np.asarray(frame.to_ndarray()[0], np.float32)
                yield Sound(to_pcm16(samples), AudioFormat(frame.sample_rate, 2, 1))
