"""16-bit mono PCM as a file of a kind that was asked for, as a stream: decides containers and bit rates.

Rule: bytes leave as soon as their format allows, and nothing is mended afterwards, so nothing here needs
to know how long the audio will be. The same audio gives the same bytes however it is cut: it is encoded
in steps of 20 ms.

MP3, Opus and AAC are made at 48 kHz: each is at home there, and the delay that MP3 and AAC add to a stream
(an encoder's look-ahead and the last, half empty frame) is below 50 ms; at 24 kHz it would be twice that.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self
from weakref import finalize

import av
import numpy as np

from wyoming_voice.audio import MonoResampler, to_pcm16
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import UnknownChoice

ENCODINGS: Mapping[str, str] = MappingProxyType(
    {
        "wav": "audio/wav",
        "pcm": "audio/pcm",
        "mp3": "audio/mpeg",
        "opus": "audio/ogg",
        "flac": "audio/flac",
        "aac": "audio/aac",
    }
)
"""The kinds that can be asked for, and the media type of each."""

_STEP_S = 0.02
_UNKNOWN_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class _Recipe:
    """How libav makes one kind of file; `rate_hz` None: the rate as it comes."""

    container: str
    codec: str
    sample_format: str
    rate_hz: int | None = 48_000
    bits_per_s: int | None = None
    codec_options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)


_RECIPES = {
    # The Xing frame would hold the length, which nobody knows yet: zero there is worse than no frame.
    "mp3": _Recipe(
        *("mp3", "libmp3lame", "s16p"),
        bits_per_s=96_000,
        container_options={"write_xing": "0", "id3v2_version": "0"},
    ),
    # A page every 60 ms: by default it is a second, and the first word late. Bitexact: no random serial.
    "opus": _Recipe(
        *("ogg", "libopus", "s16"),
        bits_per_s=48_000,
        codec_options={"application": "audio", "frame_duration": "20"},
        container_options={"page_duration": "60000", "fflags": "+bitexact"},
    ),
    "flac": _Recipe(
        *("flac", "flac", "s16", None), container_options={"metadata_header_padding": "0"}
    ),
    "aac": _Recipe(*("adts", "aac", "fltp"), bits_per_s=96_000),
}


_AS_IT_COMES = ("pcm", "wav")


class Encoder:
    """Mono PCM at `rate_hz` in, the bytes of a file of `kind` out.

    `kind` is one of ENCODINGS: wav (of unknown length: sizes 0xFFFFFFFF, as OpenAI streams it), pcm (as it
    came, without a header), mp3, opus (in Ogg), flac, aac (ADTS). UnknownChoice names the others.

    Measured on a busy machine of two cores: 100 ms of audio take 2 ms (MP3), 1 ms (Opus, AAC), 0.2 ms (FLAC).
    """

    def __init__(self, kind: str, rate_hz: int) -> None:
        if kind not in ENCODINGS:
            raise UnknownChoice("format", kind, ENCODINGS)
        self.media_type = ENCODINGS[kind]
        """What the `Content-Type` of the answer says: `audio/mpeg`."""
        self._step_bytes = 2 * round(_STEP_S * rate_hz)
        self._rest = b""
        self.rate_hz = rate_hz if kind in _AS_IT_COMES else _RECIPES[kind].rate_hz or rate_hz
        """The rate of what comes out."""
        self._steps = _plain(kind, rate_hz) or _Libav(_RECIPES[kind], rate_hz)

    def push(self, pcm: bytes) -> bytes:
        """16-bit little-endian mono PCM in, cut anywhere; what can be sent of the file by now."""
        data = self._rest + pcm
        whole = len(data) - len(data) % self._step_bytes
        self._rest = data[whole:]
        steps = range(0, whole, self._step_bytes)
        return b"".join(self._steps.push(data[at : at + self._step_bytes]) for at in steps)

    def finish(self) -> bytes:
        """The file's end; with nothing pushed a file without audio. Push nothing afterwards."""
        last, self._rest = self._rest[: len(self._rest) // 2 * 2], b""
        return self._steps.push(last) + self._steps.finish()

    def close(self) -> None:
        """Free what libav holds, where `finish` is not reached; else that goes with this object."""
        self._steps.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Plain:
    """The PCM itself, behind a header."""

    def __init__(self, header: bytes) -> None:
        self._header = header

    def push(self, pcm: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + pcm

    def finish(self) -> bytes:
        return b""

    def close(self) -> None:
        """Nothing is held."""


def _plain(kind: str, rate_hz: int) -> _Plain | None:
    match kind:
        case "pcm":
            return _Plain(b"")
        case "wav":
            return _Plain(_wav_header(rate_hz))
        case _:
            return None


def _wav_header(rate_hz: int) -> bytes:
    """16-bit mono of unknown length; libav, browsers and Python's `wave` read it to the end of the file."""
    format_chunk = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    riff = struct.pack("<4sI4s", b"RIFF", _UNKNOWN_LENGTH, b"WAVE")
    return riff + format_chunk + struct.pack("<4sI", b"data", _UNKNOWN_LENGTH)


class _Bytes:
    """What libav writes into; it can't seek, so nothing is mended afterwards."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def taken(self) -> bytes:
        data = bytes(self._written)
        self._written.clear()
        return data


class _Libav:
    """PCM through one of libav's encoders into one of its containers."""

    def __init__(self, recipe: _Recipe, rate_hz: int) -> None:
        self._rate_hz = recipe.rate_hz or rate_hz
        self._resampler = MonoResampler(AudioFormat(rate_hz, 2, 1), self._rate_hz)
        self._bytes = _Bytes()
        self._container = av.open(
            self._bytes,
            "w",
            format=recipe.container,
            container_options=dict(recipe.container_options),
        )
        self._stream = self._container.add_stream(
            recipe.codec, rate=self._rate_hz, options=dict(recipe.codec_options)
        )
        context = self._stream.codec_context
        context.layout = "mono"
        context.format = recipe.sample_format
        if recipe.bits_per_s:
            context.bit_rate = recipe.bits_per_s
        self._container.start_encoding()
        # PyAV frees an encoder that was begun only with its container: 240 KB for one of FLAC.
        self._closing = finalize(self, self._container.close)
        self._encoded_samples = 0

    def push(self, pcm: bytes) -> bytes:
        self._encode(to_pcm16(self._resampler.push(pcm)))
        return self._bytes.taken()

    def finish(self) -> bytes:
        self._encode(to_pcm16(self._resampler.finish()))
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self.close()
        return self._bytes.taken()

    def close(self) -> None:
        self._closing()

    def _encode(self, pcm: bytes) -> None:
        if not pcm:
            return
        samples = np.frombuffer(pcm, "<i2")
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], "s16", "mono")
        frame.sample_rate = self._rate_hz
        frame.pts = self._encoded_samples
        self._encoded_samples += len(samples)
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
