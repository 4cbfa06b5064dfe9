"""Any media file as mono float32, a block at a time: decides what is decoded, and what is refused.

Rule: a file opens nothing but itself. libav reads it through a file object that we opened, with demuxers
and decoders that we list, so a playlist or a reference within an upload can't reach a file or a URL.

The beginning of a damaged file is worth having: what can't be decoded is left out, and only a file of
which nothing can be decoded is refused here; who wants all or nothing asks `check_whole`. Samples that are
no numbers are refused; louder than full scale is clipped, as any player does. Resampling is soxr's, as for
live audio, so that a WAV gives the same samples here as over Wyoming.
"""

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn, Self

import av
import numpy as np

from wyoming_voice.audio import CHANNELS, RATES_HZ, Audio, Resampler
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import BadAudio, why
from wyoming_voice.media.allowed import DECODERS, OPTIONS
from wyoming_voice.media.mixing import mono
from wyoming_voice.media.sniffing import SNIFFED_BYTES, kind_of
from wyoming_voice.media.timeline import Timeline
from wyoming_voice.media.wholeness import declared_s

BLOCK_S = 10.0
"""The longest block, in seconds."""

_GUESSED = {"aac", "ac3", "eac3", "dts", "loas"}
"""Formats without a header for the whole file: libav guesses their length from the first bit rates."""

_LEAST_BIT_RATE = 100
"""An hour of silence in Opus or FLAC takes more bits a second; a header that claims less isn't believed."""

_BAD_PACKETS = 2_000
"""So many in a row that can't be decoded, about a minute, and the rest of the file is left alone."""

_REMEDY = (
    "send WAV, MP3, FLAC, OGG, M4A, WebM or MP4; `ffmpeg -i FILE -ac 1 -ar 16000 out.wav` makes one"
)


class Media:
    """A media file, opened: how long it is, and its best audio stream as blocks of samples.

    Blocking: for a worker's thread, one thread at a time. A path is opened and closed here, a file object
    is read from its beginning and left open. Use it as a context manager, or call `close`.

    Raises BadAudio, which names what the file is and the remedy, here or from `blocks`.
    """

    def __init__(self, source: BinaryIO | Path) -> None:
        self._file = _opened(source)
        self._ours = isinstance(source, Path)
        self._container: av.container.InputContainer | None = None
        self._heard_s = 0.0
        try:
            self._container = self._open()
            self._stream = self._best_stream(self._container)
        except BadAudio:
            self.close()
            raise

    @property
    def duration_s(self) -> float | None:
        """How long the audio is by the file's header; None where it doesn't say, or can't be believed."""
        container, stream = self._container, self._stream
        if container is None or container.format.name in _GUESSED:
            return None
        if stream.duration is not None and stream.time_base is not None:
            duration_s = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            duration_s = container.duration / av.time_base
        else:
            return None
        possible_s = 8 * container.size / _LEAST_BIT_RATE
        return duration_s if 0 < duration_s <= possible_s else None

    @property
    def declared_s(self) -> float | None:
        """How long the audio should be, where the file declares it; see `check_whole`."""
        assert self._container is not None
        return declared_s(self._container, self._stream, self._file)

    @property
    def heard_s(self) -> float:
        """How much `blocks` has given so far, in seconds: a caller's limit on the duration looks here.

        A few kilobytes can hold hours of silence, so the header is no such limit.
        """
        return self._heard_s

    def blocks(self, rate_hz: int = SPEECH.rate_hz) -> Iterator[Audio]:
        """Mono float32 at `rate_hz`, shape (n,), none empty or longer than BLOCK_S; once.

        Within [-1, 1] but for what resampling overshoots, as it does with live audio.
        A sample's place is its time in the file: where the audio begins later than the picture, or pauses
        without data, there is silence.
        """
        for block in _rechunked(self._resampled(rate_hz), round(BLOCK_S * rate_hz)):
            self._heard_s += len(block) / rate_hz
            yield block
        if not self._heard_s:
            raise self._nothing("holds no audio that can be decoded")

    def close(self) -> None:
        """Free what libav holds; more than once does nothing more."""
        if self._container is not None:
            self._container.close()
            self._container = None
        if self._ours:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> av.container.InputContainer:
        try:
            return av.open(
                _Unnamed(self._file),
                container_options=OPTIONS,
                metadata_errors="replace",
                io_open=_refused,
            )
        except (av.FFmpegError, MemoryError) as error:
            raise self._nothing("can't be read: cut off or damaged") from error

    def _best_stream(self, container: av.container.InputContainer) -> av.AudioStream:
        streams = container.streams
        if not streams.audio:
            raise self._nothing("a video without sound" if streams.video else "without audio")
        best = streams.best("audio")
        for stream in sorted(streams.audio, key=lambda stream: stream is not best):
            context = stream.codec_context
            if context is None or context.name not in DECODERS:
                continue
            if context.channels in CHANNELS:
                context.thread_count = 1
                return stream
        raise self._nothing(
            "its audio is in an encoding, or in more channels, than is decoded here"
        )

    def _nothing(self, what: str) -> BadAudio:
        """`what` is wrong with a media file; another kind of file is that, whatever libav made of it."""
        self._file.seek(0)
        kind = kind_of(self._file.read(SNIFFED_BYTES))
        told = f"is {kind.name}, and {what}" if kind.audio else f"is {kind.name}"
        return BadAudio(f"the file {told}; {_REMEDY}").about("file")

    def _resampled(self, rate_hz: int) -> Iterator[Audio]:
        resampler, source_hz = None, 0
        with contextlib.closing(self._samples()) as pieces:
            for samples, now_hz in pieces:
                if resampler is None or now_hz != source_hz:
                    if resampler is not None:
                        yield resampler.finish()
                    resampler, source_hz = Resampler(now_hz, rate_hz), now_hz
                yield resampler.push(samples)
        if resampler is not None:
            yield resampler.finish()

    def _samples(self) -> Generator[tuple[Audio, int]]:
        """Mono samples with their rate, and silence where the file's clock says so."""
        assert self._container is not None
        start = self._container.start_time
        timeline = Timeline(None if start is None else start / av.time_base)
        for frame in self._frames():
            rate_hz = frame.sample_rate
            if rate_hz not in RATES_HZ:
                raise self._nothing(f"has {rate_hz} samples a second, from {RATES_HZ[0]} are used")
            silence = timeline.silence_samples(frame.time, rate_hz)
            for begin in range(0, silence, rate_hz):
                yield np.zeros(min(rate_hz, silence - begin), np.float32), rate_hz
            timeline.add(silence + frame.samples, rate_hz)
            yield self._checked(_mono(frame)), rate_hz

    def _checked(self, samples: Audio) -> Audio:
        if not np.isfinite(samples).all():
            raise self._nothing("has samples that are no numbers (NaN or infinite)")
        clipped: Audio = np.clip(samples, -1.0, 1.0)
        return clipped

    def _frames(self) -> Iterator[av.AudioFrame]:
        """What can be decoded; the file's end is where libav can't go on."""
        assert self._container is not None
        bad = 0
        packets = self._container.demux(self._stream)
        while bad < _BAD_PACKETS:
            try:
                packet = next(packets, None)
            except (
                av.FFmpegError,
                MemoryError,
                IndexError,
            ):  # IndexError: PyAV, of a stream found late
                return
            if packet is None:
                return
            if packet.has_sidedata("encryption_info"):
                raise self._nothing("encrypted: send it without copy protection")
            try:
                frames = [_readable(frame) for frame in packet.decode()]
            except av.FFmpegError:
                bad += 1
                continue
            bad = 0 if frames else bad
            yield from frames


class _Unnamed:
    """A file without its name: what it is called and where it lies decides nothing.

    It may be closed while libav reads it, by whoever has given it up: then it has ended.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        with contextlib.suppress(ValueError):
            return self._file.read(size)
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        with contextlib.suppress(ValueError):
            return self._file.seek(offset, whence)
        return -1


def _opened(source: BinaryIO | Path) -> BinaryIO:
    if not isinstance(source, Path):
        source.seek(0)
        return source
    try:
        return source.open("rb")
    except OSError as error:
        raise BadAudio(f"{source} can't be read: {why(error)}").about("file") from error


def _refused(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """libav asks for another file."""
    raise BadAudio(f"the file refers to another one, which is never opened; {_REMEDY}").about(
        "file"
    )


def _readable(frame: av.AudioFrame) -> av.AudioFrame:
    """The frame with its channels interleaved, where PyAV would read behind the planes of one that isn't.

    PyAV counts planes up to a null pointer (`AudioFrame.planes`, PyAV 18), and behind eight of them is none:
    a film in 7.1 would end the process.
    """
    channels = frame.layout.nb_channels
    if channels > CHANNELS[-1]:
        raise av.InvalidDataError(0, f"{channels} channels")
    if channels < CHANNELS[-1] or not frame.format.is_planar:
        return frame
    (interleaved,) = av.AudioResampler(format=frame.format.packed).resample(frame)
    return interleaved


def _mono(frame: av.AudioFrame) -> Audio:
    channels = [channel.name for channel in frame.layout.channels]
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, len(channels)).T
    return mono(samples, channels)


def _rechunked(pieces: Iterator[Audio], block_samples: int) -> Iterator[Audio]:
    """The same samples in blocks of `block_samples`, the last one shorter."""
    held: list[Audio] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count < block_samples:
            continue
        joined = np.concatenate(held)
        whole = count - count % block_samples
        for begin in range(0, whole, block_samples):
            yield joined[begin : begin + block_samples]
        held, count = [joined[whole:].copy()], count - whole
    if count:
        yield np.concatenate(held)
