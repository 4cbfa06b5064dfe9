"""How fast sound is asked for, and how it is written for a device."""

import numpy as np
import pytest

from satellite.devices.convert import SpeechConverter, encode
from satellite.devices.pace import Pace
from wyoming_voice.audio import to_mono
from wyoming_voice.core.pcm import SPEECH, AudioFormat


def test_the_lead_is_due_at_once_and_then_a_block_at_a_time() -> None:
    pace = Pace(48_000, 100, now_s=10.0)
    assert pace.due(10.0) == 4800
    assert pace.due(10.019) == 0
    assert pace.due(10.021) == 960
    assert pace.due(10.0612) == 1920


def test_it_is_never_further_ahead_than_the_lead() -> None:
    pace = Pace(16_000, 200, now_s=0.0)
    given = 0
    for step in range(1000):
        now_s = step * 0.0071
        given += pace.due(now_s)
        assert given <= (now_s + 0.2) * 16_000
    assert given > (now_s + 0.15) * 16_000


def test_a_stall_is_not_made_up_for() -> None:
    pace = Pace(16_000, 100, now_s=0.0)
    pace.due(0.0)
    assert pace.due(60.0) == 1600
    assert pace.due(60.0) == 0


@pytest.mark.parametrize("width_bytes", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_encoding_is_the_inverse_of_hearing(width_bytes: int, channels: int) -> None:
    target = AudioFormat(48_000, width_bytes, channels)
    samples = np.array([0.0, 0.5, -0.5, -1.0, 0.25], np.float32)
    pcm = encode(samples, target)
    assert len(pcm) == 5 * target.frame_bytes
    assert np.array_equal(to_mono(pcm, target), samples)


@pytest.mark.parametrize("width_bytes", [1, 2, 3, 4])
def test_too_loud_is_clipped(width_bytes: int) -> None:
    target = AudioFormat(48_000, width_bytes, 1)
    heard = to_mono(encode(np.array([1.5, -1.5], np.float32), target), target)
    assert heard[0] == pytest.approx(1.0, abs=0.01)
    assert heard[1] == -1.0


def test_speech_passes_unchanged_however_it_is_cut() -> None:
    pcm = np.arange(-300, 300, dtype="<i2").tobytes()
    converter = SpeechConverter(SPEECH)
    assert b"".join(converter.push(pcm[at : at + 7]) for at in range(0, len(pcm), 7)) == pcm


def test_a_device_at_48_khz_in_stereo_becomes_speech() -> None:
    tone = (np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000) / 2).astype(np.float32)
    converter = SpeechConverter(AudioFormat(48_000, 2, 2))
    pcm = encode(tone, AudioFormat(48_000, 2, 2))
    heard = b"".join(converter.push(pcm[at : at + 1000]) for at in range(0, len(pcm), 1000))
    samples = to_mono(heard, SPEECH)
    spectrum = np.abs(np.fft.rfft(samples))
    assert round(np.argmax(spectrum) * 16_000 / len(samples)) == 440
    assert np.abs(samples[4000:8000]).max() == pytest.approx(0.5, abs=0.01)
