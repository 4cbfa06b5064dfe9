"""Any PCM in, mono float32 out: levels, frequencies, aliases, and the same sound however it is cut."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.audio import MonoResampler, checked_format, to_mono, to_pcm16
from wyoming_voice.core.pcm import AudioFormat
from wyoming_voice.errors import BadAudio

Audio = npt.NDArray[np.float32]
TARGET_HZ = 16_000
SCALES = {1: 127, 2: 32_767, 3: 8_388_607, 4: 2_147_483_647}


def sine(hz: float, rate_hz: int, *, seconds: float = 1.0, level: float = 0.5) -> Audio:
    at = np.arange(round(rate_hz * seconds)) / rate_hz
    return (level * np.sin(2 * np.pi * hz * at)).astype(np.float32)


def pcm(samples: Audio, width_bytes: int, channels: int = 1) -> bytes:
    """Integers as a sound card would make them, written without the code under test."""
    scaled = np.rint(samples.astype(np.float64) * SCALES[width_bytes]).astype(np.int64)
    offset = 128 if width_bytes == 1 else 0
    one = [int(v + offset).to_bytes(width_bytes, "little", signed=width_bytes > 1) for v in scaled]
    return b"".join(frame * channels for frame in one)


def resampled(audio: bytes, source: AudioFormat, target_hz: int = TARGET_HZ) -> Audio:
    resampler = MonoResampler(source, target_hz)
    return np.concatenate([resampler.push(audio), resampler.finish()])


def level_and_hz(samples: Audio, rate_hz: int) -> tuple[float, float]:
    """Amplitude and frequency of the strongest tone, away from the edges."""
    middle = samples[len(samples) // 8 : -len(samples) // 8]
    window = np.hanning(len(middle))
    spectrum = np.abs(np.fft.rfft(middle * window)) * 2 / window.sum()
    peak = int(spectrum.argmax())
    return float(spectrum[peak]), peak * rate_hz / len(middle)


@pytest.mark.parametrize("channels", [1, 2, 5, 8])
@pytest.mark.parametrize("width_bytes", [1, 2, 3, 4])
def test_widths_and_channels(width_bytes: int, channels: int) -> None:
    tone = sine(440, TARGET_HZ, seconds=0.1)
    heard = resampled(
        pcm(tone, width_bytes, channels), AudioFormat(TARGET_HZ, width_bytes, channels)
    )
    step = 1 / SCALES[width_bytes]
    assert heard.dtype == np.float32
    assert heard.shape == tone.shape
    assert np.abs(heard - tone).max() < 1.5 * step + 1e-6


@pytest.mark.parametrize(
    ("width_bytes", "raw", "value"),
    [
        (1, b"\x00", -1.0),
        (1, b"\x80", 0.0),
        (1, b"\xff", 127 / 128),
        (2, b"\x00\x80", -1.0),
        (2, b"\xff\x7f", 32767 / 32768),
        (3, b"\x00\x00\x80", -1.0),
        (3, b"\xff\xff\xff", -1 / 2**23),
        (4, b"\x00\x00\x00\x80", -1.0),
        (4, b"\x00\x00\x00\x40", 0.5),
    ],
)
def test_extremes(width_bytes: int, raw: bytes, value: float) -> None:
    assert to_mono(raw, AudioFormat(TARGET_HZ, width_bytes, 1)).tolist() == [np.float32(value)]


def test_channels_are_averaged() -> None:
    frames = np.array([[1000, 3000], [-32768, -32768], [100, -100]], "<i2")
    mono = to_mono(frames.tobytes(), AudioFormat(TARGET_HZ, 2, 2))
    assert (mono * 32768).tolist() == [2000, -32768, 0]


@pytest.mark.parametrize(
    "rate_hz", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000]
)
def test_a_tone_keeps_level_pitch_and_length(rate_hz: int) -> None:
    tone = sine(1000, rate_hz)
    heard = resampled(to_pcm16(tone), AudioFormat(rate_hz, 2, 1))
    level, hz = level_and_hz(heard, TARGET_HZ)
    assert level == pytest.approx(0.5, rel=0.01)
    assert hz == pytest.approx(1000, abs=2)
    assert len(heard) == pytest.approx(TARGET_HZ, abs=2)


@pytest.mark.parametrize("rate_hz", [1_000, 12_345, 191_999])
def test_odd_rates(rate_hz: int) -> None:
    heard = resampled(to_pcm16(sine(200, rate_hz)), AudioFormat(rate_hz, 2, 1))
    level, hz = level_and_hz(heard, TARGET_HZ)
    assert level == pytest.approx(0.5, rel=0.02)
    assert hz == pytest.approx(200, abs=2)


@pytest.mark.parametrize("rate_hz", [24_000, 44_100, 48_000])
def test_what_16_khz_can_t_hold_leaves_no_alias(rate_hz: int) -> None:
    heard = resampled(pcm(sine(11_000, rate_hz), 4), AudioFormat(rate_hz, 4, 1))
    level, _ = level_and_hz(heard, TARGET_HZ)
    assert 20 * np.log10(level / 0.5) < -90


FORMATS = [AudioFormat(44_100, 2, 2), AudioFormat(8_000, 3, 1), AudioFormat(16_000, 4, 3)]


@given(st.sampled_from(FORMATS), st.lists(st.integers(0, 900), max_size=60))
def test_any_cut_sounds_the_same(source: AudioFormat, cuts: list[int]) -> None:
    tone = sine(700, source.rate_hz, seconds=0.05)
    whole = pcm(tone, source.width_bytes, source.channels)
    resampler, parts, start = MonoResampler(source, TARGET_HZ), [], 0
    for size_bytes in cuts:
        parts.append(resampler.push(whole[start : start + size_bytes]))
        start += size_bytes
    parts += [resampler.push(whole[start:]), resampler.finish()]
    np.testing.assert_allclose(np.concatenate(parts), resampled(whole, source), atol=1e-6)


def test_nothing_in_nothing_out() -> None:
    for rate_hz in (TARGET_HZ, 44_100):
        assert len(resampled(b"", AudioFormat(rate_hz, 2, 1))) == 0


def test_half_a_frame_at_the_end_is_dropped() -> None:
    heard = resampled(
        pcm(sine(100, TARGET_HZ, seconds=0.01), 2, 2) + b"abc", AudioFormat(TARGET_HZ, 2, 2)
    )
    assert len(heard) == 160


def test_16_bit_samples_survive_the_round_trip() -> None:
    every = np.arange(-32768, 32768, dtype="<i2").tobytes()
    assert to_pcm16(to_mono(every, AudioFormat(TARGET_HZ, 2, 1))) == every


def test_samples_are_rounded_not_cut() -> None:
    between = np.array([0.6, -0.6, 0.4, -0.4], np.float32) / np.float32(32768)
    assert np.frombuffer(to_pcm16(between), "<i2").tolist() == [1, -1, 0, 0]


def test_what_is_too_loud_is_clipped() -> None:
    loud = np.array([1.0, 2.0, -1.0, -3.0, 0.99999], np.float32)
    assert np.frombuffer(to_pcm16(loud), "<i2").tolist() == [32767, 32767, -32768, -32768, 32767]


@pytest.mark.parametrize(
    ("rate_hz", "width_bytes", "channels"), [(1_000, 1, 1), (16_000, 2, 1), (192_000, 4, 8)]
)
def test_formats_that_can_be_converted(rate_hz: int, width_bytes: int, channels: int) -> None:
    checked = checked_format(rate_hz, width_bytes, channels)
    assert checked == AudioFormat(rate_hz, width_bytes, channels)


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ((0, 2, 1), "audio rate '0' can't be used; from 1000 to 192000"),
        ((999, 2, 1), "audio rate '999'"),
        ((192_001, 2, 1), "audio rate"),
        ((-16_000, 2, 1), "audio rate"),
        ((16_000.0, 2, 1), "audio rate"),
        (("16000", 2, 1), "audio rate"),
        ((None, 2, 1), "audio rate 'None'"),
        ((True, 2, 1), "audio rate"),
        ((16_000, 0, 1), "audio width '0' can't be used; from 1 to 4"),
        ((16_000, 5, 1), "audio width"),
        ((16_000, True, 1), "audio width 'True'"),
        ((16_000, 2, 0), "audio channels '0' can't be used; from 1 to 8"),
        ((16_000, 2, 9), "audio channels"),
        ((16_000, 2, ["x" * 100_000]), "audio channels"),
    ],
)
def test_formats_that_can_t(named: tuple[object, object, object], text: str) -> None:
    with pytest.raises(BadAudio) as caught:
        checked_format(*named)
    assert str(caught.value).startswith(text)
    assert len(str(caught.value)) < 200


def test_the_arithmetic_of_pcm() -> None:
    stereo = AudioFormat(44_100, 3, 2)
    assert stereo.frame_bytes == 6
    assert stereo.ms(44_100 * 6) == 1000.0
    assert stereo.size_bytes(1000) == 264_600
    assert stereo.size_bytes(0.5) % 6 == 0
