"""Which files count as cut off, and which only look so."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.files import UNKNOWN_LENGTH, made, pcm16, tone, video, wav
from wyoming_voice.errors import BadAudio
from wyoming_voice.media.decoding import Media
from wyoming_voice.media.encoding import Encoder
from wyoming_voice.media.wholeness import check_whole

SECONDS = 8.0


def long(directory: Path, container: str, codec: str, **options: str) -> bytes:
    """Noise, which takes as many bits in each second, in a file that its writer could go back in."""
    path = directory / "long"
    noise = np.random.default_rng(0).normal(0, 3_000, (1, 48_000)).astype("<i2")
    with av.open(str(path), "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=48_000, options=options)
        stream.codec_context.layout = "mono"
        for second in range(round(SECONDS)):
            frame = av.AudioFrame.from_ndarray(noise, "s16", "mono")
            frame.sample_rate, frame.pts = 48_000, second * 48_000
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path.read_bytes()


def check(data: bytes) -> None:
    """As whoever hears all of a file."""
    with Media(BytesIO(data)) as media:
        declared_s = media.declared_s
        for _ in media.blocks():
            pass
        check_whole(declared_s, media.heard_s)


DECLARING: dict[str, Callable[[Path], bytes]] = {
    "wav": lambda _: wav(pcm16(tone(SECONDS))),
    "aiff": lambda path: long(path, "aiff", "pcm_s16be"),
    "flac": lambda path: long(path, "flac", "flac"),
    "mp3": lambda path: long(path, "mp3", "libmp3lame"),
    "mp3 with a picture": lambda path: tagged(long(path, "mp3", "libmp3lame")),
    "m4a": lambda path: long(path, "ipod", "aac", movflags="faststart"),
    "webm": lambda path: long(path, "webm", "libopus"),
}


def tagged(mp3: bytes) -> bytes:
    """Behind a picture; its own tag, of 45 bytes, goes."""
    size = 20_000
    head = b"ID3\x04\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return head + bytes(size) + mp3[mp3.index(b"\xff\xfb") :]


@pytest.mark.parametrize("name", DECLARING)
def test_half_a_file_is_told_from_a_whole_one(name: str, tmp_path: Path) -> None:
    data = DECLARING[name](tmp_path)
    check(data)
    with pytest.raises(
        BadAudio, match=r"should hold 8\.0 s of audio, and [345]\.\d s are there; send"
    ):
        check(data[: len(data) * 55 // 100])


STREAMED: dict[str, Callable[[Path], bytes]] = {
    "no length": lambda _: wav(pcm16(tone(SECONDS)), declared_bytes=0),
    "OpenAI's, ffmpeg's": lambda _: wav(pcm16(tone(SECONDS)), declared_bytes=UNKNOWN_LENGTH),
    "arecord's": lambda _: wav(pcm16(tone(SECONDS)), declared_bytes=2**31),
    "SoX's, eSpeak's": lambda _: wav(pcm16(tone(SECONDS)), declared_bytes=0x7FFFF000),
    "our wav": lambda _: ours("wav"),
    "our flac": lambda _: ours("flac"),
    "our mp3": lambda _: ours("mp3"),
    "mp3 of two bit rates": lambda path: of_two_bit_rates(path),
    "ogg": lambda path: long(path, "ogg", "libopus"),
    "adts": lambda path: long(path, "adts", "aac"),
    "a browser's": lambda path: long(path, "webm", "libopus", live="1"),
}


def of_two_bit_rates(path: Path) -> bytes:
    """By its beginning, libav guesses that it lasts twice as long."""
    halves = [long(path, "mp3", "libmp3lame", b=rate, write_xing="0") for rate in ("32k", "320k")]
    return b"".join(half[half.index(b"\xff\xfb") :] for half in halves)


def ours(kind: str) -> bytes:
    encoder = Encoder(kind, 16_000)
    return encoder.push(pcm16(tone(SECONDS))) + encoder.finish()


@pytest.mark.parametrize("name", STREAMED)
def test_what_was_written_before_its_length_was_known_has_no_other_half(
    name: str, tmp_path: Path
) -> None:
    data = STREAMED[name](tmp_path)
    check(data)
    check(data[: len(data) * 55 // 100])


def test_a_picture_that_outlasts_the_sound_is_no_missing_sound() -> None:
    data = video("matroska", (("flac", 1.0, 0.0),), seconds=2.0)
    with Media(BytesIO(data)) as media:
        assert media.declared_s is None


def test_a_wav_is_seen_to_be_cut_off_before_it_is_heard_and_heard_all_the_same() -> None:
    chunk = struct.pack("<4sI", b"LIST", 5) + b"abcde\0"
    data = wav(pcm16(tone(SECONDS)))
    data = data[:12] + chunk + data[12:]
    with Media(BytesIO(data[: len(data) // 2])) as media:
        assert media.declared_s == SECONDS
        assert media.duration_s == pytest.approx(SECONDS / 2, abs=0.01)
        assert sum(map(len, media.blocks())) == pytest.approx(SECONDS / 2 * 16_000, abs=100)


@pytest.mark.parametrize(
    ("declared_s", "heard_s", "whole"),
    [
        (None, 0.0, True),
        (10.0, 9.01, True),
        (100.0, 95.1, True),
        (10.0, 8.9, False),
        (3.0, 4.0, True),
    ],
)
def test_a_little_may_be_missing(declared_s: float | None, heard_s: float, *, whole: bool) -> None:
    if whole:
        check_whole(declared_s, heard_s)
        return
    with pytest.raises(BadAudio, match="send it again"):
        check_whole(declared_s, heard_s)


def test_a_file_that_is_closed_while_it_is_read_has_ended(
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = BytesIO(made("flac", "flac", seconds=30.0))
    with Media(file) as media:
        blocks = media.blocks()
        next(blocks)
        file.close()
        assert sum(map(len, blocks)) < 20 * 16_000
    assert capfd.readouterr() == ("", "")
