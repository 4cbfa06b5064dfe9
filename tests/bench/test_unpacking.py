"""What is heard of a file must not depend on how its bytes arrive."""

import io
import wave
from collections.abc import Callable

import numpy as np
import pytest

from bench.unpacking import Mp3, Samples, Unpacker, Wav
from tests.media.files import pcm16, tone
from wyoming_voice.client import Sound
from wyoming_voice.media.encoding import Encoder

RATE_HZ = 22_050
PCM = pcm16(tone(0.5, RATE_HZ))


def encoded(kind: str) -> bytes:
    encoder = Encoder(kind, RATE_HZ)
    return encoder.push(PCM) + encoder.finish()


def plain_wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        written.writeframes(PCM)
    return file.getvalue()


def heard(unpacker: Unpacker, data: bytes, piece_bytes: int) -> list[Sound]:
    pieces = [data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes)]
    return [sound for piece in pieces for sound in unpacker.push(piece)]


@pytest.mark.parametrize("piece_bytes", [1, 7, 4096])
@pytest.mark.parametrize(
    ("unpacking", "data"),
    [(lambda: Samples(RATE_HZ), PCM), (Wav, plain_wav()), (Wav, encoded("wav"))],
    ids=["samples", "wav", "wav of unknown length"],
)
def test_every_sample_comes_out_once(
    unpacking: Callable[[], Unpacker], data: bytes, piece_bytes: int
) -> None:
    sounds = heard(unpacking(), data, piece_bytes)
    assert b"".join(sound.pcm for sound in sounds) == PCM
    assert {sound.format.rate_hz for sound in sounds} == {RATE_HZ}


def test_the_samples_of_a_wav_file_are_there_before_its_end() -> None:
    assert sum(len(sound.pcm) for sound in Wav().push(plain_wav()[:1000])) == 1000 - 44


def test_another_kind_of_file_is_told() -> None:
    with pytest.raises(ValueError, match="no WAV"):
        list(Wav().push(encoded("mp3")))


@pytest.mark.parametrize("piece_bytes", [100, 1_000_000])
def test_an_mp3_stream_is_heard(piece_bytes: int) -> None:
    sounds = heard(Mp3(), encoded("mp3"), piece_bytes)
    length_s = sum(sound.format.ms(len(sound.pcm)) for sound in sounds) / 1000
    assert 0.5 <= length_s < 0.65
    assert np.abs(np.frombuffer(b"".join(one.pcm for one in sounds), np.int16)).max() > 7000
