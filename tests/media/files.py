"""Media files as bytes: a tone in any container, and files that are broken in one way each."""

import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from io import BytesIO

import av
import numpy as np
import numpy.typing as npt
from av.stream import Disposition

TONE_HZ = 440
LEVEL = 0.25
UNKNOWN_LENGTH = 0xFFFFFFFF


def tone(seconds: float, rate_hz: int = 16_000) -> npt.NDArray[np.float32]:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (LEVEL * np.sin(2 * np.pi * TONE_HZ * times)).astype(np.float32)


def pcm16(samples: npt.NDArray[np.float32]) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


def wav(
    data: bytes,
    rate_hz: int = 16_000,
    *,
    bits: int = 16,
    channels: int = 1,
    code: int = 1,
    declared_bytes: int | None = None,
) -> bytes:
    """`code`: 1 for integers, 3 for floats."""
    size = len(data) if declared_bytes is None else declared_bytes
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * frame, frame, bits)
    riff = struct.pack("<4sI4s", b"RIFF", min(36 + size, UNKNOWN_LENGTH), b"WAVE")
    return (
        riff + struct.pack("<4sI", b"fmt ", 16) + head + struct.pack("<4sI", b"data", size) + data
    )


def wav_of_width(bits: int, code: int = 1) -> bytes:
    samples = tone(1.5)
    match bits, code:
        case 8, _:
            data = np.round(samples * 127 + 128).astype(np.uint8).tobytes()
        case 16, _:
            data = pcm16(samples)
        case 24, _:
            whole = (samples.astype(np.float64) * (2**31 - 1)).astype("<i4")
            data = whole.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
        case 32, 1:
            data = (samples.astype(np.float64) * (2**31 - 1)).astype("<i4").tobytes()
        case _:
            data = samples.astype(f"<f{bits // 8}").tobytes()
    return wav(data, bits=bits, code=code)


@cache
def made(
    container: str,
    codec: str,
    *,
    seconds: float = 2.0,
    rate_hz: int = 48_000,
    layout: str = "mono",
    options: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """A tone in a container of its own, by libav."""
    file = BytesIO()
    with av.open(file, "w", format=container, container_options=dict(options)) as output:
        stream = output.add_stream(codec, rate=rate_hz)
        stream.codec_context.layout = layout
        for frame in frames(tone(seconds, rate_hz), rate_hz, layout):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def frames(
    samples: npt.NDArray[np.float32], rate_hz: int, layout: str = "mono", first_s: float = 0.0
) -> Iterator[av.AudioFrame]:
    channels = av.AudioLayout(layout).nb_channels
    for begin in range(0, len(samples), rate_hz // 10):
        piece = samples[begin : begin + rate_hz // 10]
        interleaved = np.repeat(piece, channels)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(interleaved, "flt", layout)
        frame.sample_rate = rate_hz
        frame.pts = begin + round(first_s * rate_hz)
        frame.time_base = Fraction(1, rate_hz)
        yield frame


@cache
def video(
    container: str,
    audios: tuple[tuple[str, float, float], ...],
    seconds: float = 2.0,
    default: int = 0,
) -> bytes:
    """A picture and audio streams: (codec, gain, when it begins in seconds) each."""
    file = BytesIO()
    with av.open(file, "w", format=container) as output:
        picture = output.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        streams = [output.add_stream(codec, rate=48_000) for codec, _, _ in audios]
        for number, stream in enumerate(streams):
            stream.codec_context.layout = "mono"
            stream.disposition = Disposition.default if number == default else Disposition(0)
        for _ in range(round(seconds * 10)):
            output.mux(picture.encode(av.VideoFrame(64, 48, "yuv420p")))
        output.mux(picture.encode(None))
        for stream, (_, gain, first_s) in zip(streams, audios, strict=True):
            for frame in frames(gain * tone(seconds, 48_000), 48_000, first_s=first_s):
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    return file.getvalue()


def with_pauses(pauses: Mapping[float, float]) -> bytes:
    """Two seconds of tone as Opus in WebM, whose clock jumps ahead at these seconds by so many."""
    file = BytesIO()
    with av.open(file, "w", format="webm") as output:
        stream = output.add_stream("libopus", rate=48_000)
        stream.codec_context.layout = "mono"
        packets = [
            packet
            for frame in [*frames(tone(2.0, 48_000), 48_000), None]
            for packet in stream.encode(frame)
        ]
        for packet in packets:
            now_s = float(packet.pts * packet.time_base)
            ahead_s = sum(pause_s for at_s, pause_s in pauses.items() if now_s >= at_s)
            packet.pts += round(ahead_s / packet.time_base)
            packet.dts = packet.pts
            output.mux(packet)
    return file.getvalue()


def encrypted() -> bytes:
    key = "00112233445566778899aabbccddeeff"
    scheme = ("encryption_scheme", "cenc-aes-ctr")
    options = (scheme, ("encryption_key", key), ("encryption_kid", key))
    return made("mp4", "aac", options=options)
