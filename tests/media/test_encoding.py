"""Encoder: every kind decodes to what went in, however it was cut, and its bytes come early."""

import wave
from io import BytesIO

import numpy as np
import pytest

from tests.media.files import LEVEL, TONE_HZ, pcm16, tone
from wyoming_voice.audio import Audio
from wyoming_voice.errors import UnknownChoice
from wyoming_voice.media.decoding import Media
from wyoming_voice.media.encoding import ENCODINGS, Encoder

RATES_HZ = [24_000, 22_050]
FILES = sorted(ENCODINGS.keys() - {"pcm"})


def encoded(kind: str, rate_hz: int, pcm: bytes, chunk_bytes: int = 4_800) -> list[bytes]:
    """What each push gave, and the end."""
    with Encoder(kind, rate_hz) as encoder:
        chunks = range(0, len(pcm), chunk_bytes)
        parts = [encoder.push(pcm[begin : begin + chunk_bytes]) for begin in chunks]
        return [*parts, encoder.finish()]


def decoded(data: bytes, rate_hz: int) -> Audio:
    with Media(BytesIO(data)) as media:
        return np.concatenate(list(media.blocks(rate_hz)))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("kind", FILES)
def test_what_comes_out_sounds_as_what_went_in(kind: str, rate_hz: int) -> None:
    samples = decoded(b"".join(encoded(kind, rate_hz, pcm16(tone(2.0, rate_hz)))), rate_hz)
    assert len(samples) / rate_hz == pytest.approx(2.0, abs=0.05)
    middle = samples[rate_hz // 4 : -rate_hz // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(
        LEVEL / np.sqrt(2), rel=0.06
    )  # LAME takes 0.4 dB
    assert clicks(middle, rate_hz) < 0.02


def clicks(samples: Audio, rate_hz: int) -> float:
    """The most that a sample is off the sine that fits all of them best."""
    angles = 2 * np.pi * TONE_HZ * np.arange(len(samples)) / rate_hz
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    fit, *_ = np.linalg.lstsq(waves, samples, rcond=None)
    return float(np.abs(samples - waves @ fit).max())


@pytest.mark.parametrize("kind", ENCODINGS)
def test_how_it_is_cut_changes_nothing(kind: str) -> None:
    pcm = np.random.default_rng(2).normal(0, 2_000, 12_345).astype("<i2").tobytes()
    whole = b"".join(encoded(kind, 24_000, pcm, len(pcm)))
    assert b"".join(encoded(kind, 24_000, pcm, 777)) == whole
    assert b"".join(encoded(kind, 24_000, pcm, 4_800)) == whole


@pytest.mark.parametrize("kind", ENCODINGS)
def test_bytes_come_while_the_audio_comes(kind: str) -> None:
    parts = encoded(kind, 24_000, pcm16(tone(1.0, 24_000)))
    assert any(parts[:2]), "nothing after 200 ms"
    assert all(parts[2:-1])


def test_pcm_is_what_it_was() -> None:
    pcm = pcm16(tone(0.3, 24_000))
    assert b"".join(encoded("pcm", 24_000, pcm, 333)) == pcm


def test_half_a_sample_at_the_end_is_left_out() -> None:
    assert b"".join(encoded("pcm", 24_000, b"\x01\x02\x03")) == b"\x01\x02"


def test_a_wav_of_unknown_length_is_read_by_others() -> None:
    pcm = pcm16(tone(0.5, 24_000))
    data = b"".join(encoded("wav", 24_000, pcm))
    assert data[4:8] == data[40:44] == b"\xff\xff\xff\xff"
    with wave.open(BytesIO(data)) as file:
        assert file.getparams()[:3] == (1, 2, 24_000)
        assert file.readframes(24_000) == pcm


@pytest.mark.parametrize("kind", ENCODINGS)
def test_nothing_pushed_is_a_file_without_audio(kind: str) -> None:
    data = b"".join(encoded(kind, 24_000, b""))
    assert len(data) < 300


def test_the_media_types_are_told() -> None:
    told = {kind: Encoder(kind, 24_000).media_type for kind in ENCODINGS}
    assert told == dict(ENCODINGS)


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(UnknownChoice, match="did you mean 'opus'"):
        Encoder("opsu", 24_000)


def test_one_that_is_left_half_way_can_be_closed_twice() -> None:
    encoder = Encoder("flac", 24_000)
    encoder.push(bytes(4_800))
    encoder.close()
    encoder.close()
